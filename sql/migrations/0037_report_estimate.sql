-- A report's day may come from earlier reports, where no source names one.

comment on column forecast.earnings_date.source is
'Where the day is from: yahoo, files, simulated, edgar for a filing, or '
'estimate for 52 weeks after an earlier report.';
