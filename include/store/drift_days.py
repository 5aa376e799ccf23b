"""The days that a look at drift counts: outcomes of forecasts, and bars, by market, as known at the look's ``as_of``.

A day is a day in UTC unless its name says otherwise. Where next: ``drift.py`` for what a look stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS, require_utc
from include.store.drift import ALL, Market
from include.store.engine import Connection, fetch_rows

_REACH = "interval '14 days'"
"""How long before its bar a forecast of one bar ahead may be made: over the longest holidays."""


@dataclass(frozen=True)
class OutcomeDay:
    """The mean over the hours of a market's day of the mean over its tickers, of forecasts one bar ahead.

    ``inside_ratios``: interval in percent -> share inside; ``below_ratios``: share at or below each quantile;
    ``difference``: score difference against HAR, -1 to 1, None without HAR; ``half_ratios``: share inside the 50 %
    interval in the first and in the second half of each market's hours, None on a day with a single hour.
    """

    market: Market
    day: date
    inside_ratios: Mapping[int, float]
    below_ratios: Sequence[float]
    difference: float | None
    half_ratios: tuple[float, float] | None


@dataclass(frozen=True)
class BarDay:
    """The shares of a market's due bars on a day that were missing, late, rejected and revised, 0..1, by kind."""

    market: Market
    day: date
    ratios: Mapping[str, float]


def outcome_days(connection: Connection, since: datetime, until: datetime, as_of: datetime) -> list[OutcomeDay]:
    """Each market's days from ``since`` until ``until`` (UTC midnights) with scored forecasts of a model, oldest first.

    Refreshed forecasts and fallbacks do not count. ``ALL`` has the mean over the hours of all markets.
    """
    rows = fetch_rows(
        connection,
        _OUTCOMES,
        {
            "since": require_utc(since, "since"),
            "until": require_utc(until, "until"),
            "as_of": require_utc(as_of, "as_of"),
            "weights": [2.0 * w * max(q, 1.0 - q) for w, q in zip(CRPS_WEIGHTS, QUANTILE_LEVELS, strict=True)],
        },
    )
    return [
        OutcomeDay(
            Market(row["is_simulated"], row["calendar"] or ALL),
            row["day"],
            {50: row["inside_50"], 90: row["inside_90"]},
            list(row["below"]),
            row["difference"],
            None if row["later_50"] is None else (row["earlier_50"], row["later_50"]),
        )
        for row in rows
    ]


def bar_days(connection: Connection, since: datetime, until: datetime, as_of: datetime) -> list[BarDay]:
    """Each market's days from ``since`` until ``until`` (UTC midnights) with due bars, oldest first.

    Missing bars belong to the day on the exchange's clock on which they open; late, rejected and revised ones to the
    day in UTC on which that became known. Bars that are older than a week then do not count: a backfill is no drift.
    """
    rows = fetch_rows(
        connection,
        _BARS,
        {
            "since": require_utc(since, "since"),
            "until": require_utc(until, "until"),
            "as_of": require_utc(as_of, "as_of"),
        },
    )
    kinds = ("missing", "late", "rejected", "revised")
    return [
        BarDay(
            Market(row["is_simulated"], row["calendar"] or ALL),
            row["day"],
            {kind: min(float(row[kind]) / float(row["due"]), 1.0) for kind in kinds},
        )
        for row in rows
    ]


_OUTCOMES = f"""
with compared as (
    select
        addend.is_simulated, addend.calendar, addend.target_at,
        addend.inside_50_count, addend.inside_90_count,
        array[
            addend.below_025_count, addend.below_05_count, addend.below_10_count, addend.below_25_count,
            addend.below_50_count, addend.below_75_count, addend.below_90_count, addend.below_95_count,
            addend.below_975_count
        ] as below,
        (score.crps - score.seasonal_har_crps) / 1e4 as crps_difference,
        (
            select sum(level.weight * abs(ln(
                prediction.quantiles[1][level.place] / baseline_prediction.seasonal_har[1][level.place]
            )))
            from unnest(cast(:weights as double precision[])) with ordinality as level (weight, place)
        ) as greatest
    from forecast.score
    inner join forecast.prediction using (ticker, as_of)
    inner join forecast.accuracy_addend as addend using (ticker, as_of, horizon)
    left join forecast.baseline_prediction using (ticker, as_of)
    where score.horizon = 1
        and score.as_of >= cast(:since as timestamptz) - {_REACH} and score.as_of < :until
        and score.scored_as_of <= :as_of
        and prediction.target_at[1] >= :since and prediction.target_at[1] < :until
        and not score.is_refresh and not prediction.is_fallback
),

hour as (
    select
        is_simulated, calendar, target_at,
        avg(inside_50_count)::double precision as inside_50, avg(inside_90_count)::double precision as inside_90,
        array[
            avg(below[1]), avg(below[2]), avg(below[3]), avg(below[4]), avg(below[5]), avg(below[6]), avg(below[7]),
            avg(below[8]), avg(below[9])
        ]::double precision[] as below,
        avg(
            case when greatest > 0 then greatest(least(crps_difference / greatest, 1), -1) else 0 * crps_difference end
        ) as difference
    from compared
    group by is_simulated, calendar, target_at
),

placed as (
    select
        hour.*, (target_at at time zone 'UTC')::date as day,
        ntile(2) over (
            partition by is_simulated, calendar, (target_at at time zone 'UTC')::date order by target_at
        ) as half
    from hour
)

select
    is_simulated, calendar, day,
    avg(inside_50) filter (where half = 1) as earlier_50, avg(inside_50) filter (where half = 2) as later_50,
    avg(inside_50) as inside_50, avg(inside_90) as inside_90, avg(difference) as difference,
    array[
        avg(below[1]), avg(below[2]), avg(below[3]), avg(below[4]), avg(below[5]), avg(below[6]), avg(below[7]),
        avg(below[8]), avg(below[9])
    ] as below
from placed
group by grouping sets ((is_simulated, calendar, day), (is_simulated, day))
order by day, is_simulated, calendar
"""  # noqa: S608  # a constant of this module

_BARS = """
with ticker as (
    select ticker, is_simulated, calendar, coalesce(timezone, 'UTC') as timezone, feed_delay_minutes
    from forecast.ticker
    where activated_as_of <= :as_of and (retired_as_of is null or retired_as_of > :as_of)
),

bar as (
    select known.ticker, known.opened_at, known.closed_at, coalesce(first_reading.known_at, known.known_at) as known_at
    from forecast.bars_known_at(:as_of) as known
    left join lateral (
        select min(known_at) as known_at from forecast.bar_revision
        where bar_revision.ticker = known.ticker and bar_revision.opened_at = known.opened_at
    ) as first_reading on true
    where known.opened_at >= cast(:since as timestamptz) - interval '7 days' and known.opened_at < :until
),

found as (
    select
        due.ticker, due.day_exchange as day, 'due' as kind, due.expected_count as number
    from forecast.expected_day as due
    where due.day_exchange >= (cast(:since as timestamptz) at time zone 'UTC')::date
        and due.day_exchange < (cast(:until as timestamptz) at time zone 'UTC')::date
    union all
    select bar.ticker, (bar.opened_at at time zone ticker.timezone)::date, 'stored', 1
    from bar inner join ticker using (ticker)
    union all
    select bar.ticker, (bar.known_at at time zone 'UTC')::date, 'late', 1
    from bar inner join ticker using (ticker)
    where bar.known_at > bar.closed_at + make_interval(hours => 1, mins => ticker.feed_delay_minutes)
    union all
    select
        revision.ticker, (revision.superseded_at at time zone 'UTC')::date, 'revised',
        count(distinct revision.opened_at)
    from forecast.bar_revision as revision
    left join forecast.split on split.ticker = revision.ticker and split.known_at = revision.superseded_at
    where revision.superseded_at >= :since and revision.superseded_at < :until and revision.superseded_at <= :as_of
        and revision.opened_at > revision.superseded_at - interval '7 days' and split.factor is null
    group by 1, 2
    union all
    select rejected.ticker, (rejected.as_of at time zone 'UTC')::date, 'rejected', count(distinct rejected.opened_at)
    from forecast.bar_rejected as rejected
    where rejected.as_of >= :since and rejected.as_of < :until and rejected.as_of <= :as_of
        and rejected.opened_at > rejected.as_of - interval '7 days'
    group by 1, 2
),

counted as (
    select
        ticker, day,
        coalesce(sum(number) filter (where kind = 'due'), 0) as due,
        coalesce(sum(number) filter (where kind = 'stored'), 0) as stored,
        coalesce(sum(number) filter (where kind = 'late'), 0) as late,
        coalesce(sum(number) filter (where kind = 'rejected'), 0) as rejected,
        coalesce(sum(number) filter (where kind = 'revised'), 0) as revised
    from found
    where day >= (cast(:since as timestamptz) at time zone 'UTC')::date
        and day < (cast(:until as timestamptz) at time zone 'UTC')::date
    group by ticker, day
)

select
    ticker.is_simulated, ticker.calendar, counted.day, sum(counted.due) as due,
    sum(greatest(counted.due - counted.stored, 0)) as missing, sum(counted.late) as late,
    sum(counted.rejected) as rejected, sum(counted.revised) as revised
from counted inner join ticker using (ticker)
group by grouping sets ((ticker.is_simulated, ticker.calendar, counted.day), (ticker.is_simulated, counted.day))
having sum(counted.due) > 0
order by counted.day, ticker.is_simulated, ticker.calendar
"""
