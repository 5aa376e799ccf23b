-- What comes next, and how sure the forecast is: each ticker's median move, its
-- 50 % and 90 % intervals, their widths beside the random walk's, and reasons.

select
    ticker,
    is_simulated,
    target_at_exchange,
    coalesce(believed_price, last_close) as price,
    round((q50 / coalesce(believed_price, last_close) - 1)::numeric, 5)
        as median_move_ratio,
    q25,
    q75,
    q05,
    q95,
    round(((q75 - q25) / q50)::numeric, 5) as width_50_ratio,
    round(((q95 - q05) / q50)::numeric, 5) as width_90_ratio,
    round(((random_walk_q95 - random_walk_q05) / random_walk_q50)::numeric, 5)
        as random_walk_width_90_ratio,
    is_fallback,
    reasons
from bi.latest_forecast
where is_next and status = 'active'
order by is_simulated, ticker;
