"""Bars, point in time: the current values, the superseded ones, and the rejected ones.

A *reading* is a bar with the values that its source gave, known from ``known_at`` on. ``forecast.bar`` holds the
current reading of each bar, ``forecast.bar_revision`` the superseded ones with the time in which each was current. So
``load_bars`` as of any instant returns the values known then, however often they are revised later. The bars stored
here have passed the checks of ``include/market/quality.py``. Which reading becomes the current one is decided in
``readings.py``; the tables are in ``sql/migrations/0001_bars.sql``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from include.contracts import require_utc
from include.errors import DataContractError
from include.store import readings
from include.store.engine import (
    Connection,
    copy_frame,
    execute,
    fetch_frame,
    fetch_rows,
    rows_of,
    stage_frame,
    stage_rows,
    with_stored_rows,
)
from include.store.tables import BAR, BAR_KINDS, BAR_REJECTED


@dataclass(frozen=True)
class BarCounts:
    """Counts of one ticker's readings: inserted as new bars, stored with a revision, and without effect on values."""

    new: int
    revised: int
    unchanged: int


def upsert_bars(connection: Connection, bars: pd.DataFrame) -> dict[str, BarCounts]:
    """Stores readings (BAR_COLUMNS and ``known_at``, UTC) and returns the counts by ticker.

    A bar that is not stored yet is inserted. For one that is, ``known_at`` decides:

    * Later than the stored one: a reading with new values supersedes it, and the stored values become a revision. The
      reading is ignored if the values are the same or only the volume is missing, or if an hour after its
      ``known_at`` has used the stored values.
    * Earlier than the stored one (a replayed hour reads a bar that a later run has stored): equal values move the
      stored ``known_at`` back, other values become a revision that ends at the stored ``known_at``. The reading is
      ignored if that would change what an hour in between has read.
    * Equal: the reading is ignored.

    Raises:
        DataContractError: a column is missing, a time is naive, or a bar is given twice.
    """
    if bars.empty:
        return {}
    repeated = bars.duplicated(["ticker", "opened_at"])
    if repeated.any():
        row = bars.loc[repeated].iloc[0]
        message = f"The bar of {row['ticker']} that opened at {row['opened_at']} is given twice."
        raise DataContractError(message)
    has_stored = bars["ticker"].isin(with_stored_rows(connection, BAR, bars, "opened_at"))
    first, others = bars[~has_stored], bars[has_stored]
    if not first.empty and not copy_frame(connection, BAR, first, BAR_KINDS, nullable=("volume",)):
        first, others = first.iloc[:0], bars
    counts = compare_bars(connection, others) if len(others) else {}
    return counts | {
        str(ticker): BarCounts(new=int(count), revised=0, unchanged=0)
        for ticker, count in first["ticker"].value_counts(sort=False).items()
    }


def compare_bars(connection: Connection, bars: pd.DataFrame) -> dict[str, BarCounts]:
    """``upsert_bars`` by a comparison with the stored bars, also where there are none: the same result, more slowly."""
    staged = stage_frame(connection, BAR, bars, BAR_KINDS)
    execute(connection, f"analyze {staged}")
    revised = _count_by_ticker(connection, readings.keep_earlier_readings(staged))
    revised += _count_by_ticker(connection, readings.keep_superseded(staged))
    execute(connection, readings.supersede(staged))
    execute(connection, readings.date_back(staged))
    new = _count_by_ticker(connection, readings.insert_new(staged))
    given = Counter(str(ticker) for ticker in bars["ticker"])
    return {
        ticker: BarCounts(new[ticker], revised[ticker], count - new[ticker] - revised[ticker])
        for ticker, count in given.items()
    }


def load_bars(
    connection: Connection,
    tickers: Sequence[str],
    as_of: datetime,
    bar_limit: int | None = None,
) -> pd.DataFrame:
    """The bars as known at ``as_of`` (UTC): BAR_COLUMNS and ``known_at``, by ticker and time.

    An unknown volume is NaN. With ``bar_limit``, only the newest ``bar_limit`` bars of each ticker. Bars and revisions
    that became known after ``as_of`` have no effect.
    """
    names = sorted(set(tickers))
    return fetch_frame(
        connection,
        f"""
        select
            wanted.position::integer,
            bar.opened_at, bar.closed_at, bar.open, bar.high, bar.low, bar.close,
            coalesce(bar.volume, 'NaN'),
            bar.known_at
        from unnest(%(tickers)s::text[]) with ordinality as wanted (ticker, position)
        cross join lateral ({newest_bars("%(as_of)s", "%(bar_limit)s")}) as bar
        order by wanted.position, bar.opened_at
        """,  # noqa: S608  # placeholders
        {"tickers": names, "as_of": require_utc(as_of, "as_of"), "bar_limit": bar_limit},
        names,
        BAR_KINDS,
    )


def load_times(connection: Connection, tickers: Sequence[str], as_of: datetime) -> pd.DataFrame:
    """When the bars of ``load_bars`` opened and closed: ticker, opened_at and closed_at (UTC), in the same order."""
    names = sorted(set(tickers))
    return fetch_frame(
        connection,
        """
        select wanted.position::integer, known.opened_at, known.closed_at
        from unnest(%(tickers)s::text[]) with ordinality as wanted (ticker, position)
        inner join forecast.bars_known_at(%(as_of)s) as known
            on known.ticker = wanted.ticker and known.opened_at < %(as_of)s
        order by wanted.position, known.opened_at
        """,
        {"tickers": names, "as_of": require_utc(as_of, "as_of")},
        names,
        {"opened_at": "time", "closed_at": "time"},
    )


def newest_closed_at(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, datetime]:
    """Close time (UTC) of each ticker's newest bar known at ``as_of``; tickers without a bar are absent."""
    rows = fetch_rows(
        connection,
        f"""
        select wanted.ticker, bar.closed_at
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral ({newest_bars(":as_of", "1")}) as bar
        """,  # noqa: S608  # placeholders
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return {row["ticker"]: row["closed_at"] for row in rows}


def first_opened_at(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, datetime]:
    """Open time (UTC) of each ticker's oldest bar known at ``as_of``; tickers without a bar are absent."""
    if not tickers:
        return {}
    rows = fetch_rows(
        connection,
        """
        select ticker, min(opened_at) as opened_at from forecast.bars_known_at(:as_of)
        where ticker = any(cast(:tickers as text[]))
        group by ticker
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return {row["ticker"]: row["opened_at"] for row in rows}


def oldest_revised(
    connection: Connection, tickers: Sequence[str], since: datetime, as_of: datetime
) -> dict[str, datetime]:
    """Open time (UTC) of each ticker's oldest bar that was revised after ``since`` and by ``as_of``.

    The revisions of a split do not count. Tickers without a revision are absent.
    """
    rows = fetch_rows(
        connection,
        """
        select old.ticker, min(old.opened_at) as opened_at
        from forecast.bar_revision as old
        where old.ticker = any(cast(:tickers as text[]))
            and old.superseded_at > :since
            and old.superseded_at <= :as_of
            and not exists (
                select from forecast.split
                where split.ticker = old.ticker and split.known_at = old.superseded_at
            )
        group by old.ticker
        """,
        {"tickers": list(tickers), "since": require_utc(since, "since"), "as_of": require_utc(as_of, "as_of")},
    )
    return {row["ticker"]: row["opened_at"] for row in rows}


def earliest_changes(connection: Connection, tickers: Sequence[str], as_of: datetime) -> dict[str, datetime]:
    """Close time (UTC) of each ticker's oldest bar whose features are out of date at ``as_of``.

    These are bars that became known after the ticker's newest features, and the first bar of the ex-date of such a
    dividend. Tickers without such a bar are absent. A ticker without features gets its first bar.
    """
    rows = fetch_rows(
        connection,
        """
        select wanted.ticker, min(changed.closed_at) as closed_at
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral (
            select coalesce(max(feature.known_at), '-infinity') as known_at
            from forecast.feature
            where feature.ticker = wanted.ticker and feature.known_at <= :as_of
        ) as computed
        cross join lateral (
            select min(fresh.closed_at) as closed_at
            from (
                select known.closed_at from forecast.bars_known_at(:as_of) as known
                where known.ticker = wanted.ticker and known.known_at > computed.known_at
                offset 0  -- without it the planner reads the whole history in the order of closed_at
            ) as fresh
            union all
            select min(without.closed_at) as closed_at
            from forecast.dividend
            inner join forecast.bars_known_at(:as_of) as without
                on without.ticker = dividend.ticker and without.opened_at >= dividend.ex_at
            where dividend.ticker = wanted.ticker
                and dividend.known_at > computed.known_at
                and dividend.known_at <= :as_of
        ) as changed
        where changed.closed_at is not null
        group by wanted.ticker
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return {row["ticker"]: row["closed_at"] for row in rows}


def save_rejections(connection: Connection, rejected: pd.DataFrame, as_of: datetime) -> int:
    """Stores rejected bars (BAR_COLUMNS and ``reason``, the failed check); the count of new rows.

    A bar that was rejected before for the same reason keeps the values of its first reading.
    """
    if rejected.empty:
        return 0
    staged = stage_rows(connection, BAR_REJECTED, rows_of(rejected.assign(as_of=as_of), BAR_REJECTED.columns))
    columns = ", ".join(BAR_REJECTED.columns)
    return execute(
        connection,
        f"insert into forecast.bar_rejected ({columns}) select {columns} from {staged} "  # noqa: S608  # names from tables.py
        "on conflict do nothing",
    )


def count_rejections(connection: Connection, ticker: str) -> dict[str, int]:
    """Number of rejected bars of a ticker by failed check, the most frequent first."""
    rows = fetch_rows(
        connection,
        """
        select reason, count(*) as count from forecast.bar_rejected
        where ticker = :ticker group by reason order by count(*) desc, reason
        """,
        {"ticker": ticker},
    )
    return {row["reason"]: row["count"] for row in rows}


def newest_bars(moment: str, limit: str, before: str | None = None) -> str:
    """A query for the newest bars of ``forecast.bars_known_at`` of one ``wanted`` ticker, newest first.

    The arguments are expressions of SQL. With ``before``, only bars that open before it.

    Each part of the union has the limit as well. Otherwise the planner would read all bars of the ticker: it uses the
    order of an index within a part, but not across a union with conditions.
    """
    parts = [
        f"""(
            select {_columns("part")} from forecast.{table} as part
            where part.ticker = wanted.ticker and part.opened_at < {before or moment} and {condition}
            order by part.opened_at desc
            limit {limit}
        )"""  # noqa: S608  # placeholders
        for table, condition in (
            ("bar", f"part.known_at <= {moment}"),
            ("bar_revision", f"part.known_at <= {moment} and {moment} < part.superseded_at"),
        )
    ]
    return f"{' union all '.join(parts)} order by opened_at desc limit {limit}"


def _columns(alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in BAR.columns)


def _count_by_ticker(connection: Connection, changing: str) -> Counter[str]:
    """Runs a statement that returns the ticker of each changed row; the number of rows by ticker."""
    counted = f"""
        with changed_rows as ({changing})
        select ticker, count(*) as changed from changed_rows group by ticker
    """  # noqa: S608  # the statement is one of readings.py
    return Counter({row["ticker"]: row["changed"] for row in fetch_rows(connection, counted)})
