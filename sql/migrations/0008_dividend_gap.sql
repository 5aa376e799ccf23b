-- What a dividend takes from the price: in the features of the first bar
-- without it, and beside the score of a forecast over it.

-- The one definition of the dividends that were known at a moment, on the
-- scale that the bars of that moment are on.
create function forecast.dividends_known_at(moment timestamptz)
returns table (
    ticker text,
    ex_at timestamptz,
    amount double precision,
    known_at timestamptz
)
language sql stable
as $$
    select
        dividend.ticker, dividend.ex_at,
        dividend.amount / scale.factor, dividend.known_at
    from forecast.dividend
    cross join lateral (
        select coalesce(exp(sum(ln(split.factor))), 1) as factor
        from forecast.split
        where
            split.ticker = dividend.ticker
            and split.known_at > dividend.known_at
            and split.known_at <= moment
    ) as scale
    where dividend.known_at <= moment
$$;

comment on function forecast.dividends_known_at is
'The dividends as they were known at a moment (UTC): one row per ticker and '
'first session without one.';


-- A dividend of the whole price or more cannot be one of this price.
create function forecast.dividend_gap_between(
    of_ticker text,
    since_at timestamptz,
    until_at timestamptz,
    as_of timestamptz
)
returns table (dividend_gap double precision)
language sql stable
as $$
    select coalesce(sum(ln(1 - paid.amount / paid.close)), 0)
    from (
        select before.close, sum(dividend.amount) as amount
        from forecast.dividends_known_at(as_of) as dividend
        cross join lateral (
            select bar.opened_at, bar.close
            from forecast.bars_known_at(as_of) as bar
            where
                bar.ticker = dividend.ticker
                and bar.opened_at < dividend.ex_at
            order by bar.opened_at desc
            limit 1
        ) as before
        where
            dividend.ticker = of_ticker
            and dividend.ex_at >= since_at
            and dividend.ex_at < until_at
        group by before.opened_at, before.close
    ) as paid
    where paid.amount < paid.close
$$;

comment on function forecast.dividend_gap_between is
'Log return by which the dividends of a span (UTC) moved the price, as known '
'at a moment: one row, 0 without one, else the log of 1 less the amount over '
'the last close before it.';


-- A backfill told of years of dividends, and nobody had looked before: like
-- its bars, they count as known since the feed could tell them.
update forecast.dividend
set
    known_at = dividend.ex_at
    + make_interval(mins => ticker.feed_delay_minutes)
from forecast.ticker
where
    ticker.ticker = dividend.ticker
    and dividend.known_at
    <= coalesce(ticker.onboarded_as_of, 'infinity'::timestamptz)
    and dividend.known_at > dividend.ex_at
    + make_interval(mins => ticker.feed_delay_minutes);

comment on column forecast.dividend.known_at is
'From when on it was known to us, UTC.';


-- Rows from before this column get what their hour would have stored: 0 unless
-- a dividend was known by then, so that no reader meets a missing number.
alter table forecast.feature
add column dividend_gap real not null default 0;

update forecast.feature
set dividend_gap = told.dividend_gap
from (
    select
        feature.ticker,
        feature.closed_at,
        feature.known_at,
        gap.dividend_gap
    from forecast.dividend
    left join lateral (
        select
            bar.opened_at,
            bar.closed_at
        from forecast.bar
        where
            bar.ticker = dividend.ticker
            and bar.opened_at >= dividend.ex_at
        order by bar.opened_at
        limit 1
    ) as own on true
    inner join forecast.feature
        on
            dividend.ticker = feature.ticker
            and own.closed_at = feature.closed_at
            and dividend.known_at <= feature.known_at
    left join lateral (
        select max(bar.opened_at) as opened_at
        from forecast.bars_known_at(feature.known_at) as bar
        where
            bar.ticker = dividend.ticker
            and bar.opened_at < own.opened_at
    ) as before on true
    left join lateral forecast.dividend_gap_between(
        dividend.ticker,
        before.opened_at + interval '1 microsecond',
        own.opened_at + interval '1 microsecond',
        feature.known_at
    ) as gap on true
) as told
where
    feature.ticker = told.ticker
    and feature.closed_at = told.closed_at
    and feature.known_at = told.known_at;

alter table forecast.feature alter column dividend_gap drop default;

comment on column forecast.feature.dividend_gap is
'Log of 1 less a dividend over the last close, on the first bar without it; '
'else 0.';


alter table forecast.score
add column dividend_gap double precision not null default 0;

update forecast.score
set dividend_gap = told.dividend_gap
from (
    select
        score.ticker,
        score.as_of,
        score.horizon,
        score.method,
        gap.dividend_gap
    from forecast.dividend
    inner join forecast.prediction
        on
            dividend.ticker = prediction.ticker
            and dividend.ex_at >= prediction.anchored_at
            and dividend.ex_at < prediction.target_at
    inner join forecast.score
        on
            prediction.ticker = score.ticker
            and prediction.as_of = score.as_of
            and prediction.horizon = score.horizon
    left join lateral forecast.dividend_gap_between(
        score.ticker,
        prediction.anchored_at,
        prediction.target_at,
        score.scored_as_of
    ) as gap on true
) as told
where
    score.ticker = told.ticker
    and score.as_of = told.as_of
    and score.horizon = told.horizon
    and score.method = told.method;

alter table forecast.score alter column dividend_gap drop default;

comment on column forecast.score.dividend_gap is
'Log return by which dividends between the last close and the target moved '
'the price, as known when it was scored; 0 without one.';
