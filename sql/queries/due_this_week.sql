-- What is due: the reports of the next 7 days, and the announcements before the
-- targets of the present forecasts. Days are those of the ticker's exchange.

with report as (
    select
        reported_on as due_on,
        'report' as kind,
        ticker,
        timing || case
            when is_confirmed then ', confirmed'
            when source = 'estimate' then ', estimated from earlier reports'
            else ', estimated'
        end as description
    from bi.earnings_date
    where
        is_expected
        and reported_on between current_date and current_date + 7
),

-- the first target of a ticker after the announcement
announcement as (
    select
        min(latest.target_at_exchange)::date as due_on,
        'announcement' as kind,
        latest.ticker,
        reason.value ->> 'text' as description
    from bi.latest_forecast as latest
    inner join bi.forecast as stored using (ticker, as_of, horizon)
    cross join lateral jsonb_array_elements(stored.reasons) as reason
    where latest.status = 'active' and reason.value ->> 'kind' = 'announcement'
    group by latest.ticker, description
    having max(latest.target_at) > now()
)

select
    due_on,
    kind,
    description,
    count(*) as ticker_count,
    string_agg(ticker, ', ' order by ticker) as tickers
from (
    select * from report
    union all
    select * from announcement
) as due
group by due_on, kind, description
order by due_on, kind, description;
