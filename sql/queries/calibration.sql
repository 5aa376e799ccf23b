-- Coverage of the 90 % interval and CRPS skill over the random walk, by ticker
-- and horizon, where at least 30 forecasts are scored.

select
    ticker,
    horizon,
    forecast_count,
    round(coverage_90_ratio::numeric, 3) as coverage_90_ratio,
    round(crps_skill_ratio::numeric, 4) as crps_skill_ratio
from bi.accuracy
where forecast_count >= 30
order by ticker, horizon;
