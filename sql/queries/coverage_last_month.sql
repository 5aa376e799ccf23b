-- How often the 90 % interval was right in the last 30 days, by ticker, one bar
-- ahead. For the standard error, the forecasts of a day are one observation.

with daily as (
    select
        ticker,
        is_simulated,
        forecast_count,
        coverage_90_ratio * forecast_count as inside_count
    from bi.accuracy_daily
    where
        horizon = 1
        and not is_refresh
        and day_exchange > (now() at time zone 'UTC')::date - 30
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
    round(coverage::numeric, 3) as coverage_90_ratio,
    round(
        (
            sqrt(
                sum((inside_count - coverage * forecast_count) ^ 2)
                * count(*) / nullif(count(*) - 1, 0)
            )
            / sum(forecast_count)
        )::numeric,
        3
    ) as standard_error
from compared
group by ticker, is_simulated, coverage
order by is_simulated, ticker;
