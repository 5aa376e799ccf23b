"""Sliding windows over one ticker's arrays. The result does not depend on where the array starts, to the last bit.

Running sums and recursive averages do not have this property: ``s += new - old`` and ``e = a * x + (1 - a) * e`` carry
the rounding of every earlier bar. The whole history and its newest 1,500 bars would differ in the last bits. Here each
row adds up its window in a fixed order, newest value first, with one vector operation for each lag. Elementwise IEEE
operations do not depend on the length or the alignment of an array.

Rows without a full window are NaN. Where next: ``indicators.py``, which uses these.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def lagged(values: FloatArray, lag: int) -> FloatArray:
    """The value ``lag`` rows earlier; NaN in the first ``lag`` rows. Shape [n] -> [n]."""
    result = np.full(len(values), np.nan)
    result[lag:] = values[: max(len(values) - lag, 0)]
    return result


def weighted_sum(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Sum over lags of ``weights[lag] * values[t - lag]``; NaN before the first full window. Shape [n] -> [n]."""
    row_count, window = len(values), len(weights)
    full = max(row_count - window + 1, 0)
    result = np.full(row_count, np.nan)
    total, product = np.zeros(full), np.empty(full)
    for lag in range(window if full else 0):
        start = window - 1 - lag
        np.multiply(values[start : start + full], weights[lag], out=product)
        np.add(total, product, out=total)
    result[row_count - full :] = total
    return result


def window_sum(values: FloatArray, window: int) -> FloatArray:
    """Sum of the newest ``window`` values; NaN before the first full window. Shape [n] -> [n]."""
    return weighted_sum(values, np.ones(window))


def window_max(values: FloatArray, window: int) -> FloatArray:
    """Maximum of the newest ``window`` values; NaN before the first full window. Shape [n] -> [n]."""
    result = values.copy()
    for lag in range(1, window):
        result = np.maximum(result, lagged(values, lag))
    return result


def window_min(values: FloatArray, window: int) -> FloatArray:
    """Minimum of the newest ``window`` values; NaN before the first full window. Shape [n] -> [n]."""
    return -window_max(-values, window)


def exponential_weights(decay: float, window: int) -> FloatArray:
    """Weights proportional to ``(1 - decay) ** lag`` over ``window`` lags, newest first, with sum 1. Shape [window].

    These are the weights of ``e = decay * x + (1 - decay) * e``, truncated after ``window`` bars. The truncated part
    has the weight ``(1 - decay) ** window``, which each caller states.
    """
    weights = (1.0 - decay) ** np.arange(window, dtype=np.float64)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def ratio(numerator: FloatArray, denominator: FloatArray, otherwise: float) -> FloatArray:
    """``numerator / denominator``, and ``otherwise`` where the denominator is 0. NaN stays NaN. [n], [n] -> [n]."""
    result = np.full(len(numerator), otherwise)
    np.divide(numerator, denominator, out=result, where=denominator != 0.0)
    return result
