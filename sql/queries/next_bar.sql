-- What will each ticker's next bar close at, in the exchange's own time?

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
where horizon = 1 and status = 'active'
order by ticker;
