-- Who asked for a ticker.

alter table forecast.onboarding add column requested_by text;
comment on column forecast.onboarding.requested_by is
'Airflow''s user who started the run; null for the command line, where an hour '
'asks again for a pending ticker, and before this column was there.';
