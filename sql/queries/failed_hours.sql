-- Which hours of the last 7 days failed, for which tickers and why, and before
-- which hours others never ran.

select
    as_of,
    status as problem,
    stage,
    replace(reason, ticker || ': ', '') as reason,
    count(*) as ticker_count,
    string_agg(ticker, ', ' order by ticker) as tickers
from bi.hour_outcome
where
    as_of > now() - interval '7 days'
    and (
        status = 'failed'
        or (status = 'planned' and as_of < now() - interval '1 hour')
    )
group by as_of, status, stage, replace(reason, ticker || ': ', '')
union all
select
    as_of,
    'hours before it are missing' as problem,
    null as stage,
    'nothing ran for ' || round(gap_hours::numeric, 1) || ' hours' as reason,
    null as ticker_count,
    null as tickers
from bi.pipeline_freshness
where as_of > now() - interval '7 days' and gap_hours > 1.5
order by as_of desc, ticker_count desc;
