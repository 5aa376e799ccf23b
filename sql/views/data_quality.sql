-- grain: one row per ticker and day on the clock of its exchange

create view bi.data_quality as

with ticker as (
    select
        ticker,
        source,
        is_simulated,
        coalesce(timezone, 'UTC') as timezone
    from forecast.ticker
),

bar as (
    select
        ticker,
        opened_at
    from forecast.bar
),

revision as (
    select
        ticker,
        opened_at
    from forecast.bar_revision
),

rejected as (
    select
        ticker,
        opened_at,
        reason
    from forecast.bar_rejected
),

event as (
    select
        ticker,
        opened_at,
        'stored' as kind,
        null as reason
    from bar
    union all
    select
        ticker,
        opened_at,
        'revised' as kind,
        null as reason
    from revision
    union all
    select
        ticker,
        opened_at,
        'rejected' as kind,
        reason
    from rejected
),

final as (
    select
        ticker,
        ticker.source,
        ticker.is_simulated,
        (event.opened_at at time zone ticker.timezone)::date as day_exchange,
        count(*) filter (where event.kind = 'stored') as bar_count,
        count(*) filter (where event.kind = 'revised') as revision_count,
        count(*) filter (where event.kind = 'rejected') as rejection_count,
        string_agg(distinct event.reason, ', ') as rejection_reasons
    from event
    inner join ticker using (ticker)
    group by
        ticker,
        ticker.source,
        ticker.is_simulated,
        day_exchange
)

select * from final;

comment on view bi.data_quality is
'One row per ticker and day: bars that are believed, revised and rejected.';
comment on column bi.data_quality.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.data_quality.source is
'Source of the bars: yahoo, files or simulated.';
comment on column bi.data_quality.is_simulated is
'True where the market is invented, not observed.';
comment on column bi.data_quality.day_exchange is
'Day on the clock of the exchange on which the bars opened.';
comment on column bi.data_quality.bar_count is
'Bars that are believed now.';
comment on column bi.data_quality.revision_count is
'Earlier values of such bars that were replaced.';
comment on column bi.data_quality.rejection_count is
'Failed checks of bars that were not believed; a bar may fail several.';
comment on column bi.data_quality.rejection_reasons is
'Names of the checks that failed; null where none did.';
