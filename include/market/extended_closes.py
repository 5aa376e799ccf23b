"""The form in which sources return 5-minute closes of regular and of extended hours.

A close belongs to a bar of five minutes, whose open is its time; highs, lows and volumes are left out, since outside
regular hours they are wrong or unknown. Where next: ``extended_gate.py`` judges the closes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from include.contracts import BarRequest

CLOSE_COLUMNS: Final = ("ticker", "opened_at", "closed_at", "close")
CLOSE_LENGTH: Final = timedelta(minutes=5)


def known_closes(rows: pd.DataFrame, request: BarRequest, as_of: datetime) -> pd.DataFrame:
    """Those of one ticker's rows (opened_at in UTC, close) that were requested and were known at ``as_of``.

    Columns: CLOSE_COLUMNS, in the order of the rows. A close in progress is left out.
    """
    opened_at = pd.to_datetime(rows["opened_at"], utc=True).dt.as_unit("us")
    closed_at = opened_at + CLOSE_LENGTH
    columns = {
        "ticker": pd.Series(request.profile.ticker, index=rows.index, dtype="str"),
        "opened_at": opened_at,
        "closed_at": closed_at,
        "close": rows["close"].astype("float64"),
    }
    delay = timedelta(minutes=request.profile.feed_delay_minutes)
    is_wanted = (opened_at >= request.since) & (closed_at + delay <= as_of)
    return pd.DataFrame(columns).loc[is_wanted].reset_index(drop=True)


def join_closes(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The closes of several tickers as one frame of CLOSE_COLUMNS, ticker by ticker."""
    filled = [part for part in parts if not part.empty]
    if filled:
        return pd.concat(filled, ignore_index=True)[list(CLOSE_COLUMNS)]
    times = pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
    close = pd.Series([], dtype="float64")
    return pd.DataFrame({"ticker": pd.Series([], dtype="str"), "opened_at": times, "closed_at": times, "close": close})
