-- Requested names that were refused in the last 30 days, and the reasons.

select
    request_id,
    ticker,
    kind,
    result,
    reason,
    updated_at
from bi.request
where is_refused and updated_at > now() - interval '30 days'
order by updated_at desc, ticker asc;
