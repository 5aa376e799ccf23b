"""Feature rows: what the model saw, kept for ever. A row is never changed; a later one of the same bar outranks it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from include.contracts import FEATURE_COLUMNS, require_utc
from include.store.engine import Connection, execute, fetch_frame, stage_frame
from include.store.tables import FEATURE, FEATURE_KINDS


def save_features(connection: Connection, features: pd.DataFrame) -> int:
    """Stores the rows (``ticker``, ``closed_at``, ``known_at``, FEATURE_COLUMNS) that say something new; their count.

    A row equal, bit for bit, to what ``load_features`` gives as of its ``known_at`` is not stored again. Where the
    very instant has a row already, the first stays.
    """
    if features.empty:
        return 0
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
    """The rows as known at ``as_of``: ticker, closed_at, known_at and float32 FEATURE_COLUMNS, by ticker and time.

    One row a ticker and bar, the newest known. With ``row_limit``, each ticker's newest so many bars.
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


def _drop_known(staged: str) -> str:
    """Takes the rows that say nothing new from the staging table.

    A statement of its own: an insert that looked each row up would wade through the entries it has just made.
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
