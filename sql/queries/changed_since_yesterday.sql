-- What changed since yesterday: the price that a ticker's forecast starts from,
-- and the width of its 90 % interval one bar ahead, beside those of its newest
-- forecast that is older by 24 hours.

with present as (
    select
        ticker,
        is_simulated,
        as_of,
        coalesce(believed_price, last_close) as price,
        (q95 - q05) / q50 as width_ratio,
        reasons
    from bi.latest_forecast
    where horizon = 1 and status = 'active'
)

select
    present.ticker,
    present.is_simulated,
    present.as_of,
    earlier.as_of as earlier_as_of,
    present.price,
    round((present.price / earlier.price - 1)::numeric, 4) as move_ratio,
    round(present.width_ratio::numeric, 5) as width_90_ratio,
    round(earlier.width_ratio::numeric, 5) as earlier_width_90_ratio,
    present.reasons
from present
left join lateral (
    select
        past.as_of,
        coalesce(past.believed_price, past.last_close) as price,
        (past.q95 - past.q05) / past.q50 as width_ratio
    from bi.forecast as past
    where
        past.ticker = present.ticker
        and past.horizon = 1
        and past.as_of <= present.as_of - interval '24 hours'
    order by past.as_of desc
    limit 1
) as earlier on true
order by abs(present.price / earlier.price - 1) desc nulls last, present.ticker;
