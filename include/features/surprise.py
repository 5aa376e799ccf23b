"""Surprises (each bar's move over its forecast size) and the state of the scale: the model's most important inputs.

Pure numpy, from the parts of the scale that ``scale.py`` computes. Every value depends on a bounded number of bars: the
look-back of the scale plus at most one bar. Where next: ``frame.py``, which makes columns of these, and ``windows.py``,
which makes model inputs of them.
"""

from __future__ import annotations

import numpy as np

from include.features.rolling import BoolArray, FloatArray, lagged, ratio
from include.features.scale import HALF_LIVES, IntArray, ScaleState, moving_average

LEAST_RATIO = 0.05
"""Lower limit of a size before its logarithm is taken: a bar that did not move has the size 0."""

STILL_HALF_LIFE = 32.0
"""Bars over which the share of unmoved closes is averaged."""


def surprises(
    open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, state: ScaleState
) -> dict[str, FloatArray]:
    """The bar's move in units of its forecast at the previous bar: one column each, [n], NaN in row 0.

    ``surprise``, ``gap_surprise`` and ``body_surprise`` are signed: the log returns from close to close, from close to
    open and from open to close, over the scale. ``close_position`` (-1..1) is the close's position in the bar's true
    range. ``range_surprise`` is the log of the true range over its forecast from the slot and the level.
    """
    previous, expected = lagged(close, 1), lagged(state.scale[:, 0], 1)
    bottom, top = np.minimum(low, previous), np.maximum(high, previous)
    reach = np.log(top / bottom)
    return {
        "surprise": np.log(close / previous) / expected,
        "gap_surprise": np.log(open_ / previous) / expected,
        "body_surprise": np.log(close / open_) / expected,
        "close_position": 2.0 * ratio(np.log(close / bottom), reach, 0.5) - 1.0,
        "range_surprise": log_ratio(state.relative_range, lagged(state.level, 1)),
    }


def level_state(close: FloatArray, is_session_first: BoolArray, state: ScaleState) -> dict[str, FloatArray]:
    """The ticker's volatility now and in the past: one column each, [n], NaN in row 0.

    ``level``: log of the scale's level over the long-run mean. ``level_ratio_x``: log of the average with half-life x
    over the level. ``return_range_x``: log of the mean absolute return over the mean true range, both deseasonalised.
    ``night_ratio_x``: log of the mean range of the sessions' first bars over that of all bars. ``typical_log_return``:
    log of the long-run mean absolute return. ``still_ratio``: share of closes that equal the previous close.
    """
    averages = dict(zip(HALF_LIVES, state.averages.T, strict=True))
    sizes = {half_life: _average(state.relative_return, half_life) for half_life in (8.0, 32.0)}
    nights = {x: _average_of(state.relative_range, is_session_first, x, averages[x]) for x in (32.0, 96.0)}
    columns = {"level": np.log(np.maximum(state.level, LEAST_RATIO))}
    columns |= {f"level_ratio_{x:.0f}": log_ratio(averages[x], state.level) for x in (1.0, 8.0, 32.0, 96.0)}
    columns |= {f"return_range_{x:.0f}": log_ratio(sizes[x], averages[x]) for x in (8.0, 32.0)}
    columns |= {f"night_ratio_{x:.0f}": log_ratio(nights[x], averages[x]) for x in (32.0, 96.0)}
    still = (close == lagged(close, 1)).astype(np.float64)
    still[:1] = np.nan
    columns["still_ratio"] = _average(still, STILL_HALF_LIFE)
    columns["typical_log_return"] = np.log(np.maximum(state.mean_return, 1e-6))
    return columns


def bars_to_break(next_slots: IntArray, slot_count: IntArray, clock_slots: int) -> FloatArray:
    """Bars up to and including a new session's first bar: 1 at a session's last bar; H + 1 if none is among the H bars.

    Round the clock always H + 1.

    Shapes [n, H], [n] -> [n].
    """
    is_first = (next_slots == 0) & (slot_count < clock_slots)[:, np.newaxis]
    found = np.where(is_first.any(axis=1), is_first.argmax(axis=1), next_slots.shape[1])
    return np.asarray(found + 1.0, dtype=np.float64)


def log_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Log of a ratio of two sizes, each raised to at least ``LEAST_RATIO``; NaN stays NaN. [n], [n] -> [n]."""
    return np.asarray(np.log(np.maximum(numerator, LEAST_RATIO) / np.maximum(denominator, LEAST_RATIO)))


def _average(values: FloatArray, half_life: float) -> FloatArray:
    """``moving_average`` of the rows after the first; the first row is NaN. [n] -> [n]."""
    return np.concatenate([np.full(min(1, len(values)), np.nan), moving_average(values[1:], half_life)])


def _average_of(values: FloatArray, is_counted: BoolArray, half_life: float, otherwise: FloatArray) -> FloatArray:
    """Moving average over the counted bars only; ``otherwise`` where none was counted recently. [n] -> [n]."""
    counted = is_counted.astype(np.float64)
    weighed = _average(values * counted, half_life)
    share = _average(np.where(np.isfinite(values), counted, np.nan), half_life)
    return np.where(share > 1e-9, ratio(weighed, share, 0.0), otherwise)
