-- grain: one row per request and ticker that it names

create view bi.request as

with ticker as (
    select * from forecast.ticker
),

named as (
    select * from forecast.onboarding
),

final as (
    select
        named.request_id,
        named.ticker,
        case
            when named.source is null then 'retire'
            else 'onboard'
        end as kind,
        named.as_of,
        named.as_of at time zone ticker.timezone as as_of_exchange,
        named.source,
        named.source = 'simulated' as is_simulated,
        named.history_days,
        named.stage,
        coalesce(named.result, 'in progress') as result,
        named.result in ('rejected', 'failed', 'not_tracked') as is_refused,
        named.reason,
        named.requested_by,
        ticker.status as ticker_status,
        named.updated_at
    from named
    left join ticker using (ticker)
)

select * from final;

comment on view bi.request is
'One row per request and ticker that it names: what was requested, and what '
'became of each name. Names that are no ticker are in no other view.';
comment on column bi.request.request_id is
'Id of the run that was requested. It begins with how: manual (Airflow''s page '
'or API), make_run, cli, or pending (an hour that tries a ticker again).';
comment on column bi.request.ticker is
'Symbol as Yahoo spells it; as it was typed if it is none.';
comment on column bi.request.kind is
'onboard or retire.';
comment on column bi.request.as_of is
'The request used nothing known later than this instant, UTC.';
comment on column bi.request.as_of_exchange is
'The same instant in the exchange''s time zone, without a zone; null if the '
'exchange is not known.';
comment on column bi.request.source is
'Requested source of the bars: yahoo, files or simulated; null for a '
'retirement.';
comment on column bi.request.is_simulated is
'True if a simulated market was requested; null for a retirement.';
comment on column bi.request.history_days is
'Days of history that were requested; 0 for a retirement.';
comment on column bi.request.stage is
'Last completed stage: requested, validated, backfilled, trained or forecast.';
comment on column bi.request.result is
'active, already_active, pending, rejected, failed, retired, not_tracked or in '
'progress.';
comment on column bi.request.is_refused is
'True for rejected, failed and not_tracked; null while it is in progress.';
comment on column bi.request.reason is
'Reason for the result; null if there is none to give.';
comment on column bi.request.requested_by is
'Airflow''s user who asked; null for the command line, and where an hour asks '
'again for a pending ticker.';
comment on column bi.request.ticker_status is
'Present status of the ticker; null if the name is none.';
comment on column bi.request.updated_at is
'When it last changed, UTC.';
