"""Bars that were due by the session calendar when they were fetched, and those of them that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_frame, fetch_rows, rows_of, stage_rows
from include.store.tables import EXPECTED_DAY


def save_expected(connection: Connection, days: pd.DataFrame, as_of: datetime) -> int:
    """Stores the number of bars due by day; the count of rows that changed.

    Columns: ticker, day_exchange, first_opened_at, last_closed_at (both UTC), expected_count. A count that a later run
    stored is not changed. Days before a ticker's first bar are left out, because the ticker may not have been listed
    yet.
    """
    if days.empty:
        return 0
    staged = stage_rows(connection, EXPECTED_DAY, rows_of(days.assign(as_of=as_of), EXPECTED_DAY.columns))
    columns = ", ".join(EXPECTED_DAY.columns)
    return execute(
        connection,
        f"""
        insert into forecast.expected_day as stored ({columns})
        select {columns} from {staged} as given
        where given.last_closed_at > (select min(bar.opened_at) from forecast.bar where bar.ticker = given.ticker)
        on conflict (ticker, day_exchange) do update
        set first_opened_at = excluded.first_opened_at, last_closed_at = excluded.last_closed_at,
            expected_count = excluded.expected_count, as_of = excluded.as_of
        where excluded.expected_count <> stored.expected_count and excluded.as_of >= stored.as_of
        """,  # noqa: S608  # names from tables.py
    )


def first_gaps(connection: Connection, tickers: Sequence[str], since: datetime, as_of: datetime) -> dict[str, datetime]:
    """Start (UTC) of each ticker's first day from ``since`` on with a missing bar, as known at ``as_of``.

    Tickers without a missing bar are absent, and so are days whose count a later run has changed.
    """
    rows = fetch_rows(
        connection,
        """
        select day.ticker, min(day.first_opened_at) as first_opened_at
        from forecast.expected_day as day
        cross join lateral (
            select count(*) as bar_count from forecast.bars_known_at(:as_of) as bar
            where bar.ticker = day.ticker
                and bar.opened_at >= day.first_opened_at
                and bar.opened_at < day.last_closed_at
        ) as stored
        where day.ticker = any(cast(:tickers as text[]))
            and day.first_opened_at >= :since
            and day.as_of <= :as_of
            and stored.bar_count < day.expected_count
        group by day.ticker
        """,
        {"tickers": list(tickers), "since": require_utc(since, "since"), "as_of": require_utc(as_of, "as_of")},
    )
    return {row["ticker"]: row["first_opened_at"] for row in rows}


def known_openings(connection: Connection, tickers: Sequence[str], since: datetime, as_of: datetime) -> pd.DataFrame:
    """When the bars opened (UTC) that were known at ``as_of``, from ``since`` on: ticker and opened_at, in order."""
    names = sorted(set(tickers))
    return fetch_frame(
        connection,
        """
        select wanted.position::integer, known.opened_at
        from unnest(%(tickers)s::text[]) with ordinality as wanted (ticker, position)
        inner join forecast.bars_known_at(%(as_of)s) as known on known.ticker = wanted.ticker
        where known.opened_at >= %(since)s
        order by wanted.position, known.opened_at
        """,
        {"tickers": names, "since": require_utc(since, "since"), "as_of": require_utc(as_of, "as_of")},
        names,
        {"opened_at": "time"},
    )
