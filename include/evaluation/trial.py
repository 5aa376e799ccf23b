"""Whether a new backbone loses to the one before it, from both forecasts of the same bars.

The unit is the day: the mean over its hours of the mean over the tickers of the loss difference. Each ticker's losses
are divided by its random walk's mean loss, so that a ticker with large moves does not outweigh the others. Pure
functions. Where next: ``leaderboard.py`` for the losses.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from include.evaluation.history import FloatArray
from include.evaluation.leaderboard import Leaderboard

LEAST_DAYS = 8
"""With fewer days nothing is decided."""
ERRORS = 1.0
"""A backbone loses if its loss is higher by more than this many standard errors."""


@dataclass(frozen=True)
class Comparison:
    """The mean loss difference over days, in units of the random walk's loss, its standard error, and the days."""

    difference: float
    error: float
    day_count: int

    @property
    def is_decided(self) -> bool:
        """Whether there are enough days."""
        return self.day_count >= LEAST_DAYS

    @property
    def is_lost(self) -> bool:
        """Whether the first of the two is worse, by more than ``ERRORS`` standard errors."""
        return self.is_decided and self.difference > ERRORS * self.error


def compare(board: Leaderboard, name: str, against: str, tickers: Sequence[str] | None = None) -> Comparison:
    """The comparison of two forecasters on some tickers of a board (all by default); above 0 the first loses more."""
    hours: dict[np.datetime64, list[float]] = defaultdict(list)
    for ticker in board.rows if tickers is None else tickers:
        rows = board.rows[ticker]
        unit = float(np.nanmean(board.losses[board.baseline][ticker])) if len(rows.outcome) else math.nan
        difference = _row_means(board.losses[name][ticker] - board.losses[against][ticker]) / unit
        for anchored_at, value in zip(rows.anchored_at, difference, strict=True):
            if math.isfinite(value):
                hours[anchored_at].append(float(value))
    days: dict[np.datetime64, list[float]] = defaultdict(list)
    for anchored_at, values in hours.items():
        days[anchored_at.astype("datetime64[D]")].append(float(np.mean(values)))
    means = np.array([np.mean(values) for values in days.values()])
    if len(means) < 2:
        return Comparison(0.0, math.inf, len(means))
    return Comparison(float(means.mean()), float(means.std(ddof=1) / math.sqrt(len(means))), len(means))


def _row_means(losses: FloatArray) -> FloatArray:
    """Mean over the known horizons of each row; NaN where none is known. [m, H] -> [m]."""
    is_known = np.isfinite(losses)
    total = np.where(is_known, losses, 0.0).sum(axis=1)
    means = np.divide(total, is_known.sum(axis=1), out=np.full(len(losses), np.nan), where=is_known.any(axis=1))
    return np.asarray(means, dtype=np.float64)
