"""Scores of refreshed forecasts: gains of CRPS and shares, with errors by day.

Nights of one day are not independent, so a standard error adds up what all tickers of a day contribute. Where next:
``tables.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.evaluation.history import BoolArray, FloatArray
from include.evaluation.metrics import is_inside

Labels = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Estimate:
    """A value in percent with its standard error by day; NaN without cases."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.1f} ± {self.error:.1f}"

    @property
    def precise(self) -> str:
        """With two digits."""
        return f"{self.value:.2f} ± {self.error:.2f}"


def gain(
    losses: FloatArray, other_losses: FloatArray, ticker: Labels, day: Labels, *, is_by_ticker: bool = False
) -> Estimate:
    """The share of the other losses that is saved, on cases where both are known. All [N].

    Each ticker's losses are divided by the mean of its other losses, so that volatile tickers count no more; if
    ``is_by_ticker``, by their sum, so that tickers with many cases count no more either.
    """
    known = np.isfinite(losses) & np.isfinite(other_losses)
    if not known.any():
        return Estimate(np.nan, np.nan)
    _, place = np.unique(ticker[known], return_inverse=True)
    counts = 1 if is_by_ticker else np.bincount(place)
    unit = (np.bincount(place, other_losses[known]) / counts)[place]
    first, second = losses[known] / unit, other_losses[known] / unit
    saved = 1.0 - first.sum() / second.sum()
    return _estimate(saved, second - first - saved * second, second.sum(), day[known])


def share(is_hit: BoolArray, day: Labels) -> Estimate:
    """The share of hits. [N], [N]."""
    if not len(is_hit):
        return Estimate(np.nan, np.nan)
    hits = is_hit.astype(np.float64)
    return _estimate(float(hits.mean()), hits - hits.mean(), float(len(hits)), day)


def covered(outcomes: FloatArray, quantiles: FloatArray, interval: int, day: Labels) -> Estimate:
    """The share of known outcomes inside the central interval. [N], [N, Q]."""
    known = np.isfinite(outcomes)
    return share(is_inside(outcomes[known], quantiles[known], interval), day[known])


def _estimate(value: float, deviations: FloatArray, total: float, day: Labels) -> Estimate:
    """The value in percent; its error is the root of the summed squares of each day's deviations, over the total."""
    _, place = np.unique(day, return_inverse=True)
    by_day = np.bincount(place, deviations)
    return Estimate(100.0 * value, 100.0 * float(np.sqrt((by_day**2).sum()) / total))
