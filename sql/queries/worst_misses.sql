-- One ticker's 20 largest errors, relative to the last close, among forecasts
-- whose 90 % interval missed the actual close; last 30 days.

select
    ticker,
    target_at,
    horizon,
    q05,
    q95,
    actual_close,
    round((absolute_error / last_close)::numeric, 4) as absolute_error_ratio,
    round(dividend_gap::numeric, 4) as dividend_gap
from bi.forecast
where
    ticker = 'AAPL'
    and not is_inside_90
    and target_at > now() - interval '30 days'
    and as_of > now() - interval '60 days'  -- fewer rows are read
order by absolute_error / last_close desc
limit 20;
