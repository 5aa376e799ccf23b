"""The believed price of a night: one number from the 5-minute closes of extended hours that were known at a refresh.

Single closes can be wrong, in the early evening two in a row. So the price is the median of the last three, and of the
last seven while one of those three is from before the evening is calm. An evening with fewer has no believed price yet.
In the morning wrong closes are rare, so one or two are enough; without any there is no believed price, since the
evening's adds nothing then. Pure functions. Where next: ``extended_gate.py`` accepts closes, ``extended_hours.py`` has
the nights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.market.extended_hours import Night

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FEW: Final = 3
_MANY: Final = 7
"""A median of seven stands three wrong closes. Of 34,903 recorded medians of three 13 were off by more than 3 %."""


@dataclass(frozen=True)
class BelievedPrice:
    """A night's price, on the scale of its closes.

    ``priced_at``: when the newest close that it comes from closed, UTC. ``closed_at``: all of these closes, in order.
    """

    price: float
    priced_at: datetime
    closed_at: tuple[datetime, ...]


def believed_price(closes: pd.DataFrame, night: Night) -> BelievedPrice | None:
    """The believed price at a refresh; None where the night has too few closes.

    Args:
        closes: accepted closes of one ticker that were known at the refresh: closed_at (UTC) and close, in any order,
            one row a ``closed_at``. Those up to ``night.starts_at`` do not count.
        night: the refresh.
    """
    ordered = closes.sort_values("closed_at", kind="stable")
    micros = _micros_of(ordered["closed_at"])
    count = _used_count(micros, night)
    if not count:
        return None
    times = tuple(_EPOCH + timedelta(microseconds=int(value)) for value in micros[-count:])
    price = float(np.median(ordered["close"].to_numpy(dtype=np.float64)[-count:]))
    return BelievedPrice(price=price, priced_at=times[-1], closed_at=times)


def needed_closes(closes: pd.DataFrame, refreshes: Iterable[tuple[datetime, Night]], delay: timedelta) -> pd.DataFrame:
    """Those rows of one ticker's closes from which past refreshes have their believed prices, ordered by time.

    From these rows alone every one of the refreshes has the believed price that it has from all.

    Args:
        closes: accepted closes of one ticker: closed_at (UTC), close and any other columns, one row a ``closed_at``.
        refreshes: the instants (UTC) of past refreshes and their nights. A refresh knows the closes with
            ``closed_at`` + ``delay`` <= its instant.
        delay: the feed's.
    """
    ordered = closes.sort_values("closed_at", kind="stable", ignore_index=True)
    micros = _micros_of(ordered["closed_at"])
    is_needed = np.zeros(len(ordered), dtype=np.bool_)
    for at, night in refreshes:
        end = int(np.searchsorted(micros, _micros(at - delay), side="right"))
        is_needed[end - _used_count(micros[:end], night) : end] = True
    return ordered.loc[is_needed].reset_index(drop=True)


def _used_count(closed_at: npt.NDArray[np.int64], night: Night) -> int:
    """How many of the last of these instants (microseconds since 1970, in order) make the price; 0 for no price."""
    count = len(closed_at) - int(np.searchsorted(closed_at, _micros(night.starts_at), side="right"))
    if not night.is_evening:
        return min(count, _FEW)
    is_calm = count >= _FEW and (night.calm_at is None or closed_at[-_FEW] >= _micros(night.calm_at))
    if is_calm:
        return _FEW
    return _MANY if count >= _MANY else 0


def _micros_of(instants: pd.Series[Any]) -> npt.NDArray[np.int64]:
    return pd.DatetimeIndex(instants).as_unit("us").asi8


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
