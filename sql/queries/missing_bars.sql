-- Days of the last 14 on which bars are missing, late or were rejected.

select
    ticker,
    day_exchange,
    expected_count,
    bar_count,
    missing_count,
    late_count,
    rejection_count,
    rejection_reasons
from bi.data_quality
where
    day_exchange > current_date - 14
    and (missing_count > 0 or late_count > 0 or rejection_count > 0)
order by day_exchange desc, missing_count desc, ticker asc;
