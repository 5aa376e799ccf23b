-- Forecast close of each active ticker's next bar that has not closed yet, with
-- the end of that bar in the exchange's time zone.

select
    ticker,
    source,
    target_at_exchange,
    exchange_timezone,
    last_close,
    q50,
    q05,
    q95,
    is_fallback
from bi.latest_forecast
where is_next and status = 'active'
order by ticker;
