"""The stored bars that a response is compared with: those of the same times, and the ones before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from include.contracts import require_utc
from include.store.bars import newest_bars
from include.store.engine import Connection, fetch_frame
from include.store.tables import BAR_KINDS


def load_overlap(
    connection: Connection, first_opened_at: Mapping[str, datetime], as_of: datetime, past_bars: int
) -> pd.DataFrame:
    """Each ticker's bars as known at ``as_of`` that open at or after the given instant, and ``past_bars`` before it.

    BAR_COLUMNS and ``known_at``, all times UTC, by ticker and time.
    """
    names = sorted(first_opened_at)
    return fetch_frame(
        connection,
        f"""
        select
            wanted.position::integer, bar.opened_at, bar.closed_at, bar.open, bar.high, bar.low, bar.close,
            coalesce(bar.volume, 'NaN'), bar.known_at
        from unnest(%(tickers)s::text[], %(first)s::timestamptz[]) with ordinality
            as wanted (ticker, first_opened_at, position)
        cross join lateral (
            ({newest_bars("%(as_of)s", "%(past_bars)s", "wanted.first_opened_at")})
            union all
            (
                select * from forecast.bars_known_at(%(as_of)s) as known
                where known.ticker = wanted.ticker and known.opened_at >= wanted.first_opened_at
            )
        ) as bar
        order by wanted.position, bar.opened_at
        """,  # noqa: S608  # placeholders
        {
            "tickers": names,
            "first": [require_utc(first_opened_at[name], "first_opened_at") for name in names],
            "as_of": require_utc(as_of, "as_of"),
            "past_bars": past_bars,
        },
        names,
        BAR_KINDS,
    )
