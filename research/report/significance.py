"""Significance of the difference of two forecasters' losses: Diebold-Mariano tests, for one ticker and for a panel.

Pure numpy. Losses of overlapping h-bar forecasts are correlated, and so are losses of tickers of the same market. The
standard errors allow for both. Where next: ``comparison.py``, which applies these tests to a leaderboard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from include.evaluation.history import FloatArray, InstantArray

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Difference:
    """The mean difference of losses (negative: the first forecaster's are lower), its standard error, and its test.

    ``statistic`` is mean / error; ``p_value`` is two-sided, from a standard normal. Both are NaN with fewer than 10
    rows. ``count``: number of rows.
    """

    mean: float
    error: float
    statistic: float
    p_value: float
    count: int

    @property
    def is_better(self) -> bool:
        """Whether the first forecaster is significantly better."""
        return self.p_value < SIGNIFICANT and self.mean < 0.0

    @property
    def is_worse(self) -> bool:
        """Whether the first forecaster is significantly worse."""
        return self.p_value < SIGNIFICANT and self.mean > 0.0


def diebold_mariano(losses: FloatArray, other_losses: FloatArray, horizon: int) -> Difference:
    """The difference between two forecasters' losses on the same rows, in time order. [n], [n].

    Rows where a loss is unknown are left out. The standard error is that of Newey and West, with ``hac_lags`` lags.

    Source: Diebold and Mariano, Comparing Predictive Accuracy, Journal of Business & Economic Statistics (1995).
    """
    difference = losses - other_losses
    return _difference(difference[np.isfinite(difference)], horizon)


def panel_test(
    losses: list[FloatArray], other_losses: list[FloatArray], anchored_at: list[InstantArray], horizon: int
) -> Difference:
    """The test over several tickers: loss differences are averaged over all tickers of a day; the rows are days.

    So correlated tickers do not count as independent. Each list has one array for each ticker; days are those of
    ``anchored_at`` in UTC. Losses are divided by the other forecaster's mean loss on the ticker, so that a volatile
    ticker does not dominate.

    Source: the panel version of Diebold-Mariano, Timmermann and Zhu, Comparing Forecasting Performance with Panel Data
    (2019).
    """
    days: list[FloatArray] = []
    values: list[FloatArray] = []
    for loss, other, instants in zip(losses, other_losses, anchored_at, strict=True):
        is_known = np.isfinite(loss) & np.isfinite(other)
        unit = float(other[is_known].mean()) if is_known.any() else 0.0
        if unit > 0.0:
            days.append(instants[is_known].astype("datetime64[D]").astype(np.float64))
            values.append((loss - other)[is_known] / unit)
    if not values:
        return _difference(np.empty(0), 1)
    _, place = np.unique(np.concatenate(days), return_inverse=True)
    means = np.bincount(place, np.concatenate(values)) / np.bincount(place)
    return _difference(means, 1 if horizon == 1 else 2)  # with sessions, seven bars extend into the next day


def hac_lags(count: int, horizon: int) -> int:
    """Number of lags: the overlap of h-bar forecasts, or Newey and West's rule of thumb if that is larger."""
    return max(horizon - 1, int(4.0 * (max(count, 1) / 100.0) ** (2.0 / 9.0)))


def hac_variance(values: FloatArray, lags: int) -> float:
    """Variance of the mean of correlated values, with Bartlett weights, which make it non-negative.

    Source: Newey and West, Econometrica (1987).
    """
    count = len(values)
    centred = values - values.mean()
    total = float(centred @ centred)
    for lag in range(1, min(lags, count - 1) + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag])
    return max(total, 0.0) / count**2


def _difference(values: FloatArray, horizon: int) -> Difference:
    """The test of the mean of loss differences [n] that are in time order."""
    count = len(values)
    mean = float(values.mean()) if count else float("nan")
    if count < 10:
        return Difference(mean, float("nan"), float("nan"), float("nan"), count)
    error = math.sqrt(hac_variance(values, hac_lags(count, horizon)))
    if error == 0.0:
        return Difference(mean, 0.0, 0.0, 1.0 if mean == 0.0 else 0.0, count)
    statistic = mean / error
    return Difference(mean, error, statistic, math.erfc(abs(statistic) / math.sqrt(2.0)), count)
