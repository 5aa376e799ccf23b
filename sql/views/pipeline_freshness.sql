-- grain: one row per hour that was planned

create view bi.pipeline_freshness as

with hour as (
    select
        as_of,
        planned_at,
        as_of - lag(as_of) over (order by as_of) as gap,
        lead(as_of) over (order by as_of) is null as is_newest
    from forecast.planned_hour
),

final as (
    select
        hour.as_of,
        hour.is_newest,
        extract(epoch from now() - hour.as_of)::double precision
        / 3600 as age_hours,
        extract(epoch from hour.gap)::double precision / 3600 as gap_hours,
        hour.planned_at,
        case
            when counted.unfinished_count = 0
                then coalesce(counted.updated_at, hour.planned_at)
        end as finished_at,
        counted.ticker_count,
        counted.simulated_count,
        counted.forecast_count,
        counted.refreshed_count,
        counted.fallback_count,
        counted.skipped_count,
        counted.failed_count,
        counted.unfinished_count
    from hour
    cross join lateral (
        select
            count(*) as ticker_count,
            count(*) filter (where outcome.source = 'simulated')
                as simulated_count,
            count(*) filter (where outcome.status = 'forecast')
                as forecast_count,
            count(*) filter (where outcome.status = 'refreshed')
                as refreshed_count,
            count(*) filter (where outcome.status = 'fallback')
                as fallback_count,
            count(*) filter (where outcome.status = 'skipped')
                as skipped_count,
            count(*) filter (where outcome.status = 'failed')
                as failed_count,
            count(*) filter (where outcome.status = 'planned')
                as unfinished_count,
            max(outcome.updated_at) as updated_at
        from forecast.outcome
        where outcome.as_of = hour.as_of
    ) as counted
)

select * from final;

comment on view bi.pipeline_freshness is
'One row per hour that was planned: how long ago it was, whether hours before '
'it are missing, and how many tickers have each result.';
comment on column bi.pipeline_freshness.as_of is
'as_of of the hour: it used nothing known later, UTC.';
comment on column bi.pipeline_freshness.is_newest is
'True for the newest hour.';
comment on column bi.pipeline_freshness.age_hours is
'Hours from as_of to now; more than about 1.5 in the newest hour means that '
'the pipeline is late.';
comment on column bi.pipeline_freshness.gap_hours is
'Hours from the hour before it; more than 1 means that hours never ran. Null '
'for the first hour.';
comment on column bi.pipeline_freshness.planned_at is
'When it was planned first, UTC.';
comment on column bi.pipeline_freshness.finished_at is
'When the last ticker got its result, UTC; null until all have one.';
comment on column bi.pipeline_freshness.ticker_count is
'Number of tickers that it planned.';
comment on column bi.pipeline_freshness.simulated_count is
'Number of them whose market is simulated.';
comment on column bi.pipeline_freshness.forecast_count is
'Number of tickers with a model''s regular forecast.';
comment on column bi.pipeline_freshness.refreshed_count is
'Number of tickers with a refreshed forecast.';
comment on column bi.pipeline_freshness.fallback_count is
'Number of tickers with a fallback (the random walk''s forecast).';
comment on column bi.pipeline_freshness.skipped_count is
'Number of tickers that were skipped, such as those of closed markets.';
comment on column bi.pipeline_freshness.failed_count is
'Number of tickers that failed.';
comment on column bi.pipeline_freshness.unfinished_count is
'Number of tickers without a result.';
