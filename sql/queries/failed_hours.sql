-- Which hours of the last 7 days failed, for which tickers and why, and which
-- never ran.

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
    'never ran' as problem,
    null as stage,
    reason,
    null as ticker_count,
    null as tickers
from bi.missing_hour
where as_of > now() - interval '7 days'
order by as_of desc, ticker_count desc;
