-- Everything that Hourcast remembers. Outsiders see none of it: they read bi.

create schema if not exists forecast;
create schema if not exists bi;

comment on schema forecast is
'Tables of Hourcast; written by the pipeline alone. BI tools read bi.';
comment on schema bi is
'Views for people and BI tools. Times are UTC unless a name says otherwise.';

comment on table forecast.alembic_version is
'The migration that this schema is at.';
comment on column forecast.alembic_version.version_num is
'Number of the newest file of sql/migrations that was applied.';


create table forecast.ticker (
    ticker text primary key,
    source text not null,
    is_simulated boolean generated always as (source = 'simulated') stored,
    status text not null,
    status_reason text,
    status_at timestamptz not null,
    calendar text,
    timezone text,
    currency text,
    name text,
    feed_delay_minutes integer,
    history_days integer not null,
    onboarded_as_of timestamptz,
    activated_as_of timestamptz,
    retired_as_of timestamptz,
    constraint ticker_is_upper_case check (ticker = upper(ticker)),
    constraint ticker_status_is_known check (
        status in (
            'pending', 'backfilling', 'training', 'active',
            'rejected', 'failed', 'retired'
        )
    ),
    constraint active_ticker_is_complete check (
        status <> 'active'
        or (
            calendar is not null
            and timezone is not null
            and feed_delay_minutes is not null
            and activated_as_of is not null
        )
    )
);

comment on table forecast.ticker is
'One row per ticker that was ever asked for: its profile and its life.';
comment on column forecast.ticker.ticker is
'Symbol as Yahoo spells it, upper case; *.SIM is simulated.';
comment on column forecast.ticker.source is
'The one source of its bars: yahoo, files or simulated.';
comment on column forecast.ticker.is_simulated is
'True where the market is invented, not observed.';
comment on column forecast.ticker.status is
'pending, backfilling, training, active, rejected, failed or retired.';
comment on column forecast.ticker.status_reason is
'Why it has this status, in words; null where there is nothing to say.';
comment on column forecast.ticker.status_at is
'When status or reason last changed, UTC.';
comment on column forecast.ticker.calendar is
'Its session calendar: XNYS, XTAI, 24/7, FX, ...; null until validated.';
comment on column forecast.ticker.timezone is
'IANA time zone of its exchange; null until validated.';
comment on column forecast.ticker.currency is
'Currency of its prices, as its source says; null where unknown.';
comment on column forecast.ticker.name is
'Name for people, as its source says; null where unknown.';
comment on column forecast.ticker.feed_delay_minutes is
'Minutes after a bar''s end until its last value can be known.';
comment on column forecast.ticker.history_days is
'Days of history asked for when it was onboarded.';
comment on column forecast.ticker.onboarded_as_of is
'as_of of the first onboarding that succeeded, UTC.';
comment on column forecast.ticker.activated_as_of is
'as_of of the newest onboarding that succeeded; later hours plan it, UTC.';
comment on column forecast.ticker.retired_as_of is
'as_of of its retirement; later hours leave it out; null if tracked, UTC.';


create table forecast.bar (
    ticker text not null,
    opened_at timestamptz not null,
    closed_at timestamptz not null,
    open double precision not null,
    high double precision not null,
    low double precision not null,
    close double precision not null,
    volume double precision,
    known_at timestamptz not null,
    primary key (ticker, opened_at),
    constraint bar_ends_after_it_opens check (closed_at > opened_at),
    constraint bar_is_known_when_closed check (known_at >= closed_at),
    constraint bar_prices_are_finite check (
        open > 0 and high > 0 and low > 0 and close > 0
        and open < 'infinity' and high < 'infinity'
        and low < 'infinity' and close < 'infinity'
    ),
    constraint bar_volume_is_positive check (
        volume > 0 and volume < 'infinity'
    )
);

-- the actual of a forecast's target_at
create index bar_by_closed_at on forecast.bar (ticker, closed_at);
-- what is new since the features were computed?
create index bar_by_known_at on forecast.bar (ticker, known_at);

comment on table forecast.bar is
'One row per ticker and bar: what is believed now. '
'Older beliefs are in bar_revision.';
comment on column forecast.bar.ticker is 'Symbol; see forecast.ticker.';
comment on column forecast.bar.opened_at is
'Start of the bar, UTC.';
comment on column forecast.bar.closed_at is
'End of the bar by its exchange''s calendar, UTC.';
comment on column forecast.bar.open is
'First price, in the ticker''s currency, not adjusted for dividends.';
comment on column forecast.bar.high is
'Highest price, in the ticker''s currency.';
comment on column forecast.bar.low is
'Lowest price, in the ticker''s currency.';
comment on column forecast.bar.close is
'Last price, in the ticker''s currency.';
comment on column forecast.bar.volume is
'Traded units as the source counts them; null where unknown, never 0.';
comment on column forecast.bar.known_at is
'From when on these values were known to us, UTC.';


create table forecast.bar_revision (
    ticker text not null,
    opened_at timestamptz not null,
    closed_at timestamptz not null,
    open double precision not null,
    high double precision not null,
    low double precision not null,
    close double precision not null,
    volume double precision,
    known_at timestamptz not null,
    superseded_at timestamptz not null,
    primary key (ticker, opened_at, known_at),
    constraint revision_was_believed_for_a_time check (
        superseded_at > known_at
    )
);

create index bar_revision_by_closed_at
on forecast.bar_revision (ticker, closed_at);

comment on table forecast.bar_revision is
'One row per ticker, bar and belief that a later reading replaced.';
comment on column forecast.bar_revision.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.bar_revision.opened_at is
'Start of the bar, UTC.';
comment on column forecast.bar_revision.closed_at is
'End of the bar as it was believed, UTC.';
comment on column forecast.bar_revision.open is
'First price as it was believed, in the ticker''s currency.';
comment on column forecast.bar_revision.high is
'Highest price as it was believed, in the ticker''s currency.';
comment on column forecast.bar_revision.low is
'Lowest price as it was believed, in the ticker''s currency.';
comment on column forecast.bar_revision.close is
'Last price as it was believed, in the ticker''s currency.';
comment on column forecast.bar_revision.volume is
'Traded units as they were believed; null where unknown.';
comment on column forecast.bar_revision.known_at is
'From when on these values were believed, UTC.';
comment on column forecast.bar_revision.superseded_at is
'From when on other values were believed instead, UTC.';


-- The one definition of what was known at a moment. Simple enough for the
-- planner to inline, so that conditions reach the indexes of both tables.
create function forecast.bars_known_at(moment timestamptz)
returns table (
    ticker text,
    opened_at timestamptz,
    closed_at timestamptz,
    open double precision,
    high double precision,
    low double precision,
    close double precision,
    volume double precision,
    known_at timestamptz
)
language sql stable
as $$
    select
        bar.ticker, bar.opened_at, bar.closed_at,
        bar.open, bar.high, bar.low, bar.close, bar.volume, bar.known_at
    from forecast.bar
    where bar.known_at <= moment
    union all
    select
        old.ticker, old.opened_at, old.closed_at,
        old.open, old.high, old.low, old.close, old.volume, old.known_at
    from forecast.bar_revision as old
    where old.known_at <= moment and moment < old.superseded_at
$$;

comment on function forecast.bars_known_at is
'The bars as they were known at a moment (UTC): one row per ticker and bar.';


create table forecast.bar_rejected (
    ticker text not null,
    opened_at timestamptz not null,
    reason text not null,
    as_of timestamptz not null,
    closed_at timestamptz,
    open double precision,
    high double precision,
    low double precision,
    close double precision,
    volume double precision,
    primary key (ticker, opened_at, reason)
);

comment on table forecast.bar_rejected is
'One row per ticker, bar and failed check: bars that were not believed, '
'as they first came.';
comment on column forecast.bar_rejected.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.bar_rejected.opened_at is
'Start of the bar as the source gave it, UTC.';
comment on column forecast.bar_rejected.reason is
'Name of the check that it failed, such as low_above_body.';
comment on column forecast.bar_rejected.as_of is
'as_of of the run that first rejected it, UTC.';
comment on column forecast.bar_rejected.closed_at is
'End of the bar, UTC; null where the calendar has no such bar.';
comment on column forecast.bar_rejected.open is
'First price as given, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.high is
'Highest price as given, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.low is
'Lowest price as given, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.close is
'Last price as given, in the ticker''s currency; may be NaN or infinite.';
comment on column forecast.bar_rejected.volume is
'Traded units as given; NaN where unknown.';
