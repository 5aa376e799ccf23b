"""Sums of the scores by ticker and day, by ticker for all time, and by market and day.

The views of schema ``bi`` add up these sums instead of millions of scores. ``add_scores`` stores and adds scores in one
transaction. The sums are whole numbers and exact decimals: adding in another order gives the same values, and
``recount`` shows it. What one score adds is the SQL view ``forecast.accuracy_addend``
(``sql/migrations/0019_accuracy.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.store.engine import Connection, execute, fetch_rows
from include.store.tables import STORED_SCORE

LEVEL_NAMES = ("025", "05", "10", "25", "50", "75", "90", "95", "975")
MARKET_SUMS = (
    "forecast_count",
    "fallback_count",
    "dividend_count",
    "pinball",
    "crps",
    "without_dividend_crps",
    "random_walk_count",
    "beside_random_walk_crps",
    "random_walk_crps",
    "har_count",
    "beside_har_crps",
    "har_crps",
    "inside_50_count",
    "inside_80_count",
    "inside_90_count",
    "inside_95_count",
    "random_walk_inside_90_count",
    "har_inside_90_count",
    *(f"below_{level}_count" for level in LEVEL_NAMES),
    "direction_count",
    "direction_hit_count",
)
"""Sums that make sense over several tickers; units are in the comments of the columns."""
TICKER_SUMS = (*MARKET_SUMS, "absolute_error", "last_close_absolute_error")

SQUARES = {
    f"{name}_crps_{kind}": factors
    for name in ("random_walk", "har")
    for kind, factors in (
        ("square", (f"{name}_crps", f"{name}_crps")),
        ("product", (f"{name}_crps", f"beside_{name}_crps")),
    )
} | {f"beside_{name}_crps_square": (f"beside_{name}_crps", f"beside_{name}_crps") for name in ("random_walk", "har")}
"""Sums over days of products of two of a day's sums, which the standard errors of the skills need."""

_TICKER_KEYS = ("ticker", "horizon", "is_refresh")
_MARKET_KEYS = ("is_simulated", "calendar", "horizon", "is_refresh", "day_exchange")
TABLES = ("accuracy_market_day", "accuracy_total", "accuracy_day")


@dataclass(frozen=True)
class Recount:
    """What a recount of all scores found."""

    score_count: int
    """Number of scored forecasts that were counted."""
    changed_count: int
    """Number of rows of the three tables that differed from the recount, were missing, or did not belong there."""


def add_scores(connection: Connection, staged: str) -> int:
    """Stores the scores of a staging table that are not stored yet, and adds them to the sums; how many these are.

    A stored score is not changed. Another transaction that adds scores waits for the end of this one.
    """
    columns, keys = ", ".join(STORED_SCORE.columns), ", ".join(STORED_SCORE.keys)
    execute(connection, f"create temporary table added_score as select {keys} from {staged} with no data")  # noqa: S608  # names from tables.py
    count = execute(
        connection,
        f"""
        with added as (
            insert into forecast.score ({columns}) select {columns} from {staged}
            on conflict do nothing
            returning {keys}
        )
        insert into added_score select * from added
        """,  # noqa: S608  # names from tables.py
    )
    if count:
        execute(connection, _LOCK)
        _stage(connection, f"inner join added_score using ({keys})", {})
        for table in TABLES:
            execute(connection, _ADD[table])
        execute(connection, "drop table accuracy_staged")
    execute(connection, "drop table added_score")
    return count


def recount(connection: Connection, tickers: Sequence[str] | None = None) -> Recount:
    """Makes the sums again from the stored scores, and says how many rows were not what they should have been.

    With ``tickers``, only their rows are made again. A change of a ticker's price scale needs no more: the sums of a
    market have no prices.
    """
    chosen, values = ("", {}) if tickers is None else ("where ticker = any(:tickers)", {"tickers": list(tickers)})
    tables = TABLES if tickers is None else TABLES[1:]
    execute(connection, _LOCK)
    _stage(connection, chosen, values)
    changed = 0
    for table in tables:
        execute(connection, f"create temporary table {table}_before as select * from forecast.{table} {chosen}", values)  # noqa: S608  # names from this module
        execute(connection, f"delete from forecast.{table} {chosen}", values)  # noqa: S608  # names from this module
    for table in tables:
        execute(connection, _ADD[table])
        changed += _count_changes(connection, table, chosen, values)
        execute(connection, f"drop table {table}_before")
    (counted,) = fetch_rows(connection, "select coalesce(sum(forecast_count), 0)::bigint as total from accuracy_staged")
    execute(connection, "drop table accuracy_staged")
    return Recount(int(counted["total"]), changed)


def count_if_empty(connection: Connection) -> None:
    """Counts all scores if none is counted yet, as after the migration that makes the tables."""
    (found,) = fetch_rows(connection, "select to_regclass('forecast.accuracy_total') is not null as is_there")
    if not found["is_there"]:
        return
    (found,) = fetch_rows(
        connection,
        """
        select
            exists (select from forecast.score)
            and not exists (select from forecast.accuracy_total) as is_uncounted
        """,
    )
    if found["is_uncounted"]:
        recount(connection)


def _stage(connection: Connection, chosen: str, values: Mapping[str, Any]) -> None:
    """Makes the temporary table ``accuracy_staged``: what the chosen scores add up to, by ticker and day."""
    execute(
        connection,
        f"""
        create temporary table accuracy_staged as
        select {", ".join(_STAGED_KEYS)}, {_summed(TICKER_SUMS)},
            min(target_at) as first_target_at, max(target_at) as last_target_at
        from forecast.accuracy_addend {chosen}
        group by {", ".join(_STAGED_KEYS)}
        """,  # noqa: S608  # names from this module
        values,
    )


def _count_changes(connection: Connection, table: str, chosen: str, values: Mapping[str, Any]) -> int:
    """How many rows of a table are in ``<table>_before`` or in the table, and not in both."""
    (found,) = fetch_rows(
        connection,
        f"""
        with
        before as (select to_jsonb(stored) as content from {table}_before as stored),
        after as (select to_jsonb(stored) as content from (select * from forecast.{table} {chosen}) as stored)
        select greatest(
            (select count(*) from (select * from before except all select * from after) as gone),
            (select count(*) from (select * from after except all select * from before) as new)
        ) as changed_count
        """,  # noqa: S608  # names from this module
        values,
    )
    return int(found["changed_count"])


def _summed(names: Sequence[str]) -> str:
    return ", ".join(f"sum({name}) as {name}" for name in names)


def _add_statement(table: str, keys: Sequence[str], rows: str, sums: Sequence[str], extremes: str = "") -> str:
    """Statement: inserts rows of sums, or adds them to those stored under the same keys."""
    added = ", ".join(f"{name} = stored.{name} + excluded.{name}" for name in sums)
    columns = [*keys, *sums, *(_EXTREMES if extremes else ())]
    return f"""
        insert into forecast.{table} as stored ({", ".join(columns)})
        {rows}
        on conflict ({", ".join(keys)}) do update set {added}{extremes}
    """


def _growth(name: str) -> str:
    """What a day's new scores add to a sum of products: the day's product after them less that before them."""
    first, second = SQUARES[name]
    before_first, before_second = (f"coalesce(day.{column}, 0)" for column in (first, second))
    return (
        f"sum(({before_first} + new.{first})::numeric * ({before_second} + new.{second}) "
        f"- {before_first}::numeric * {before_second}) as {name}"
    )


def _first_on_day(count: str) -> str:
    return f"count(*) filter (where new.{count} > 0 and coalesce(day.{count}, 0) = 0)"


_LOCK = "lock table forecast.accuracy_day in share row exclusive mode"
_EXTREMES = ("first_target_at", "last_target_at")
_STAGED_KEYS = (*_TICKER_KEYS, "is_simulated", "calendar", "day_exchange")
_DAY_KEYS = (*_TICKER_KEYS, "day_exchange")
_DAY_COUNTS = ("day_count", "har_day_count")
_TOTAL_ROWS = f"""
        select
            new.ticker, new.horizon, new.is_refresh,
            {", ".join(f"sum(new.{name}) as {name}" for name in TICKER_SUMS)},
            {_first_on_day("random_walk_count")} as day_count,
            {_first_on_day("har_count")} as har_day_count,
            {", ".join(_growth(name) for name in SQUARES)},
            min(new.first_target_at) as first_target_at, max(new.last_target_at) as last_target_at
        from accuracy_staged as new
        left join forecast.accuracy_day as day using (ticker, horizon, is_refresh, day_exchange)
        group by new.ticker, new.horizon, new.is_refresh
"""  # noqa: S608  # names from this module
_ADD = {
    "accuracy_market_day": _add_statement(
        "accuracy_market_day",
        _MARKET_KEYS,
        f"select {', '.join(_MARKET_KEYS)}, {_summed(MARKET_SUMS)} from accuracy_staged "  # noqa: S608  # names from this module
        f"group by {', '.join(_MARKET_KEYS)}",
        MARKET_SUMS,
    ),
    "accuracy_total": _add_statement(
        "accuracy_total",
        _TICKER_KEYS,
        _TOTAL_ROWS,
        (*TICKER_SUMS, *_DAY_COUNTS, *SQUARES),
        ", first_target_at = least(stored.first_target_at, excluded.first_target_at)"
        ", last_target_at = greatest(stored.last_target_at, excluded.last_target_at)",
    ),
    "accuracy_day": _add_statement(
        "accuracy_day",
        _DAY_KEYS,
        f"select {', '.join(_DAY_KEYS)}, {', '.join(TICKER_SUMS)} from accuracy_staged",  # noqa: S608  # names from this module
        TICKER_SUMS,
    ),
}
"""One statement a table. That of the totals reads the days as they were before, so that of the days comes last."""
