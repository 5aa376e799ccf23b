"""The causal scale of each horizon's log return: a seasonal EWMA, a pure function of closes and calendar slots.

How far a price will move is what can be predicted an hour ahead, so targets are divided by this and quantiles are
multiplied by it. It is made of two parts: the *profile*, how much wider than the average bar a bar of this slot of the
session is (the session's first bar carries the night, the last ones are busy), and the *level*, a weighted mean of
the newest absolute returns after division by their profile. The scale of h bars is the level times the root of
the summed squared profiles of the h bars ahead, which the calendar knows.

Windows are finite and the profile's sums are taken in whole numbers, so a row depends on ``SCALE_LOOKBACK_BARS`` bars
and on nothing older, to the last bit. Where next: ``frame.py``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from include.features.indicators import DAY_SLOTS
from include.features.rolling import FloatArray

IntArray = npt.NDArray[np.int64]

PROFILE_WINDOW = 1000
"""Bars the profile looks back: 140 US sessions, 41 days of crypto, 8 weeks of a currency."""

PROFILE_SHRINKAGE = 5.0
"""Average bars added to each slot's own, so that a slot seen twice is not believed and no profile is 0."""

LEVEL_WINDOW = 400
"""Bars the level looks back."""

LEVEL_KERNEL = ((0.25, 3.0), (0.25, 10.0), (0.25, 40.0), (0.25, 160.0))
"""(weight, half-life in bars) of the exponential averages that make up the level."""

SCALE_LOOKBACK_BARS = PROFILE_WINDOW + LEVEL_WINDOW
"""Bars, its own included, that a row of ``horizon_scales`` can depend on."""

LEVEL_FLOOR_RATIO = 0.05
"""The level is at least this share of the mean absolute return: a ticker that paused will move again."""

SCALE_FLOOR = 1e-6
"""Least scale (0.01 basis points): a constant price has a scale, so nothing is divided by 0."""

MEAN_TO_DEVIATION = float(np.sqrt(np.pi / 2.0))
"""A normal's standard deviation over its mean absolute value."""

FIXED_POINT = 2.0**40
"""Absolute returns are summed as whole multiples of 1e-12: whole numbers add up the same from wherever one starts."""


def slot_keys(slot: IntArray, slot_count: IntArray) -> IntArray:
    """Which profile entry a bar belongs to: its slot; in sessions longer than a day the hour, and 24 for the first.

    A currency's week has 120 slots that are seen 8 times a window, too seldom for a mean; its hours are seen 40 times.
    Its first bar carries the weekend and stands apart. Shapes broadcast.
    """
    folded = np.where(slot == 0, DAY_SLOTS, slot % DAY_SLOTS)
    return np.asarray(np.where(slot_count > DAY_SLOTS, folded, slot), dtype=np.int64)


def horizon_scales(close: FloatArray, keys: IntArray, next_keys: IntArray) -> FloatArray:
    """Scale of the log return over the next 1..H bars, as a standard deviation of log returns, positive.

    Rows with less than the full look-back use what there is; row 0, which has no return, is NaN.
    Returns over a hole in the data count as one bar's.

    Args:
        close: Closes of one ticker, oldest first, positive; [n].
        keys: ``slot_keys`` of each bar; [n].
        next_keys: ``slot_keys`` of the H bars after each bar; [n, H].

    Returns:
        Scales, [n, H].

    Source: exponentially weighted volatility as in RiskMetrics Technical Document (1996), on absolute returns, with
    the multiplicative intraday pattern of Andersen and Bollerslev, Journal of Empirical Finance (1997).
    """
    result = np.full((len(close), next_keys.shape[1]), np.nan)
    if len(close) < 2:
        return result
    magnitude = np.abs(np.log(close[1:] / close[:-1]))
    key_count = int(max(keys.max(), next_keys.max())) + 1
    profile, mean = slot_profile(magnitude, keys[1:], key_count)
    own_profile = np.take_along_axis(profile, keys[1:, np.newaxis], axis=1)[:, 0]
    level = np.maximum(_expanding_average(magnitude / own_profile, level_weights()), LEVEL_FLOOR_RATIO * mean)
    ahead = np.take_along_axis(profile, next_keys[1:], axis=1)
    scale = level[:, np.newaxis] * np.sqrt(np.cumsum(ahead**2, axis=1)) * MEAN_TO_DEVIATION
    result[1:] = np.maximum(scale, SCALE_FLOOR)
    return result


def slot_profile(magnitude: FloatArray, keys: IntArray, key_count: int) -> tuple[FloatArray, FloatArray]:
    """Mean absolute return at each slot relative to the mean over all, and that mean, over the newest 1,000 bars.

    Each slot's mean is shrunk towards the overall one; all profiles are 1 while the price never moved.
    Shapes [n], [n] -> [n, key_count], [n].
    """
    whole = np.rint(magnitude * FIXED_POINT).astype(np.int64)
    is_key = keys[:, np.newaxis] == np.arange(key_count)
    counts = _window_sums(is_key.astype(np.int64)).astype(np.float64)
    sums = _window_sums(np.where(is_key, whole[:, np.newaxis], 0))
    mean = sums.sum(axis=1) / FIXED_POINT / counts.sum(axis=1)
    slot_mean = (sums / FIXED_POINT + PROFILE_SHRINKAGE * mean[:, np.newaxis]) / (counts + PROFILE_SHRINKAGE)
    profile = np.ones_like(slot_mean)
    np.divide(slot_mean, mean[:, np.newaxis], out=profile, where=mean[:, np.newaxis] > 0.0)
    return profile, mean


def _window_sums(values: IntArray) -> IntArray:
    """Sums over the newest ``PROFILE_WINDOW`` rows, or over what there is. Exact: whole numbers. [n, S] -> [n, S]."""
    total = np.cumsum(values, axis=0)
    result = total.copy()
    result[PROFILE_WINDOW:] -= total[:-PROFILE_WINDOW]
    return result


def level_weights() -> FloatArray:
    """The level's weights by lag, newest first: a mixture of exponentials that is close to a power law. Sum 1."""
    lags = np.arange(LEVEL_WINDOW, dtype=np.float64)
    parts = [(weight, 0.5 ** (lags / half_life)) for weight, half_life in LEVEL_KERNEL]
    return np.asarray(sum(weight * part / part.sum() for weight, part in parts), dtype=np.float64)


def _expanding_average(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean of the newest values; early rows share the weights among the values there are. [n] -> [n]."""
    row_count = len(values)
    total, product = np.zeros(row_count), np.empty(row_count)
    for lag in range(min(len(weights), row_count)):
        np.multiply(values[: row_count - lag], weights[lag], out=product[lag:])
        np.add(total[lag:], product[lag:], out=total[lag:])
    weight_sums = np.cumsum(weights)[np.minimum(np.arange(row_count), len(weights) - 1)]
    return np.asarray(total / weight_sums, dtype=np.float64)
