-- What happens to a ticker beside its bars: splits, dividends, days on which
-- bars were due, and a life that may run dry and come back.

alter table forecast.ticker drop constraint ticker_status_is_known;
alter table forecast.ticker add constraint ticker_status_is_known check (
    status in (
        'pending', 'backfilling', 'training', 'active', 'stale',
        'rejected', 'failed', 'retired'
    )
);
comment on column forecast.ticker.status is
'pending, backfilling, training, active, stale, rejected, failed or retired.';


create table forecast.split (
    ticker text not null,
    known_at timestamptz not null,
    effective_at timestamptz not null,
    factor double precision not null,
    is_announced boolean not null,
    primary key (ticker, known_at),
    constraint split_factor_is_a_change check (
        factor > 0 and factor < 'infinity' and factor <> 1
    )
);

comment on table forecast.split is
'One row per ticker and instant from which on its whole series is on another '
'scale; the old values are in bar_revision.';
comment on column forecast.split.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.split.known_at is
'From when on every stored bar was on the new scale, UTC.';
comment on column forecast.split.effective_at is
'Start of the first bar that traded on the new scale, UTC.';
comment on column forecast.split.factor is
'New units for one old: prices were divided and volumes multiplied by it.';
comment on column forecast.split.is_announced is
'Whether the source named it; else it shows in the ratio of the old bars.';


create table forecast.dividend (
    ticker text not null,
    ex_at timestamptz not null,
    amount double precision not null,
    known_at timestamptz not null,
    primary key (ticker, ex_at),
    constraint dividend_is_positive check (
        amount > 0 and amount < 'infinity'
    )
);

comment on table forecast.dividend is
'One row per ticker and dividend. Bars are not adjusted for dividends: a '
'price falls by about the amount when the first bar without it opens.';
comment on column forecast.dividend.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.dividend.ex_at is
'When the first session without the dividend opens, UTC.';
comment on column forecast.dividend.amount is
'For one unit, in the ticker''s currency, on the scale of known_at.';
comment on column forecast.dividend.known_at is
'as_of of the run that first saw it, UTC.';


create table forecast.expected_day (
    ticker text not null,
    day_exchange date not null,
    first_opened_at timestamptz not null,
    last_closed_at timestamptz not null,
    expected_count integer not null,
    as_of timestamptz not null,
    primary key (ticker, day_exchange),
    constraint expected_day_has_bars check (expected_count > 0)
);

comment on table forecast.expected_day is
'One row per ticker and day: the bars that its calendar said were due.';
comment on column forecast.expected_day.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.expected_day.day_exchange is
'Day on the clock of the exchange on which the bars open.';
comment on column forecast.expected_day.first_opened_at is
'Start of the first of these bars, UTC.';
comment on column forecast.expected_day.last_closed_at is
'End of the last one that was due so far, UTC.';
comment on column forecast.expected_day.expected_count is
'Bars due so far.';
comment on column forecast.expected_day.as_of is
'as_of of the run that last found one more due, UTC.';
