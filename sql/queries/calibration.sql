-- Do the 90 % intervals hold 90 % of what came, and is anything gained on the
-- random walk?

select
    ticker,
    horizon,
    forecast_count,
    round(coverage_90_ratio::numeric, 3) as coverage_90_ratio,
    round(crps_skill_ratio::numeric, 4) as crps_skill_ratio
from bi.accuracy
where forecast_count >= 30
order by ticker, horizon;
