"""The scale of each horizon's log return: a volatility forecast from past bars. Pure functions.

The size of the next moves can be predicted, their sign hardly. So the model's targets are divided by the scale, and its
quantiles are multiplied by it. The scale has two parts. The *profile* of a slot of the session is the mean absolute
return of its bars over that of all bars: a session's first bar includes the night, its last bars are busy. The *level*
is a weighted mean of moving averages of recent true ranges, each divided by the usual true range of its slot. True
ranges are used because they measure a bar's volatility better than its return does. The scale of h bars is the long-run
mean absolute return, times the level, times the root of the summed squared profiles of the h bars ahead, whose slots
follow from the calendar. A bar during which an announcement is due gets additional variance, by a constant factor.

At near horizons the level weights the newest bars most. At far horizons, and on paths across a session break, it
weights the longer averages and the long-run mean more. The weights are constants. They were fitted on recorded bars of
25 tickers before 2025-02-28; ``docs/model.md`` describes how, and what each part gains. (The HAR baseline of
``include/evaluation`` fits its weights anew for each fold.) Windows are finite and the profile's sums are sums of
integers, so a row depends on the bars of its two windows and on no older bar, to the last bit. Where next:
``frame.py``, ``surprise.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.contracts import HORIZON_COUNT, Announcement
from include.features.rolling import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]

PROFILE_WINDOW = 1700
"""Bars of the profile's window where sessions close: 243 US sessions. Twice as many gain nothing."""

CLOCK_PROFILE_WINDOW = 3600
"""The same for trading round the clock: 150 days. It has more slots; with 1,700 bars the CRPS would be 0.1 % higher."""

PROFILE_SHRINKAGE = 5.0
"""Average bars that are added to those of each slot. A slot with few bars stays near 1, and no profile is 0."""

LEVEL_WINDOW = 300
"""Bars of the level's window."""

HALF_LIVES = (1.0, 2.0, 8.0, 32.0, 96.0)
"""Half-lives, in bars, of the level's moving averages. The long-run mean is its sixth part."""

INSIDE_WEIGHTS = ((0.26, 0.225, 0.175, 0.11, 0.10, 0.13), (0.18, 0.18, 0.18, 0.15, 0.145, 0.165))
"""Weights of the averages and of the mean on a path within one session: at the first horizon and at the last."""

BREAK_WEIGHTS = ((0.16, 0.18, 0.19, 0.15, 0.135, 0.205), (0.125, 0.155, 0.19, 0.145, 0.125, 0.28))
"""The same on a path across a session break. Horizons in between are interpolated linearly."""

SESSION_EXTRA = {Announcement.DECISION: 3.2, Announcement.AFTERMATH: 1.0, Announcement.FIGURES: 1.0}
"""Additional variance of a bar within a session during which an announcement is due, in units of its usual variance."""

OPENING_EXTRA = {Announcement.FIGURES: 0.5}
"""The same for a session's first bar. An announcement during the night is one of many news items."""

CLOCK_EXTRA = {Announcement.DECISION: 6.0, Announcement.AFTERMATH: 2.0, Announcement.FIGURES: 4.0}
"""The same for trading round the clock."""

RANGE_CAP_RATIO = 6.0
"""Cap of a bar's size over the usual size of its slot: one bad tick must not widen a day of forecasts."""

LEVEL_FLOOR_RATIO = 0.05
"""Lower limit of the level, as a share of the long-run mean. It keeps the scale above 0 while a price stands still."""

SCALE_FLOOR = 1e-6
"""Smallest scale (0.01 basis points): with a constant price, nothing is divided by 0."""

MEAN_TO_DEVIATION = float(np.sqrt(np.pi / 2.0))
"""A normal distribution's standard deviation over its mean absolute value. So scaled returns have a mean absolute value
of about 0.8. Their tails are fatter than a normal's, so their standard deviation is about 1.1."""

FIXED_POINT = 2.0**40
"""Moves are summed as integer multiples of 2 ** -40 (about 1e-12): a sum of integers does not depend on its start."""

DAY_SLOTS = 24
"""Slots of a session that fills its day. The next session is then that of the next day, at weekends too."""

CLOCK_SLOTS = 20
"""Sessions with this many slots or more count as trading round the clock: crypto, and currencies, whose Friday is
shorter."""

WEEK_FIRST_KEY = 2 * DAY_SLOTS
"""Profile entry of the week's first bar in trading round the clock: a currency's includes the whole weekend."""

MONDAY, FRIDAY, SATURDAY = 0, 4, 5


def slot_keys(slot: IntArray, slot_count: IntArray, weekday: IntArray) -> IntArray:
    """Index of each bar's profile entry: its slot. Round the clock, weekends and the week's first bar have their own.

    On an exchange, a weekend's gap is hardly wider than a night's. Round the clock, moves at weekends are smaller by a
    third (crypto), or all of them fall into one bar (currencies). Shapes broadcast; ``weekday`` of the session,
    Monday 0.
    """
    is_clock = slot_count >= CLOCK_SLOTS
    keys = np.where(is_clock & (weekday >= SATURDAY), slot + DAY_SLOTS, slot)
    is_week_first = is_clock & (weekday == MONDAY) & (slot == 0)
    return np.asarray(np.where(is_week_first, WEEK_FIRST_KEY, keys), dtype=np.int64)


def next_slot_keys(slot: IntArray, slot_count: IntArray, weekday: IntArray, next_slots: IntArray) -> IntArray:
    """Profile entries of the H bars after each bar, from their slots in the calendar. [n] and [n, H] -> [n, H].

    The weekday ahead matters only round the clock, and is computed here: a full session is followed by the next day's
    session, a Friday that ends early by Monday's.
    """
    column = np.newaxis
    is_next_session = slot[:, column] + np.arange(1, next_slots.shape[1] + 1) >= slot_count[:, column]
    following = np.where((weekday == FRIDAY) & (slot_count < DAY_SLOTS), MONDAY, (weekday + 1) % 7)
    weekdays = np.where(is_next_session, following[:, column], weekday[:, column])
    return slot_keys(next_slots, slot_count[:, column], weekdays)


def break_ahead(slot_count: IntArray, next_slots: IntArray) -> BoolArray:
    """Whether each path of 1..H bars crosses a session break; never round the clock. [n], [n, H] -> [n, H]."""
    enters = np.logical_or.accumulate(next_slots == 0, axis=1)
    return np.asarray(enters & (slot_count < CLOCK_SLOTS)[:, np.newaxis], dtype=np.bool_)


def extra_variance(announcements: IntArray, slot_count: IntArray, next_slots: IntArray) -> FloatArray:
    """Additional variance of the H bars ahead, in units of their usual variance; 0 without an announcement. [n, H].

    ``announcements`` [n, H] holds values of ``contracts.Announcement``.
    """
    is_clock = (slot_count >= CLOCK_SLOTS)[:, np.newaxis]
    session, opening, clock = (
        np.array([extras.get(kind, 0.0) for kind in Announcement])[announcements]
        for extras in (SESSION_EXTRA, OPENING_EXTRA, CLOCK_EXTRA)
    )
    return np.where(is_clock, clock, np.where(next_slots == 0, opening, session))


def profile_window(session_bars: int) -> int:
    """Bars of the profile's window for sessions of ``session_bars`` bars."""
    return CLOCK_PROFILE_WINDOW if session_bars >= CLOCK_SLOTS else PROFILE_WINDOW


@dataclass(frozen=True)
class PathAhead:
    """The calendar's columns of the H bars after each bar, all [n, H].

    ``keys``: their profile entries (``next_slot_keys``); ``is_break``: see ``break_ahead``; ``extra_variance``: see the
    function of that name.
    """

    keys: IntArray
    is_break: BoolArray
    extra_variance: FloatArray


@dataclass(frozen=True)
class ScaleState:
    """The scale and its parts, one row for each bar. Row 0 has no return and is NaN.

    ``scale`` [n, H]; ``averages`` [n, K] moving averages of the deseasonalised range in units of its long-run mean, in
    the order of ``HALF_LIVES``; ``level`` [n] their weighted mean at horizon 1; ``relative_range`` and
    ``relative_return`` [n] the bar's true range and absolute return over the usual ones of its slot; ``mean_return``
    [n] the long-run mean absolute return.
    """

    scale: FloatArray
    averages: FloatArray
    level: FloatArray
    relative_range: FloatArray
    relative_return: FloatArray
    mean_return: FloatArray


def scale_state(
    high: FloatArray, low: FloatArray, close: FloatArray, keys: IntArray, ahead: PathAhead, window: int
) -> ScaleState:
    """Scale of the log return over the next 1..H bars, and its parts.

    The scale is the standard deviation of a normal distribution with the expected absolute return. Rows with less than
    the full look-back use the bars that are available. A move across a hole in the data counts as one bar's move.

    Args:
        high: Highs of one ticker, oldest first, positive; [n].
        low: Lows; [n].
        close: Closes; [n].
        keys: ``slot_keys`` of each bar; [n].
        ahead: The calendar's columns of the H bars after each bar.
        window: Bars of the profile's window, ``profile_window``.

    Source: exponentially weighted volatility as in RiskMetrics Technical Document (1996), on ranges as in Parkinson,
    Journal of Business (1980), with the multiplicative intraday pattern of Andersen and Bollerslev, Journal of
    Empirical Finance (1997), and a mixture of half-lives after Corsi, Journal of Financial Econometrics (2009).
    """
    if len(close) < 2:
        nothing = np.full(len(close), np.nan)
        return ScaleState(
            np.full(ahead.keys.shape, np.nan), np.full((len(close), len(HALF_LIVES)), np.nan), *[nothing] * 4
        )
    previous, bar_keys = close[:-1], keys[1:, np.newaxis]
    absolute_return = np.abs(np.log(close[1:] / previous))
    true_range = np.log(np.maximum(high[1:], previous) / np.minimum(low[1:], previous))
    key_count = int(max(keys.max(), ahead.keys.max())) + 1
    profile, mean_return = slot_profile(absolute_return, keys[1:], key_count, window)
    range_profile, mean_range = slot_profile(true_range, keys[1:], key_count, window)
    relative_return = _relative(absolute_return, np.take_along_axis(profile, bar_keys, axis=1)[:, 0], mean_return)
    relative_range = _relative(true_range, np.take_along_axis(range_profile, bar_keys, axis=1)[:, 0], mean_range)
    averages = np.stack([moving_average(relative_range, half_life) for half_life in HALF_LIVES], axis=1)
    level = np.maximum(_levels(averages, ahead.is_break[1:]), LEVEL_FLOOR_RATIO)
    usual = np.take_along_axis(profile, ahead.keys[1:], axis=1)
    path = np.sqrt(np.cumsum(usual * usual * (1.0 + ahead.extra_variance[1:]), axis=1)) * MEAN_TO_DEVIATION
    scale = np.maximum(level * mean_return[:, np.newaxis] * path, SCALE_FLOOR)
    parts = (scale, averages, level[:, 0], relative_range, relative_return, mean_return)
    return ScaleState(*(_after_first_row(part) for part in parts))


def _relative(magnitude: FloatArray, profile: FloatArray, mean: FloatArray) -> FloatArray:
    """Each bar's magnitude over the usual one of its slot, capped at ``RANGE_CAP_RATIO``. [n] -> [n]."""
    typical = np.where(mean > 0.0, profile * mean, 1.0)
    return np.asarray(np.minimum(magnitude / typical, RANGE_CAP_RATIO), dtype=np.float64)


def _levels(averages: FloatArray, is_break: BoolArray) -> FloatArray:
    """Weighted mean of the averages and of 1 (the long-run mean) at each horizon. [n, K], [n, H] -> [n, H]."""
    levels = np.empty(is_break.shape)
    for column in range(is_break.shape[1]):
        inside, crossing = (_mixture(averages, pair, column) for pair in (INSIDE_WEIGHTS, BREAK_WEIGHTS))
        levels[:, column] = np.where(is_break[:, column], crossing, inside)
    return levels


def _mixture(averages: FloatArray, pair: tuple[tuple[float, ...], tuple[float, ...]], column: int) -> FloatArray:
    """Weighted sum in a fixed order: its bits do not depend on the number of rows. [n, K] -> [n]."""
    share = column / (HORIZON_COUNT - 1)
    weights = [(1.0 - share) * first + share * last for first, last in zip(*pair, strict=True)]
    total = np.full(len(averages), weights[-1])
    for part, weight in enumerate(weights[:-1]):
        total = total + weight * averages[:, part]
    return total


def _after_first_row(values: FloatArray) -> FloatArray:
    """The rows after one row of NaN. [n - 1, ...] -> [n, ...]."""
    return np.concatenate([np.full((1, *values.shape[1:]), np.nan), values])


def slot_profile(magnitude: FloatArray, keys: IntArray, key_count: int, window: int) -> tuple[FloatArray, FloatArray]:
    """Mean magnitude of each slot over the mean of all bars, and that mean, over the newest ``window`` bars.

    Each slot's mean is shrunk towards the overall mean. All profiles are 1 as long as the price has not moved.
    Shapes [n], [n] -> [n, key_count], [n].
    """
    whole = np.rint(magnitude * FIXED_POINT).astype(np.int64)
    bar_count = _window_sum(np.ones_like(whole), window)
    mean = _window_sum(whole, window) / FIXED_POINT / bar_count
    profile = np.ones((key_count, len(whole)))
    for key in range(key_count):  # slot by slot: arrays of all slots at once do not fit the processor's cache
        is_key = keys == key
        count = _window_sum(is_key.astype(np.int64), window)
        total = _window_sum(np.where(is_key, whole, 0), window)
        slot_mean = (total / FIXED_POINT + PROFILE_SHRINKAGE * mean) / (count + PROFILE_SHRINKAGE)
        np.divide(slot_mean, mean, out=profile[key], where=mean > 0.0)
    return profile.T, mean


def _window_sum(values: IntArray, window: int) -> IntArray:
    """Sum of the newest ``window`` values, or of fewer at the start. Integers: exact. [n] -> [n]."""
    total = np.cumsum(values)
    result = total.copy()
    result[window:] -= total[:-window]
    return result


def moving_average(values: FloatArray, half_life: float) -> FloatArray:
    """Exponentially weighted mean of the newest values, over at most ``LEVEL_WINDOW`` of them. [n] -> [n].

    It is truncated after 10 half-lives, where the remaining weight is below 0.001, or after ``LEVEL_WINDOW`` values if
    that is earlier. In the first rows the weights of the available values are scaled to the sum 1.
    """
    window = min(int(np.ceil(10.0 * half_life)), LEVEL_WINDOW)
    weights = 0.5 ** (np.arange(window, dtype=np.float64) / half_life)
    row_count = len(values)
    total, product = np.zeros(row_count), np.empty(row_count)
    for lag in range(min(window, row_count)):
        np.multiply(values[: row_count - lag], weights[lag], out=product[lag:])
        np.add(total[lag:], product[lag:], out=total[lag:])
    weight_sums = np.cumsum(weights)[np.minimum(np.arange(row_count), window - 1)]
    return np.asarray(total / weight_sums, dtype=np.float64)
