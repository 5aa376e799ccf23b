-- grain: one row per ticker and day on which it was ever expected to report

create view bi.earnings_date as

with ticker as (
    select * from forecast.ticker
),

known as (
    select * from forecast.earnings_date
    where known_at <= now()
),

newest as (
    select distinct on (ticker, reported_on)
        ticker,
        reported_on,
        timing,
        is_confirmed,
        is_expected,
        known_at,
        source,
        reported_at
    from known
    order by ticker asc, reported_on asc, known_at desc
),

history as (
    select
        ticker,
        reported_on,
        min(known_at) as first_known_at,
        count(*) filter (where not is_expected) as move_count
    from known
    group by ticker, reported_on
),

final as (
    select
        newest.ticker,
        newest.reported_on,
        newest.timing,
        newest.is_confirmed,
        newest.is_expected,
        newest.known_at,
        history.first_known_at,
        history.move_count,
        newest.source,
        ticker.is_simulated,
        newest.reported_at
    from newest
    inner join history using (ticker, reported_on)
    left join ticker using (ticker)
)

select * from final;

comment on view bi.earnings_date is
'One row per ticker and day on which it was ever expected to report, as known '
'now.';
comment on column bi.earnings_date.ticker is
'Symbol as Yahoo spells it.';
comment on column bi.earnings_date.reported_on is
'Day of the report on the clock of the ticker''s exchange.';
comment on column bi.earnings_date.timing is
'before_open, after_close or unknown: the side of the session, by the source. '
'Where it is unknown, forecasts take that of the company''s past reports.';
comment on column bi.earnings_date.is_confirmed is
'True if the company has named the day; false if it is an estimate.';
comment on column bi.earnings_date.is_expected is
'False if the source no longer names the day, because the report has moved.';
comment on column bi.earnings_date.known_at is
'Since when this is known, UTC.';
comment on column bi.earnings_date.first_known_at is
'Since when the day is known at all, UTC.';
comment on column bi.earnings_date.move_count is
'Number of times that the report has moved away from this day.';
comment on column bi.earnings_date.source is
'Where the day is from: yahoo, files, simulated, edgar for a filing, or '
'estimate: 52 weeks after an earlier report, where no source names a day.';
comment on column bi.earnings_date.reported_at is
'When the report was accepted by the SEC, UTC; null if no filing says it.';
comment on column bi.earnings_date.is_simulated is
'True if the market is simulated; null if the ticker was never requested.';
