-- How often the 90 % interval was right in the last 30 days, by ticker, one bar
-- ahead. For the standard error, the forecasts of a day are one observation.

with daily as (
    select
        ticker,
        is_simulated,
        date_trunc('day', target_at) as day_at,
        count(*) as forecast_count,
        sum(is_inside_90::integer) as inside_count
    from bi.forecast
    where
        horizon = 1
        and not is_refresh
        and is_inside_90 is not null
        and target_at > now() - interval '30 days'
    group by ticker, is_simulated, day_at
),

compared as (
    select
        *,
        sum(inside_count) over one / sum(forecast_count) over one as coverage
    from daily
    window one as (partition by ticker)
)

select
    ticker,
    is_simulated,
    count(*) as day_count,
    sum(forecast_count) as forecast_count,
    round(coverage, 3) as coverage_90_ratio,
    round(
        sqrt(
            sum((inside_count - coverage * forecast_count) ^ 2)
            * count(*) / nullif(count(*) - 1, 0)
        )
        / sum(forecast_count),
        3
    ) as standard_error
from compared
group by ticker, is_simulated, coverage
order by is_simulated, ticker;
