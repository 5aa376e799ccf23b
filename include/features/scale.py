"""The causal scale of each horizon's log return: a seasonal EWMA of ranges, a pure function of bars and their slots.

How far a price will move is what can be predicted an hour ahead, so targets are divided by this and quantiles are
multiplied by it. It is made of two parts: the *profile*, how much wider than the average bar a bar of this slot of the
session is (the session's first bar carries the night, the last ones are busy), and the *level*, a weighted mean of
the newest true ranges after division by their own profile and in the size of absolute returns (a range says more of
a bar's volatility than where it closed). The scale of h bars is the level times the root of the summed squared
profiles of the h bars ahead, which the calendar knows.

Chosen on recorded bars of 25 tickers, May 2024 to February 2025: ranges in place of absolute returns save 0.2 % more
of the random walk's CRPS, keeping weekends apart another 0.3 to 0.6 % where they trade; half-lives and windows
hardly matter. Windows are finite and the profile's sums are taken in whole numbers, so a row depends on
``SCALE_LOOKBACK_BARS`` bars and on nothing older, to the last bit. Where next: ``frame.py``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from include.features.rolling import FloatArray

IntArray = npt.NDArray[np.int64]

PROFILE_WINDOW = 1200
"""Bars the profile looks back: 171 US sessions, 50 days of what never closes."""

PROFILE_SHRINKAGE = 5.0
"""Average bars added to each slot's own, so that a slot seen twice is not believed and no profile is 0."""

LEVEL_WINDOW = 300
"""Bars the level looks back."""

LEVEL_KERNEL = ((0.35, 1.5), (0.35, 8.0), (0.3, 60.0))
"""(weight, half-life in bars) of the exponential averages that make up the level."""

SCALE_LOOKBACK_BARS = PROFILE_WINDOW + LEVEL_WINDOW
"""Bars, its own included, that a row of ``horizon_scales`` can depend on."""

RANGE_CAP_RATIO = 6.0
"""A bar counts as at most this many times an average one: one bad tick must not widen a day of forecasts."""

LEVEL_FLOOR_RATIO = 0.05
"""The level is at least this share of the mean absolute return: a ticker that paused will move again."""

SCALE_FLOOR = 1e-6
"""Least scale (0.01 basis points): a constant price has a scale, so nothing is divided by 0."""

MEAN_TO_DEVIATION = float(np.sqrt(np.pi / 2.0))
"""A normal's standard deviation over its mean absolute value. Scaled returns thus have a mean absolute value of about
0.8; as their tails are fatter than a normal's, their standard deviation is about 1.1."""

FIXED_POINT = 2.0**40
"""Moves are summed as whole multiples of 1e-12: whole numbers add up the same from wherever one starts."""

DAY_SLOTS = 24
"""Slots of a session that fills its day; the next session is then the next day's, weekends included."""

CLOCK_SLOTS = 20
"""Sessions of this many slots or more go round the clock: crypto's days, and a currency's, whose Friday ends early."""

WEEK_FIRST_KEY = 2 * DAY_SLOTS
"""Profile entry of the first bar of a week that goes round the clock: a currency's carries the whole weekend."""

MONDAY, FRIDAY, SATURDAY = 0, 4, 5


def slot_keys(slot: IntArray, slot_count: IntArray, weekday: IntArray) -> IntArray:
    """Which profile entry each bar belongs to: its slot; round the clock, weekends and the week's start stand apart.

    An exchange's nights are seen once a session and weekends among them are hardly wider; round the clock a weekend is
    calmer by a third (crypto), or its moves fall into one bar (currencies). Shapes broadcast; weekday of the
    session, Monday 0.
    """
    is_clock = slot_count >= CLOCK_SLOTS
    keys = np.where(is_clock & (weekday >= SATURDAY), slot + DAY_SLOTS, slot)
    is_week_first = is_clock & (weekday == MONDAY) & (slot == 0)
    return np.asarray(np.where(is_week_first, WEEK_FIRST_KEY, keys), dtype=np.int64)


def next_slot_keys(slot: IntArray, slot_count: IntArray, weekday: IntArray, next_slots: IntArray) -> IntArray:
    """Profile entries of the H bars after each bar, whose slots the calendar told. [n] and [n, H] -> [n, H].

    The weekday ahead, which it did not tell, matters only round the clock. There a full session is followed by the
    next day's, and a Friday that ends early by Monday's.
    """
    column = np.newaxis
    is_next_session = slot[:, column] + np.arange(1, next_slots.shape[1] + 1) >= slot_count[:, column]
    following = np.where((weekday == FRIDAY) & (slot_count < DAY_SLOTS), MONDAY, (weekday + 1) % 7)
    weekdays = np.where(is_next_session, following[:, column], weekday[:, column])
    return slot_keys(next_slots, slot_count[:, column], weekdays)


def horizon_scales(
    high: FloatArray, low: FloatArray, close: FloatArray, keys: IntArray, next_keys: IntArray
) -> FloatArray:
    """Scale of the log return over the next 1..H bars: the deviation of a normal with its mean absolute value.

    Rows with less than the full look-back use what there is; row 0, which has no return, is NaN.
    Moves over a hole in the data count as one bar's.

    Args:
        high: Highs of one ticker, oldest first, positive; [n].
        low: Lows; [n].
        close: Closes; [n].
        keys: ``slot_keys`` of each bar; [n].
        next_keys: ``slot_keys`` of the H bars after each bar; [n, H].

    Returns:
        Scales, [n, H].

    Source: exponentially weighted volatility as in RiskMetrics Technical Document (1996), on ranges as in Parkinson,
    Journal of Business (1980), with the multiplicative intraday pattern of Andersen and Bollerslev, Journal of
    Empirical Finance (1997), and a mixture of half-lives after Corsi, Journal of Financial Econometrics (2009).
    """
    result = np.full((len(close), next_keys.shape[1]), np.nan)
    if len(close) < 2:
        return result
    previous = close[:-1]
    absolute_return = np.abs(np.log(close[1:] / previous))
    true_range = np.log(np.maximum(high[1:], previous) / np.minimum(low[1:], previous))
    key_count = int(max(keys.max(), next_keys.max())) + 1
    profile, mean_return = slot_profile(absolute_return, keys[1:], key_count)
    level = _level(true_range, keys[1:], key_count, mean_return)
    ahead = np.take_along_axis(profile, next_keys[1:], axis=1)
    scale = level[:, np.newaxis] * np.sqrt(np.cumsum(ahead**2, axis=1)) * MEAN_TO_DEVIATION
    result[1:] = np.maximum(scale, SCALE_FLOOR)
    return result


def _level(true_range: FloatArray, keys: IntArray, key_count: int, mean_return: FloatArray) -> FloatArray:
    """Mean absolute return to expect of an average slot's bar, from the newest true ranges. [n] -> [n]."""
    profile, mean_range = slot_profile(true_range, keys, key_count)
    own_profile = np.take_along_axis(profile, keys[:, np.newaxis], axis=1)[:, 0]
    typical = np.where(mean_range > 0.0, mean_range, 1.0)
    relative = np.minimum(true_range / own_profile / typical, RANGE_CAP_RATIO)
    level = _expanding_average(relative * mean_return, level_weights())
    return np.asarray(np.maximum(level, LEVEL_FLOOR_RATIO * mean_return), dtype=np.float64)


def slot_profile(magnitude: FloatArray, keys: IntArray, key_count: int) -> tuple[FloatArray, FloatArray]:
    """Mean magnitude at each slot relative to the mean over all, and that mean, over the newest 1,200 bars.

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
