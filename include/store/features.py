"""Feature rows, the input of the model. A row is never updated; of several rows of one bar the newest is in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from include.contracts import FEATURE_COLUMNS, require_utc
from include.store.engine import Connection, copy_frame, execute, fetch_frame, stage_frame, with_stored_rows
from include.store.tables import FEATURE, FEATURE_KINDS


def save_features(connection: Connection, features: pd.DataFrame) -> int:
    """Stores new rows (``ticker``, ``closed_at``, ``known_at``, FEATURE_COLUMNS; times in UTC); their count.

    A row whose values equal, bit for bit, those that ``load_features`` returns as of its ``known_at`` is not stored. A
    row with the key of a stored one is not stored either.
    """
    if features.empty:
        return 0
    has_stored = features["ticker"].isin(with_stored_rows(connection, FEATURE, features, "closed_at"))
    first, others = features[~has_stored], features[has_stored]
    if not first.empty and not copy_frame(connection, FEATURE, first, FEATURE_KINDS):
        first, others = first.iloc[:0], features
    return len(first) + (_save_changed(connection, others) if len(others) else 0)


def _save_changed(connection: Connection, features: pd.DataFrame) -> int:
    """Stores the rows that are new or differ from the stored ones; their count."""
    staged = stage_frame(connection, FEATURE, features, FEATURE_KINDS)
    execute(connection, f"analyze {staged}")
    execute(connection, _drop_known(staged))
    columns = ", ".join(FEATURE.columns)
    return execute(
        connection,
        f"insert into forecast.feature ({columns}) select {columns} from {staged} on conflict do nothing",  # noqa: S608  # names from tables.py
    )


def load_features(
    connection: Connection,
    tickers: Sequence[str],
    as_of: datetime,
    row_limit: int | None = None,
) -> pd.DataFrame:
    """The rows as known at ``as_of`` (UTC): ticker, closed_at, known_at and float32 FEATURE_COLUMNS.

    One row per ticker and bar, the newest known, ordered by ticker and time. With ``row_limit``, only those of the
    newest ``row_limit`` bars of each ticker.
    """
    names = sorted(set(tickers))
    return fetch_frame(
        connection,
        f"""
        select wanted.position::integer, {_listed("feature", tuple(FEATURE_KINDS))}
        from unnest(%(tickers)s::text[]) with ordinality as wanted (ticker, position)
        cross join lateral (
            select distinct on (stored.closed_at) stored.*
            from forecast.feature as stored
            where stored.ticker = wanted.ticker
                and stored.closed_at <= %(as_of)s
                and stored.known_at <= %(as_of)s
            order by stored.closed_at desc, stored.known_at desc
            limit %(row_limit)s
        ) as feature
        order by wanted.position, feature.closed_at
        """,  # noqa: S608  # names from tables.py, never from outside
        {"tickers": names, "as_of": require_utc(as_of, "as_of"), "row_limit": row_limit},
        names,
        FEATURE_KINDS,
    )


def load_closings(connection: Connection, tickers: Sequence[str], as_of: datetime) -> pd.DataFrame:
    """When the bars of all rows of ``load_features`` closed: ticker and closed_at (UTC), in the same order."""
    names = sorted(set(tickers))
    return fetch_frame(
        connection,
        """
        select wanted.position::integer, feature.closed_at
        from unnest(%(tickers)s::text[]) with ordinality as wanted (ticker, position)
        cross join lateral (
            select distinct stored.closed_at
            from forecast.feature as stored
            where stored.ticker = wanted.ticker
                and stored.closed_at <= %(as_of)s
                and stored.known_at <= %(as_of)s
        ) as feature
        order by wanted.position, feature.closed_at
        """,
        {"tickers": names, "as_of": require_utc(as_of, "as_of")},
        names,
        {"closed_at": "time"},
    )


def _drop_known(staged: str) -> str:
    """Deletes the rows with known values from the staging table.

    A separate statement: within the insert, each look-up would also scan the index entries of the rows just inserted.
    """
    return f"""
        with newest as (
            select distinct on (given.ticker, given.closed_at, given.known_at)
                given.known_at as given_at, stored.*
            from {staged} as given
            inner join forecast.feature as stored
                on stored.ticker = given.ticker
                and stored.closed_at = given.closed_at
                and stored.known_at <= given.known_at
            order by given.ticker, given.closed_at, given.known_at, stored.known_at desc
        )

        delete from {staged} as given
        using newest
        where given.ticker = newest.ticker
            and given.closed_at = newest.closed_at
            and given.known_at = newest.given_at
            and ({_listed("given", FEATURE_COLUMNS)}) is not distinct from ({_listed("newest", FEATURE_COLUMNS)})
    """  # noqa: S608  # names from tables.py, never from outside


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)
