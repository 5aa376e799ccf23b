"""The calendar that a ticker's bars fit best, where the same sessions can be cut into bars in more than one way.

How Yahoo cuts a day with a pause at noon, or with an opening at a random second, is known for few exchanges. The first
bars of a ticker show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from include.market.grid import grid_of


@dataclass(frozen=True)
class Fit:
    """How well a calendar's bars and a ticker's agree.

    ``on_grid_ratio``: share of the ticker's bars that open when one of the calendar's does. ``common_ratio``: bars that
    both have, of those that either has between the ticker's first and last.
    """

    calendar: str
    on_grid_ratio: float
    common_ratio: float


def best_fit(calendars: Sequence[str], opened_at: pd.Series[Any]) -> Fit:
    """The calendar on whose grid most of the bars open; of equals the one with the fewest other bars, then the first.

    ``opened_at``: when the ticker's bars open, UTC; without any the first calendar fits.

    Raises:
        DataContractError: a calendar does not exist.
    """
    fits = [_fit(calendar, opened_at) for calendar in calendars]
    return max(fits, key=lambda fit: (fit.on_grid_ratio, fit.common_ratio))


def _fit(calendar: str, opened_at: pd.Series[Any]) -> Fit:
    grid = grid_of(calendar)
    opened = np.unique(pd.DatetimeIndex(opened_at).as_unit("us").asi8)
    if not len(opened):
        return Fit(calendar, 1.0, 1.0)
    wanted = grid.opened[(grid.opened >= opened[0]) & (grid.opened <= opened[-1])]
    common = len(np.intersect1d(opened, wanted))
    return Fit(calendar, common / len(opened), common / (len(opened) + len(wanted) - common))
