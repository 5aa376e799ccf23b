-- An hour is planned once. Until now only its tickers said so, and an hour that
-- was planned without any was planned anew when it ran again.

create table forecast.planned_hour (
    as_of timestamptz not null primary key,
    planned_at timestamptz not null default now()
);

comment on table forecast.planned_hour is
'One row per hour that was planned, also if it had no tickers; the tickers are '
'in forecast.outcome.';
comment on column forecast.planned_hour.as_of is
'as_of of the hour, UTC.';
comment on column forecast.planned_hour.planned_at is
'When it was planned first, UTC.';

insert into forecast.planned_hour (as_of, planned_at)
select
    as_of,
    min(updated_at) as planned_at
from forecast.outcome
group by as_of;

-- a day counts no bar if its session was only assumed, and its feed may never
-- serve the last bars of a session
alter table forecast.expected_day drop constraint expected_day_has_bars;
alter table forecast.expected_day add constraint expected_day_is_not_negative
check (expected_count >= 0);
comment on table forecast.expected_day is
'One row per ticker and day: how many bars were due by the calendar, without '
'those that the feed never serves.';
comment on column forecast.expected_day.as_of is
'as_of of the run that last changed the count, UTC.';

-- what a person should know of the sessions by which an hour judged freshness
alter table forecast.outcome add column session_note text;
comment on column forecast.outcome.session_note is
'What the judgement assumed of the sessions: closing bars that the feed does '
'not serve, or holidays that are not published; null if nothing.';
