-- The days on which companies report, as each instant knew them.

create table forecast.earnings_date (
    ticker text not null,
    reported_on date not null,
    known_at timestamptz not null,
    timing text not null,
    is_confirmed boolean not null,
    is_expected boolean not null,
    source text not null,
    primary key (ticker, reported_on, known_at),
    constraint earnings_date_timing_is_known check (
        timing in ('before_open', 'after_close', 'unknown')
    )
);

comment on table forecast.earnings_date is
'One row per ticker, day of a report and instant from which on the row holds, '
'until a newer one of the same day. A report that moves leaves its old day '
'with is_expected false and has its new day in another row.';
comment on column forecast.earnings_date.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.earnings_date.reported_on is
'Day of the report on the clock of the ticker''s exchange.';
comment on column forecast.earnings_date.known_at is
'From when on this was known, UTC; never before an instant whose forecast was '
'made without it.';
comment on column forecast.earnings_date.timing is
'before_open, after_close or unknown: the side of the session.';
comment on column forecast.earnings_date.is_confirmed is
'True if the company has named the day; false if it is an estimate.';
comment on column forecast.earnings_date.is_expected is
'False if from known_at on the source no longer names the day.';
comment on column forecast.earnings_date.source is
'Where the day is from: yahoo, files or simulated.';


create table forecast.earnings_reading (
    ticker text not null primary key,
    read_at timestamptz not null,
    past_read_at timestamptz,
    has_reports boolean not null
);

comment on table forecast.earnings_reading is
'One row per ticker whose source has said on which days it reports.';
comment on column forecast.earnings_reading.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.earnings_reading.read_at is
'The newest instant for which the source has named the reports to come, UTC.';
comment on column forecast.earnings_reading.past_read_at is
'The newest instant for which it has named the past ones, UTC; null: never.';
comment on column forecast.earnings_reading.has_reports is
'False if the source has no reports of it, as of a fund.';
