-- The prices of extended hours that refreshed forecasts start from, and what
-- tells a refreshed forecast from a regular one.

create table forecast.extended_close (
    ticker text not null,
    closed_at timestamptz not null,
    known_at timestamptz not null,
    close double precision not null,
    primary key (ticker, closed_at, known_at),
    constraint extended_close_is_positive check (
        close > 0 and close < 'infinity'
    ),
    constraint extended_close_was_known check (closed_at <= known_at)
);

comment on table forecast.extended_close is
'One row per ticker, 5-minute bar of extended hours and reading of its close: '
'the closes that refreshed forecasts start from. A revision is another row.';
comment on column forecast.extended_close.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.extended_close.closed_at is
'End of the 5-minute bar, UTC.';
comment on column forecast.extended_close.known_at is
'From when on this reading was known, UTC; the newest one counts.';
comment on column forecast.extended_close.close is
'Close of the 5-minute bar, in the ticker''s currency, on the price scale of '
'known_at.';


create table forecast.extended_rejected (
    ticker text not null,
    closed_at timestamptz not null,
    reason text not null,
    as_of timestamptz not null,
    close double precision,
    primary key (ticker, closed_at, reason)
);

comment on table forecast.extended_rejected is
'One row per ticker, 5-minute bar and reason for which its close was refused.';
comment on column forecast.extended_rejected.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.extended_rejected.closed_at is
'End of the 5-minute bar, UTC.';
comment on column forecast.extended_rejected.reason is
'Name of the failed check.';
comment on column forecast.extended_rejected.as_of is
'as_of of the run that first refused it, UTC.';
comment on column forecast.extended_rejected.close is
'The refused close, in the ticker''s currency, as served; null if it was no '
'number.';


alter table forecast.prediction
add column is_refresh boolean not null default false,
add column believed_price double precision,
add column believed_at timestamptz,
add column reasons jsonb;
alter table forecast.prediction
add constraint refresh_has_a_price check (
    is_refresh = (believed_price is not null)
    and is_refresh = (believed_at is not null)
    and (
        not is_refresh
        or (believed_price > 0 and believed_price < 'infinity')
    )
),
add constraint believed_price_was_known check (believed_at <= as_of);
comment on column forecast.prediction.is_refresh is
'True for a forecast that starts from a price of extended hours.';
comment on column forecast.prediction.believed_price is
'That price, in the ticker''s currency, on the price scale of as_of; null for '
'a regular forecast.';
comment on column forecast.prediction.believed_at is
'End of the newest 5-minute bar that the price comes from, UTC; null for a '
'regular forecast.';
comment on column forecast.prediction.reasons is
'What the forecast knew of the bars up to its target that moves or widens it: '
'a JSON array of objects with kind and text; null if there is nothing.';


create function forecast.reason_text(jsonb)
returns text
language sql immutable parallel safe
begin atomic
    select string_agg(reason.value ->> 'text', '; ' order by reason.ordinality)
    from jsonb_array_elements($1) with ordinality as reason;
end;

comment on function forecast.reason_text(jsonb) is
'The texts of a forecast''s reasons in one line; null without reasons.';


alter table forecast.score
add column is_refresh boolean not null default false;
comment on column forecast.score.is_refresh is
'True for scores of refreshed forecasts and of the baselines beside them.';


alter table forecast.outcome
add column is_refresh boolean not null default false;
alter table forecast.outcome drop constraint outcome_status_is_known;
alter table forecast.outcome add constraint outcome_status_is_known check (
    status in (
        'planned', 'forecast', 'refreshed', 'fallback', 'skipped', 'failed'
    )
);
comment on column forecast.outcome.is_refresh is
'True if the hour found a new price of extended hours and no new regular bar, '
'so that it renews the forecast without training.';
comment on column forecast.outcome.status is
'What became of it: planned, forecast, refreshed, fallback, skipped or failed.';
