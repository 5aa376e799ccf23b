-- Tickers that are not active, or whose last hour gave no forecast by a model,
-- and the reasons.

select
    ticker,
    status,
    status_reason,
    last_outcome_as_of,
    last_outcome_status,
    last_outcome_reason,
    round(last_bar_age_hours::numeric, 1) as last_bar_age_hours
from bi.ticker_status
where status <> 'active' or last_outcome_status in ('failed', 'fallback')
order by ticker;
