-- The minute of a report, where a filing says it.

alter table forecast.earnings_date add column reported_at timestamptz;

comment on column forecast.earnings_date.reported_at is
'When the report was accepted by the SEC, UTC; null if no filing says it.';
comment on column forecast.earnings_date.source is
'Where the day is from: yahoo, files, simulated, or edgar for a filing.';
