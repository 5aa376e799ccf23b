"""The closes of extended hours: written once for each reading, read as known at an instant; and those refused.

A reading that differs from the one before it is another row, so that an hour that runs again reads what it read.
Prices are in the ticker's currency. Where next: ``pipeline/data/nights.py``, which says which closes are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_frame, rows_of, stage_rows
from include.store.tables import EXTENDED_CLOSE, EXTENDED_REJECTED


def save_closes(connection: Connection, closes: pd.DataFrame) -> int:
    """Stores readings (ticker, closed_at, known_at, close); the count of new rows.

    A close that equals the newest reading known by its ``known_at`` is not stored again.
    """
    if closes.empty:
        return 0
    staged = stage_rows(connection, EXTENDED_CLOSE, rows_of(closes, EXTENDED_CLOSE.columns))
    columns = ", ".join(EXTENDED_CLOSE.columns)
    return execute(
        connection,
        f"""
        insert into forecast.extended_close ({columns})
        select {columns} from {staged} as given
        where given.close is distinct from (
            select stored.close from forecast.extended_close as stored
            where stored.ticker = given.ticker and stored.closed_at = given.closed_at
                and stored.known_at <= given.known_at
            order by stored.known_at desc
            limit 1
        )
        on conflict do nothing
        """,  # noqa: S608  # names from tables.py
    )


def save_rejected(connection: Connection, rejected: pd.DataFrame, as_of: datetime) -> int:
    """Stores refused closes (ticker, closed_at, close, reason); the count of new rows.

    A close that was refused before for the same reason keeps its first reading.
    """
    if rejected.empty:
        return 0
    staged = stage_rows(connection, EXTENDED_REJECTED, rows_of(rejected.assign(as_of=as_of), EXTENDED_REJECTED.columns))
    columns = ", ".join(EXTENDED_REJECTED.columns)
    return execute(
        connection,
        f"insert into forecast.extended_rejected ({columns}) select {columns} from {staged} "  # noqa: S608  # names from tables.py
        "on conflict do nothing",
    )


def closes_since(connection: Connection, since: Mapping[str, datetime], as_of: datetime) -> pd.DataFrame:
    """Each ticker's closes after its instant of ``since`` as known at ``as_of``: ticker, closed_at, close; in order.

    Prices are on the scale of ``as_of``: a close that was read before a split became known is divided by its factor.
    """
    names = sorted(since)
    return fetch_frame(
        connection,
        """
        select wanted.position::integer, newest.closed_at, newest.close / scale.factor
        from unnest(%(tickers)s::text[], %(since)s::timestamptz[])
            with ordinality as wanted (ticker, since_at, position)
        cross join lateral (
            select distinct on (reading.closed_at) reading.closed_at, reading.close, reading.known_at
            from forecast.extended_close as reading
            where reading.ticker = wanted.ticker and reading.closed_at > wanted.since_at
                and reading.known_at <= %(as_of)s
            order by reading.closed_at, reading.known_at desc
        ) as newest
        cross join lateral forecast.split_factor_between(
            wanted.ticker, newest.known_at, %(as_of)s, newest.closed_at
        ) as scale
        order by wanted.position, newest.closed_at
        """,
        {
            "tickers": names,
            "since": [require_utc(since[name], "since") for name in names],
            "as_of": require_utc(as_of, "as_of"),
        },
        names,
        {"closed_at": "time", "close": "f8"},
    )
