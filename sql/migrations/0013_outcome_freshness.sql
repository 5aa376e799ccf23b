-- An hour judges once how fresh each ticker's bars are, when it has fetched
-- them. Its later stages read the judgement here.

alter table forecast.outcome
add column newest_closed_at timestamptz,
add column due_closed_at timestamptz,
add column freshness text;
alter table forecast.outcome add constraint outcome_freshness_is_known check (
    freshness in ('active', 'stale', 'failed')
);
comment on column forecast.outcome.newest_closed_at is
'When the ticker''s newest bar closed that the hour knew after its fetch, UTC; '
'null: no bar, or not fetched yet.';
comment on column forecast.outcome.due_closed_at is
'When the newest bar closed that was due by the exchange''s calendar and the '
'feed''s delay, UTC; null: none was due, or not fetched yet.';
comment on column forecast.outcome.freshness is
'active, stale (whole sessions are missing) or failed (many are); null: not '
'fetched yet.';

-- an hour that is between its fetch and its features fetches once more, so that
-- its tickers are judged
update forecast.outcome set stage = 'planned'
where stage = 'fetched' and status = 'planned';
