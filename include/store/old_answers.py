"""Which bars of an old response are outdated: the stored reading is from a response that was made later.

A source may serve a cached response from before a correction that an earlier hour has read. Where next: ``bars.py``,
which stores the other bars.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from include.contracts import require_utc
from include.store.engine import Connection, fetch_rows


def without_outdated(connection: Connection, bars: pd.DataFrame, made_at: Mapping[str, datetime]) -> pd.DataFrame:
    """The bars (BAR_COLUMNS) without those whose stored reading became known after the response was made.

    ``made_at``: by ticker, when an old response was made (UTC); bars of other tickers stay.
    """
    if bars.empty or not made_at:
        return bars
    rows = fetch_rows(
        connection,
        """
        select bar.ticker, bar.opened_at
        from forecast.bar
        inner join unnest(cast(:tickers as text[]), cast(:made_at as timestamptz[])) as old (ticker, made_at)
            on bar.ticker = old.ticker and bar.known_at > old.made_at
        """,
        {"tickers": list(made_at), "made_at": [require_utc(at, "made_at") for at in made_at.values()]},
    )
    newer = {(row["ticker"], row["opened_at"]) for row in rows}
    is_outdated = [pair in newer for pair in zip(bars["ticker"], bars["opened_at"], strict=True)]
    return bars[[not outdated for outdated in is_outdated]]
