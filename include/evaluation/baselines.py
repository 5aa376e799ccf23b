"""The random-walk baseline: quantiles without a trained model, which every forecast is compared with.

Pure numpy. Each function uses only the closes that it is given. All values are log returns; the caller multiplies the
last close by their exponential. Where next: ``metrics.py`` for the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.errors import DataContractError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BAR_LIMIT = 1000
"""Newest bars from which the random walk's quantiles are estimated: half a year to a year of exchange hours."""

MINIMUM_RETURNS = 50
"""Minimum number of h-bar returns: fewer do not determine a 2.5 % tail, and a normal distribution is used instead."""


def random_walk_quantiles(
    closes: FloatArray,
    bar_numbers: IntArray,
    levels: Sequence[float] = QUANTILE_LEVELS,
    minimum: int = MINIMUM_RETURNS,
) -> FloatArray:
    """Quantiles of the next h-bar log returns if the price is a random walk: those of past returns, with median 0.

    Args:
        closes: Closes of one ticker's newest bars, oldest first, positive; shape [n]. Only the newest 1,000 are used.
        bar_numbers: Each bar's number on its calendar's grid, ascending. An h-bar return is taken only between bars
            whose numbers differ by exactly h, so a hole in the data gives no return.
        levels: Quantile levels, ascending.
        minimum: A horizon with fewer returns gets a normal distribution with the one-bar variance times h.

    Returns:
        Log-return quantiles in order, shape [H, Q].

    Raises:
        DataContractError: there are fewer than two bars, or the arrays have different lengths.
    """
    if len(closes) < 2 or len(closes) != len(bar_numbers):
        message = (
            f"A random walk needs two bars or more, with one number each; got {len(closes)} and {len(bar_numbers)}."
        )
        raise DataContractError(message)
    log_close, numbers = np.log(closes[-BAR_LIMIT:]), bar_numbers[-BAR_LIMIT:]
    rows = [_horizon_quantiles(log_close, numbers, horizon, levels, minimum) for horizon in range(1, HORIZON_COUNT + 1)]
    return np.stack(rows)


def _horizon_quantiles(
    log_close: FloatArray, numbers: IntArray, horizon: int, levels: Sequence[float], minimum: int
) -> FloatArray:
    """One horizon's quantiles: empirical ones with the median set to 0, or those of a normal distribution. [Q]."""
    returns = grid_returns(log_close, numbers, horizon)
    if len(returns) < minimum:
        return _normal_quantiles(log_close, numbers, horizon, levels)
    quantiles = np.quantile(returns, levels)
    level = np.asarray(levels)
    lower, upper = np.minimum(quantiles, 0.0), np.maximum(quantiles, 0.0)
    return np.where(level < 0.5, lower, np.where(level > 0.5, upper, 0.0))


def _normal_quantiles(log_close: FloatArray, numbers: IntArray, horizon: int, levels: Sequence[float]) -> FloatArray:
    """Quantiles of a normal distribution with mean 0 and the mean variance per bar times ``horizon``. [Q]."""
    variance = float(np.mean(np.diff(log_close) ** 2 / np.diff(numbers)))
    unit = np.array([NormalDist().inv_cdf(level) for level in levels])
    return np.asarray(np.sqrt(variance * horizon) * unit, dtype=np.float64)


def grid_returns(log_close: FloatArray, numbers: IntArray, horizon: int) -> FloatArray:
    """Log returns between all bars whose numbers differ by ``horizon``, oldest first. Shapes [n], [n] -> [m]."""
    target = np.searchsorted(numbers, numbers + horizon)
    inside = target < len(numbers)
    start = np.flatnonzero(inside)
    target = target[inside]
    is_pair = numbers[target] == numbers[start] + horizon
    return np.asarray(log_close[target[is_pair]] - log_close[start[is_pair]], dtype=np.float64)
