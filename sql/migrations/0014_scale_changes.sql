-- Changes of scale that no source announced: how they were found, and steps of
-- which nobody knows yet whether they are one.

alter table forecast.split
add column is_volume_scaled boolean not null default true,
add column evidence jsonb;
-- a change that is undone as of the same instant leaves a factor of 1
alter table forecast.split drop constraint split_factor_is_a_change;
alter table forecast.split add constraint split_factor_is_positive check (
    factor > 0 and factor < 'infinity'
);
-- a history that is fetched at once may show several
alter table forecast.split drop constraint split_pkey;
alter table forecast.split add primary key (ticker, known_at, effective_at);
comment on column forecast.split.is_volume_scaled is
'True if volumes were multiplied by the factor, as after a split; false if '
'only the unit of the price changed, as from pence to pounds.';
comment on column forecast.split.evidence is
'What an unannounced change of scale was found from, or who decided it, as '
'JSON; null if the source announced it.';
comment on table forecast.split is
'One row per ticker and change of its price scale: splits and changes of unit. '
'From known_at on, the bars before effective_at are on the new price scale; '
'their values on the old scale are in bar_revision.';


create table forecast.scale_question (
    ticker text not null,
    opened_at timestamptz not null,
    kind text not null,
    known_at timestamptz not null,
    factor double precision not null,
    evidence jsonb not null,
    settled_at timestamptz,
    settlement text,
    settled_by text,
    primary key (ticker, opened_at),
    constraint question_kind_is_known check (kind in ('step', 'shift')),
    constraint question_factor_is_positive check (
        factor > 0 and factor < 'infinity'
    ),
    constraint settlement_is_known check (
        settlement in ('scale', 'move', 'read again')
    ),
    constraint settler_is_known check (
        settled_by in ('bars', 'source', 'person', 'age')
    ),
    constraint settlement_is_whole check (
        (settled_at is null) = (settlement is null)
        and (settled_at is null) = (settled_by is null)
    )
);

comment on table forecast.scale_question is
'One row per ticker and place in its bars where the price scale is in doubt.';
comment on column forecast.scale_question.ticker is
'Symbol; see forecast.ticker.';
comment on column forecast.scale_question.opened_at is
'Start of the first bar after the place in doubt, UTC.';
comment on column forecast.scale_question.kind is
'step: the price steps by about a clean factor, and a price move is as likely; '
'the ticker gets wide fallbacks until it is settled. shift: newer bars were '
'read again with other prices, the bars before them were not.';
comment on column forecast.scale_question.known_at is
'When the doubt became known, UTC.';
comment on column forecast.scale_question.factor is
'Factor of the change of scale that it may be, a ratio: old prices over new '
'ones.';
comment on column forecast.scale_question.evidence is
'What was seen, as JSON.';
comment on column forecast.scale_question.settled_at is
'When it was settled, UTC; null if it is open.';
comment on column forecast.scale_question.settlement is
'scale: a change of scale, see forecast.split. move: a price move. read again: '
'the older bars were read again. Null if it is open.';
comment on column forecast.scale_question.settled_by is
'bars: later bars made it clear. source: the source has changed the older '
'bars. person: somebody decided. age: it was too old when it was found. Null '
'if it is open.';


-- A bar after a step in doubt is on the new scale before the doubt is settled.
-- So the factor of a price depends on the bar that it is of, too. The views are
-- made again after the migrations.
drop view if exists
bi.accuracy, bi.forecast, bi.latest_forecast, bi.superset_forecast;
drop function forecast.split_factor_between(text, timestamptz, timestamptz);
create function forecast.split_factor_between(
    of_ticker text,
    since_at timestamptz,
    until_at timestamptz,
    of_bar_at timestamptz default '-infinity'
)
returns table (factor double precision)
language sql stable parallel safe
begin atomic
    select coalesce(exp(sum(ln(factor) order by known_at, effective_at)), 1)
    from forecast.split
    where
        ticker = of_ticker and known_at > since_at and known_at <= until_at
        and effective_at >= of_bar_at;
end;

comment on function forecast.split_factor_between is
'Product of the factors of a ticker''s splits that became known after since_at '
'and by until_at and took effect at of_bar_at or later (UTC): one row, 1 '
'without a split. A price of a bar that closed at of_bar_at, on the scale of '
'since_at, divided by it is on the scale of until_at. Pass infinity for today.';
