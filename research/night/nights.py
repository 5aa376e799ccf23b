"""The nights between two sessions: the believed price at each refresh, from recorded 5-minute bars.

Where next: ``blind.py`` for the forecasts that are refreshed, ``scores.py`` for what the refreshed ones are worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from include.evaluation.history import FloatArray, InstantArray, IntArray
from include.market.believed import BelievedPrice, believed_price
from include.market.extended_hours import Night, night_of
from include.market.grid import NEW_YORK
from research.night.blind import Blind

EXCHANGE_ZONE = ZoneInfo("America/New_York")

REFRESHES = ("18:35", "20:35", "04:35", "05:35", "06:35", "07:35", "08:35", "09:25")
"""New York clock of the refreshes of a night, in order; those from 12:00 on are on the evening before."""

FEED_DELAY = timedelta(minutes=2)
"""Time from a 5-minute bar's close until the source has it."""

_HOLE = np.timedelta64(6, "D")
"""Time between two bars from which on sessions are missing."""

PriceOf = Callable[[pd.DataFrame, Night], BelievedPrice | None]


@dataclass(frozen=True)
class Nights:
    """The nights of one ticker: n anchors, R refreshes.

    ``rows`` [n]: rows of ``Blind``, each the last bar of a session. ``move`` [n, R]: log of the believed price over the
    anchor's close, NaN without a price; ``age`` [n, R]: minutes since the newest close of it; ``count`` [n, R]: closes
    of the night (in the morning: since 04:00) that were known. ``evening`` [n]: the move by 20:35, also where a morning
    has no price. ``days`` [n]: the New York day of the next session; ``anchor_days`` [n]: that of the anchor.
    """

    rows: IntArray
    move: FloatArray
    age: FloatArray
    count: IntArray
    evening: FloatArray
    days: InstantArray
    anchor_days: InstantArray


def read_closes(path: Path) -> pd.DataFrame:
    """The extended 5-minute bars of a file: closed_at (UTC) and close, oldest first."""
    bars = pd.read_parquet(path, columns=["ts", "close", "is_extended"]).query("is_extended")
    columns = {"closed_at": bars["ts"].dt.as_unit("us") + pd.Timedelta(5, "min"), "close": bars["close"]}
    return pd.DataFrame(columns).sort_values("closed_at", ignore_index=True)


def newest_close(closes: pd.DataFrame, night: Night) -> BelievedPrice | None:
    """The newest close alone in place of a median, for nights that have a believed price."""
    believed = believed_price(closes, night)
    return believed and replace(believed, price=float(closes["close"].iloc[-1]))


def make_nights(blind: Blind, closes: pd.DataFrame, price_of: PriceOf = believed_price) -> Nights:
    """The nights that lie within the recorded closes of ``read_closes``, with their believed prices by ``price_of``."""
    closed_at = pd.DatetimeIndex(closes["closed_at"]).tz_localize(None).as_unit("us").to_numpy()
    is_night = blind.is_break[:-1] & (np.diff(blind.closed_at) < _HOLE) & (blind.closed_at[:-1] < closed_at[-1])
    rows = np.flatnonzero(is_night & (blind.closed_at[:-1] >= closed_at[0] - np.timedelta64(1, "D")))
    days, anchor_days = new_york_days(blind.closed_at[rows + 1]), new_york_days(blind.closed_at[rows])
    shape = (len(rows), len(REFRESHES))
    move, age, count = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    for column, at in enumerate(REFRESHES):
        for place, as_of in enumerate(_instants(anchor_days if is_evening(at) else days, at)):
            night = night_of(NEW_YORK, as_of, len(REFRESHES))
            if (
                night is None
                or np.datetime64(night.closed_at.replace(tzinfo=None), "us") != blind.closed_at[rows[place]]
            ):
                continue
            known = [night.starts_at.replace(tzinfo=None), (as_of - FEED_DELAY).replace(tzinfo=None)]
            start, end = np.searchsorted(closed_at, np.array(known, dtype="datetime64[us]"), side="right")
            count[place, column] = end - start
            believed = price_of(closes.iloc[start:end], night)
            if believed is not None:
                move[place, column] = np.log(believed.price / blind.close[rows[place]])
                age[place, column] = (as_of - believed.priced_at).total_seconds() / 60.0
    return Nights(rows, move, age, count, move[:, REFRESHES.index("20:35")], days, anchor_days)


def is_evening(clock: str) -> bool:
    """Whether a refresh of this clock is on the evening of the last close."""
    return clock >= "12:00"


def minutes_of(clock: str) -> int:
    """Minutes since midnight."""
    return 60 * int(clock[:2]) + int(clock[3:])


def new_york_days(instants: InstantArray) -> InstantArray:
    """The New York day of each instant (UTC). [n]."""
    local = pd.DatetimeIndex(instants).tz_localize("UTC").tz_convert(EXCHANGE_ZONE)
    return local.tz_localize(None).normalize().to_numpy().astype("datetime64[us]")


def _instants(days: InstantArray, clock: str) -> list[datetime]:
    """The clock on each New York day, in UTC. [n]."""
    local = pd.DatetimeIndex(days) + pd.Timedelta(minutes_of(clock), "min")
    return list(local.tz_localize(EXCHANGE_ZONE).tz_convert("UTC").to_pydatetime())
