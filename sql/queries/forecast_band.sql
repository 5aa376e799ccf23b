-- One ticker's closes and forecast band of 14 days, as Superset draws them.

select
    closed_at,
    close,
    close__yhat,
    close__yhat_lower,
    close__yhat_upper
from bi.superset_forecast
where ticker = 'AAPL' and closed_at > now() - interval '14 days'
order by closed_at;
