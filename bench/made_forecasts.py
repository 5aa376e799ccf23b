"""Millions of plausible forecasts, made inside Postgres: bars, forecasts, baselines, scores and outcomes of hours.

A ticker has 14 bars on each weekday. Forecasts are inserted hour by hour, as the product does, so that tables and
indexes grow as they do in use; the newest forecasts are those of now.
"""

from __future__ import annotations

from include.contracts import HORIZON_COUNT
from include.store import accuracy
from include.store.engine import Connection, Engine, execute, fetch_rows, transaction

BARS_A_DAY = 14
_SPREADS = (-2.1, -1.7, -1.3, -0.65, 0.01, 0.66, 1.3, 1.72, 2.2)
"""Distances of the nine quantiles from the last close, in units of the width."""
_HOURS_AT_ONCE = 100

_SLOTS = f"""
create temporary table slot on commit preserve rows as
select row_number() over (order by closed_at) as number, closed_at
from generate_series(
    date_trunc('day', now()) - cast(:days as integer) * interval '1 day', now() + interval '6 days', interval '1 hour'
) as hour (closed_at)
where extract(isodow from closed_at) < 6 and extract(hour from closed_at) between 8 and {7 + BARS_A_DAY}
"""  # noqa: S608  # constants of this file
_PRICE = """
create function pg_temp.price(ticker integer, slot bigint) returns double precision language sql immutable
return 20 * (1 + ticker % 9) * exp(0.2 * sin(slot / 300.0 + ticker) + 0.004 * sin(slot * 2.1 + ticker * 5.3))
"""
_NAME = "'T' || lpad(ticker::text, 4, '0')"

_TICKERS = f"""
insert into forecast.ticker (
    ticker, source, history_days, status, status_at, calendar, timezone, currency, name, feed_delay_minutes,
    onboarded_as_of, activated_as_of
)
select {_NAME}, 'yahoo', 729, 'active', now(), 'XNYS', 'America/New_York', 'USD', 'Ticker ' || ticker, 2,
    '2020-01-01', '2020-01-01'
from generate_series(1, :tickers) as ticker
"""  # noqa: S608  # constants of this file
_BARS = f"""
insert into forecast.bar (ticker, opened_at, closed_at, open, high, low, close, volume, known_at)
select {_NAME}, closed_at - interval '1 hour', closed_at, price, price * 1.01, price * 0.99, price, 1000,
    closed_at + interval '2 minutes'
from slot
cross join generate_series(1, :tickers) as ticker
cross join lateral pg_temp.price(ticker, number) as price
where number > :first and number <= :last
order by closed_at, ticker
"""  # noqa: S608  # constants of this file


def _quantiles(width: str) -> str:
    """SQL for quantiles [H, Q] about ``price``, with bits that differ in every row."""
    rows = (
        ", ".join(f"price * (1 + {spread} * {width} * {horizon**0.5:.4f})" for spread in _SPREADS)
        for horizon in range(1, HORIZON_COUNT + 1)
    )
    return f"array[{', '.join(f'array[{row}]' for row in rows)}]"


_FROM_SLOTS = """
from (
    select number, closed_at, array_agg(closed_at) over following as targets
    from slot
    window following as (order by number rows between 1 following and 7 following)
) as slot
cross join generate_series(1, :tickers) as ticker
cross join lateral (select pg_temp.price(ticker, number) as price, 0.004 + 0.002 * random() as width offset 0) as made
where number > :first and number <= :last
order by closed_at, ticker
"""
_PREDICTIONS = f"""
insert into forecast.prediction (
    ticker, as_of, anchored_at, last_close, target_at, quantiles, width_factor, tail_width_factor, is_fallback,
    source, written_by, model_version, reasons
)
select {_NAME}, closed_at + interval '35 minutes', closed_at, price, targets, {_quantiles("width")},
    array[1 + width, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6], array[1 - width, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6], false,
    'yahoo', 'hourly', sha256(cast({_NAME} || number / 24 as bytea)),
    case when number % 20 = 0 then
        jsonb_build_array(
            null, null, null, null, null, null, cast('[{{"kind": "announcement", "text": "rates"}}]' as jsonb)
        )
    end
{_FROM_SLOTS}
"""
_BASELINES = f"""
insert into forecast.baseline_prediction (ticker, as_of, random_walk, seasonal_har)
select {_NAME}, closed_at + interval '35 minutes', {_quantiles("width")},
    case when ticker % 50 > 0 then {_quantiles("width * 1.05")} end
{_FROM_SLOTS}
"""
_SCORES = f"""
insert into forecast.score (
    ticker, as_of, horizon, actual_close, actual_known_at, scored_as_of, crps, random_walk_crps, seasonal_har_crps,
    absolute_error, dividend_gap, pinball, inside
)
select {_NAME}, made.closed_at + interval '35 minutes', horizon, price, slot.closed_at + interval '2 minutes',
    slot.closed_at + interval '35 minutes', 20 * loss, 21 * random(),
    case when ticker % 50 > 0 then 20.5 * random() end,
    price * loss / 100, 0, 9 * loss, case when loss < 0.5 then 4095 when loss < 0.9 then 4095 - 273 else 0 end
from slot
cross join generate_series(1, :tickers) as ticker
cross join generate_series(1, {HORIZON_COUNT}) as horizon
inner join slot as made on made.number = slot.number - horizon
cross join lateral (select pg_temp.price(ticker, slot.number) as price, random() as loss offset 0) as drawn
where slot.number > :first and slot.number <= :last
order by slot.closed_at, ticker, horizon
"""  # noqa: S608  # constants of this file
_OUTCOMES = (
    """
    insert into forecast.planned_hour (as_of)
    select closed_at + interval '35 minutes' from slot where number > :first and number <= :last
    """,
    f"""
    insert into forecast.outcome (as_of, ticker, source, shard_index, shard_count, stage, status)
    select closed_at + interval '35 minutes', {_NAME}, 'yahoo', 0, 1, 'predicted', 'forecast'
    from slot
    cross join generate_series(1, :tickers) as ticker
    where number > :first and number <= :last
    order by closed_at, ticker
    """,  # noqa: S608  # constants of this file
)


def make_forecasts(engine: Engine, ticker_count: int, forecast_count: int) -> None:
    """Fills an empty database with about ``forecast_count`` forecasts of ``ticker_count`` tickers, up to now.

    The newest hour has forecasts and knows the bars before it; its scores are missing.
    """
    hours = -(-forecast_count // (ticker_count * HORIZON_COUNT))
    days = -(-hours // BARS_A_DAY) * 7 // 5 + 8
    with transaction(engine) as connection:
        execute(connection, _SLOTS, {"days": days})
        execute(connection, _PRICE)
        execute(connection, _TICKERS, {"tickers": ticker_count})
        (newest,) = fetch_rows(
            connection, "select max(number) as number from slot where closed_at + interval '35 minutes' <= now()"
        )
        last = int(newest["number"])
        first = max(last - hours, 0)
        for start in range(first, last, _HOURS_AT_ONCE):
            _make_hours(connection, ticker_count, start, min(start + _HOURS_AT_ONCE, last), last)
        execute(connection, "drop table slot")
        accuracy.recount(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        execute(connection, "vacuum analyze")


def _make_hours(connection: Connection, tickers: int, first: int, last: int, newest: int) -> None:
    span = {"tickers": tickers, "first": first, "last": last}
    for statement in (_BARS, _PREDICTIONS, _BASELINES, *_OUTCOMES):
        execute(connection, statement, span)
    execute(connection, _SCORES, span | {"last": min(last, newest - 1)})
