"""What every forecast is judged against: quantiles that need no model.

Pure numpy, and of the past alone: each function sees only the closes it is given. Everything is in log returns;
the caller multiplies the last close by their exponential. Where next: ``metrics.py`` for the scores.
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
"""Newest bars that the random walk learns its quantiles from: half a year to a year of exchange hours."""

MINIMUM_RETURNS = 50
"""Fewer h-bar returns than this say nothing of a 2.5 % tail; a normal distribution stands in."""


def random_walk_quantiles(
    closes: FloatArray,
    bar_numbers: IntArray,
    levels: Sequence[float] = QUANTILE_LEVELS,
    minimum: int = MINIMUM_RETURNS,
) -> FloatArray:
    """Quantiles of the next h-bar log returns if the price is a random walk: those of the past ones, median 0.

    Args:
        closes: Closes of one ticker's newest bars, oldest first, positive; shape [n], only the newest 1,000 count.
        bar_numbers: Each bar's number on its calendar's grid, ascending; an h-bar return is taken only between bars
            exactly h apart, so a hole in the data makes no return.
        levels: Quantile levels, ascending.
        minimum: A horizon with fewer returns gets a normal distribution, with the one-bar variance times h.

    Returns:
        Log-return quantiles in order, shape [H, Q].

    Raises:
        DataContractError: fewer than two bars, or arrays of different length.
    """
    if len(closes) < 2 or len(closes) != len(bar_numbers):
        message = f"A random walk needs two bars or more and as many numbers; got {len(closes)}, {len(bar_numbers)}."
        raise DataContractError(message)
    log_close, numbers = np.log(closes[-BAR_LIMIT:]), bar_numbers[-BAR_LIMIT:]
    rows = [_horizon_quantiles(log_close, numbers, horizon, levels, minimum) for horizon in range(1, HORIZON_COUNT + 1)]
    return np.stack(rows)


def _horizon_quantiles(
    log_close: FloatArray, numbers: IntArray, horizon: int, levels: Sequence[float], minimum: int
) -> FloatArray:
    """One horizon's quantiles: empirical ones, moved to enclose a median of 0, or a scaled normal's."""
    returns = grid_returns(log_close, numbers, horizon)
    if len(returns) < minimum:
        return _normal_quantiles(log_close, numbers, horizon, levels)
    quantiles = np.quantile(returns, levels)
    level = np.asarray(levels)
    lower, upper = np.minimum(quantiles, 0.0), np.maximum(quantiles, 0.0)
    return np.where(level < 0.5, lower, np.where(level > 0.5, upper, 0.0))


def _normal_quantiles(log_close: FloatArray, numbers: IntArray, horizon: int, levels: Sequence[float]) -> FloatArray:
    """Quantiles of a centred normal whose variance a bar is the mean over all steps between neighbouring bars."""
    variance = float(np.mean(np.diff(log_close) ** 2 / np.diff(numbers)))
    unit = np.array([NormalDist().inv_cdf(level) for level in levels])
    return np.asarray(np.sqrt(variance * horizon) * unit, dtype=np.float64)


def grid_returns(log_close: FloatArray, numbers: IntArray, horizon: int) -> FloatArray:
    """The log returns between all bars exactly ``horizon`` numbers apart, oldest first. Shapes [n], [n] -> [m]."""
    target = np.searchsorted(numbers, numbers + horizon)
    inside = target < len(numbers)
    start = np.flatnonzero(inside)
    target = target[inside]
    is_pair = numbers[target] == numbers[start] + horizon
    return np.asarray(log_close[target[is_pair]] - log_close[start[is_pair]], dtype=np.float64)
