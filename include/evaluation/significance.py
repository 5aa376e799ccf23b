"""Whether one forecaster's losses are lower than another's by more than chance: Diebold-Mariano, by ticker and panel.

Pure numpy. Losses of h-bar forecasts overlap, and so do those of tickers that share a market; the errors here allow for
both. Where next: ``comparison.py`` applies these to a leaderboard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from include.evaluation.history import FloatArray, InstantArray

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Difference:
    """A mean difference of losses (negative: the first one's are lower), its standard error, and how sure it is.

    ``statistic`` is mean over error, ``p_value`` two-sided against a standard normal; NaN with fewer than 10 rows.
    """

    mean: float
    error: float
    statistic: float
    p_value: float
    count: int

    @property
    def is_better(self) -> bool:
        """Whether the first is significantly better."""
        return self.p_value < SIGNIFICANT and self.mean < 0.0

    @property
    def is_worse(self) -> bool:
        """Whether the first is significantly worse."""
        return self.p_value < SIGNIFICANT and self.mean > 0.0


def diebold_mariano(losses: FloatArray, other_losses: FloatArray, horizon: int) -> Difference:
    """The difference between two forecasters' losses on the same rows, in time's order. [n], [n].

    Rows where either is unknown are left out. Errors are Newey and West's, over ``hac_lags`` lags.

    Source: Diebold and Mariano, Comparing Predictive Accuracy, Journal of Business & Economic Statistics (1995).
    """
    difference = losses - other_losses
    return _difference(difference[np.isfinite(difference)], horizon)


def panel_test(
    losses: list[FloatArray], other_losses: list[FloatArray], anchored_at: list[InstantArray], horizon: int
) -> Difference:
    """The same over many tickers: losses are averaged over all tickers of a day, and days are what is counted.

    Tickers that move together thus count once. One array a ticker; a day is that of ``anchored_at`` in UTC. Losses are
    divided by the ticker's mean loss of the other forecaster, so that a wild ticker does not speak for all.

    Source: the panel version of Diebold-Mariano, Timmermann and Zhu, Comparing Forecasting Performance with Panel Data
    (2019).
    """
    days: list[FloatArray] = []
    values: list[FloatArray] = []
    for own, other, instants in zip(losses, other_losses, anchored_at, strict=True):
        is_known = np.isfinite(own) & np.isfinite(other)
        unit = float(other[is_known].mean()) if is_known.any() else 0.0
        if unit > 0.0:
            days.append(instants[is_known].astype("datetime64[D]").astype(np.float64))
            values.append((own - other)[is_known] / unit)
    if not values:
        return _difference(np.empty(0), 1)
    _, place = np.unique(np.concatenate(days), return_inverse=True)
    means = np.bincount(place, np.concatenate(values)) / np.bincount(place)
    return _difference(means, 1 if horizon == 1 else 2)  # seven bars of a market with sessions reach into the next day


def hac_lags(count: int, horizon: int) -> int:
    """Lags of the error: the overlap of h-bar forecasts, or Newey and West's rule of thumb where that is longer."""
    return max(horizon - 1, int(4.0 * (max(count, 1) / 100.0) ** (2.0 / 9.0)))


def hac_variance(values: FloatArray, lags: int) -> float:
    """Variance of the mean of correlated values, with Bartlett weights, which keep it from being negative.

    Source: Newey and West, Econometrica (1987).
    """
    count = len(values)
    centred = values - values.mean()
    total = float(centred @ centred)
    for lag in range(1, min(lags, count - 1) + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag])
    return max(total, 0.0) / count**2


def _difference(values: FloatArray, horizon: int) -> Difference:
    count = len(values)
    mean = float(values.mean()) if count else float("nan")
    if count < 10:
        return Difference(mean, float("nan"), float("nan"), float("nan"), count)
    error = math.sqrt(hac_variance(values, hac_lags(count, horizon)))
    if error == 0.0:
        return Difference(mean, 0.0, 0.0, 1.0 if mean == 0.0 else 0.0, count)
    statistic = mean / error
    return Difference(mean, error, statistic, math.erfc(abs(statistic) / math.sqrt(2.0)), count)
