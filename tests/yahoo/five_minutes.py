"""5-minute bars of regular and extended hours, made from a ticker's hourly listing.

Within an hourly bar prices go from its open to its close. In a night they go from the session's close to the next open,
with a swing of up to 3 % on the way that differs from night to night. Volumes outside sessions are 0, as Yahoo's are.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.yahoo.providers import Listing

STEP = 300
EVENING_BARS = 48
MORNING_BARS = 66
LONGEST_NIGHT = 8 * 86_400
SWING = 0.03

Seconds = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def five_minutes_of(listing: Listing, since: int, until: int, *, has_extended_hours: bool) -> Listing:
    """The listing's 5-minute bars that open at seconds since <= t < until, prices as traded."""
    is_near = (listing.opened >= since - LONGEST_NIGHT) & (listing.opened < until + LONGEST_NIGHT)
    near = replace(
        listing,
        opened=listing.opened[is_near],
        closed=listing.closed[is_near],
        prices=listing.prices[is_near],
        volume=listing.volume[is_near],
    )
    parts = [_of_sessions(near), *([_of_nights(near)] if has_extended_hours and len(near.opened) else [])]
    opened, opens, closes, volume = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(opened, kind="stable")
    order = order[(opened[order] >= since) & (opened[order] < until)]
    opens, closes = opens[order], closes[order]
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return replace(
        listing,
        opened=opened[order],
        closed=opened[order] + STEP,
        prices=np.round(np.column_stack([opens, high, low, closes]), 4),
        volume=volume[order],
    )


def true_closes(listing: Listing, since: datetime, as_of: datetime, delay_minutes: int = 2) -> pd.DataFrame:
    """What a source should return of a ticker with extended hours: opened_at and close of the known bars."""
    bars = five_minutes_of(listing, int(since.timestamp()), int(as_of.timestamp()), has_extended_hours=True)
    opened_at = pd.DatetimeIndex(bars.opened.astype("datetime64[s]")).tz_localize("UTC").as_unit("us")
    frame = pd.DataFrame({"opened_at": opened_at, "close": bars.prices[:, 3]})
    is_known = frame["opened_at"] + timedelta(minutes=5 + delay_minutes) <= as_of
    return frame[is_known].reset_index(drop=True)


def is_regular(listing: Listing, opened: Seconds) -> npt.NDArray[np.bool_]:
    """Whether a 5-minute bar that opens then lies in one of the listing's hourly bars."""
    place = np.searchsorted(listing.opened, opened, side="right") - 1
    return (place >= 0) & (opened < listing.closed[np.maximum(place, 0)])


def _of_sessions(listing: Listing) -> tuple[Seconds, Floats, Floats, Floats]:
    """Opened, open, close and volume of the bars within the hourly bars."""
    counts = -(-(listing.closed - listing.opened) // STEP)
    owner = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    start, end = listing.prices[owner, 0], listing.prices[owner, 3]
    ratio = end / start
    opens, closes = (start * ratio ** ((number + shift) / counts[owner]) for shift in (0, 1))
    return listing.opened[owner] + number * STEP, opens, closes, np.floor(listing.volume[owner] / counts[owner])


def _of_nights(listing: Listing) -> tuple[Seconds, Floats, Floats, Floats]:
    """The same of the evenings after sessions and the mornings before them; after the last session an evening alone."""
    is_last = np.append(listing.opened[1:] > listing.closed[:-1], True)
    closed, start = listing.closed[is_last], listing.prices[is_last, 3]
    following = np.flatnonzero(is_last)[:-1] + 1
    opens_at = np.append(listing.opened[following], closed[-1] + 86_400)
    end = np.append(listing.prices[following, 0], start[-1])
    evening = closed[:, None] + STEP * np.arange(EVENING_BARS)
    morning = opens_at[:, None] + STEP * np.arange(-MORNING_BARS, 0)
    parts = []
    for opened in (evening, morning[:-1]):  # the session after the last one is not known
        count = len(opened)
        way = np.stack([opened, opened + STEP]).astype(np.float64) - closed[:count, None]
        way /= (opens_at - closed)[:count, None]
        swing = SWING * np.sin(closed[:count, None] / 1000.0) * np.sin(np.pi * way)
        prices = start[:count, None] * (end / start)[:count, None] ** way * np.exp(swing)
        parts.append((opened.ravel(), prices[0].ravel(), prices[1].ravel(), np.zeros(opened.size)))
    opened, opens, closes, volume = (np.concatenate(column) for column in zip(*parts, strict=True))
    return opened, opens, closes, volume
