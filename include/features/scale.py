"""The causal scale of each horizon's log return: a seasonal mixture of moving averages of ranges, pure.

How far a price will move is what can be predicted an hour ahead, so targets are divided by this and quantiles are
multiplied by it. It is made of two parts: the *profile*, how much wider than the average bar a bar of this slot of the
session is (the session's first bar carries the night, the last ones are busy), and the *level*, a weighted mean of
the newest true ranges after division by their own profile and in the size of absolute returns (a range says more of
a bar's volatility than where it closed). The scale of h bars is the level times the root of the summed squared
profiles of the h bars ahead, which the calendar knows. Where the calendar also knows that something is due to be
announced while a bar forms, that bar's share is wider by a constant.

The level of a near horizon leans on the newest bars, that of a far one, or of a path that crosses a session break, on
the longer averages and on the long-run mean. The weights are constants, fitted on recorded bars of 25 tickers before
2025-02-28 (``include/evaluation`` refits a HAR of its own as the rival); how, and what each part gains, is in
``docs/model.md``. Windows are finite and the profile's sums are taken in whole numbers, so a row depends on the bars
of its two windows and on nothing older, to the last bit. Where next: ``frame.py``, ``surprise.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.contracts import HORIZON_COUNT, Announcement
from include.features.rolling import BoolArray, FloatArray

IntArray = npt.NDArray[np.int64]

PROFILE_WINDOW = 1700
"""Bars the profile looks back where sessions end: 243 US sessions. Twice as many gain nothing."""

CLOCK_PROFILE_WINDOW = 3600
"""The same round the clock, 150 days: five times as many slots, so that 1,700 bars would cost 0.1 %."""

PROFILE_SHRINKAGE = 5.0
"""Average bars added to each slot's own, so that a slot seen twice is not believed and no profile is 0."""

LEVEL_WINDOW = 300
"""Bars the level looks back."""

HALF_LIVES = (1.0, 2.0, 8.0, 32.0, 96.0)
"""Half-lives, in bars, of the moving averages that make up the level; the long-run mean joins them as a sixth part."""

INSIDE_WEIGHTS = ((0.26, 0.225, 0.175, 0.11, 0.10, 0.13), (0.18, 0.18, 0.18, 0.15, 0.145, 0.165))
"""Weights of the averages and the mean for a path within one session, at the first horizon and at the last."""

BREAK_WEIGHTS = ((0.16, 0.18, 0.19, 0.15, 0.135, 0.205), (0.125, 0.155, 0.19, 0.145, 0.125, 0.28))
"""The same for a path that crosses a session break. In between, weights change evenly from horizon to horizon."""

SESSION_EXTRA = {Announcement.DECISION: 3.2, Announcement.AFTERMATH: 1.0, Announcement.FIGURES: 1.0}
"""How much more variance than its usual one a bar within a session has that holds an announcement."""

OPENING_EXTRA = {Announcement.FIGURES: 0.5}
"""The same of a session's first bar, in which an announcement of the night is one of many news."""

CLOCK_EXTRA = {Announcement.DECISION: 6.0, Announcement.AFTERMATH: 2.0, Announcement.FIGURES: 4.0}
"""The same round the clock."""

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


def break_ahead(slot_count: IntArray, next_slots: IntArray) -> BoolArray:
    """Whether each path of 1..H bars enters a new session; never round the clock. [n], [n, H] -> [n, H]."""
    enters = np.logical_or.accumulate(next_slots == 0, axis=1)
    return np.asarray(enters & (slot_count < CLOCK_SLOTS)[:, np.newaxis], dtype=np.bool_)


def extra_variance(announcements: IntArray, slot_count: IntArray, next_slots: IntArray) -> FloatArray:
    """Variance of the H bars ahead beyond their usual one, in units of that; 0 where nothing is due. [n, H].

    ``announcements`` are ``contracts.Announcement``s.
    """
    is_clock = (slot_count >= CLOCK_SLOTS)[:, np.newaxis]
    session, opening, clock = (
        np.array([extras.get(kind, 0.0) for kind in Announcement])[announcements]
        for extras in (SESSION_EXTRA, OPENING_EXTRA, CLOCK_EXTRA)
    )
    return np.where(is_clock, clock, np.where(next_slots == 0, opening, session))


def profile_window(session_bars: int) -> int:
    """Bars that the profile of a ticker with such long sessions looks back."""
    return CLOCK_PROFILE_WINDOW if session_bars >= CLOCK_SLOTS else PROFILE_WINDOW


@dataclass(frozen=True)
class PathAhead:
    """What the calendar knows of the H bars after each bar, all [n, H].

    ``keys`` their profile entries; ``is_break`` as ``break_ahead`` and ``extra_variance`` as the function of that name
    give them.
    """

    keys: IntArray
    is_break: BoolArray
    extra_variance: FloatArray


@dataclass(frozen=True)
class ScaleState:
    """What the scale is made of, one row a bar; row 0, which has no return, is NaN.

    ``scale`` [n, H]; ``averages`` [n, K] moving averages of the deseasonalised range in units of its long-run mean,
    newest first; ``level`` [n] their mixture at horizon 1; ``relative_range`` and ``relative_return`` [n] the bar's
    own, in units of what its slot usually shows; ``mean_return`` [n] the long-run mean absolute return.
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

    The scale is the deviation of a normal with the expected absolute return. Rows with less than the full look-back
    use what there is. Moves over a hole in the data count as one bar's.

    Args:
        high: Highs of one ticker, oldest first, positive; [n].
        low: Lows; [n].
        close: Closes; [n].
        keys: ``slot_keys`` of each bar; [n].
        ahead: What is known of the H bars after each bar.
        window: Bars that the profile looks back, ``profile_window``.

    Source: exponentially weighted volatility as in RiskMetrics Technical Document (1996), on ranges as in Parkinson,
    Journal of Business (1980), with the multiplicative intraday pattern of Andersen and Bollerslev, Journal of
    Empirical Finance (1997), and a mixture of half-lives after Corsi, Journal of Financial Econometrics (2009).
    """
    if len(close) < 2:
        nothing = np.full(len(close), np.nan)
        return ScaleState(
            np.full(ahead.keys.shape, np.nan), np.full((len(close), len(HALF_LIVES)), np.nan), *[nothing] * 4
        )
    previous, own = close[:-1], keys[1:, np.newaxis]
    absolute_return = np.abs(np.log(close[1:] / previous))
    true_range = np.log(np.maximum(high[1:], previous) / np.minimum(low[1:], previous))
    key_count = int(max(keys.max(), ahead.keys.max())) + 1
    profile, mean_return = slot_profile(absolute_return, keys[1:], key_count, window)
    range_profile, mean_range = slot_profile(true_range, keys[1:], key_count, window)
    relative_return = _relative(absolute_return, np.take_along_axis(profile, own, axis=1)[:, 0], mean_return)
    relative_range = _relative(true_range, np.take_along_axis(range_profile, own, axis=1)[:, 0], mean_range)
    averages = np.stack([moving_average(relative_range, half_life) for half_life in HALF_LIVES], axis=1)
    level = np.maximum(_levels(averages, ahead.is_break[1:]), LEVEL_FLOOR_RATIO)
    usual = np.take_along_axis(profile, ahead.keys[1:], axis=1)
    path = np.sqrt(np.cumsum(usual * usual * (1.0 + ahead.extra_variance[1:]), axis=1)) * MEAN_TO_DEVIATION
    scale = np.maximum(level * mean_return[:, np.newaxis] * path, SCALE_FLOOR)
    parts = (scale, averages, level[:, 0], relative_range, relative_return, mean_return)
    return ScaleState(*(_after_first_row(part) for part in parts))


def _relative(magnitude: FloatArray, own_profile: FloatArray, mean: FloatArray) -> FloatArray:
    """A bar's move in units of what its slot usually shows, capped. [n] -> [n]."""
    typical = np.where(mean > 0.0, own_profile * mean, 1.0)
    return np.asarray(np.minimum(magnitude / typical, RANGE_CAP_RATIO), dtype=np.float64)


def _levels(averages: FloatArray, is_break: BoolArray) -> FloatArray:
    """The mixture of the averages and 1 (the mean) at each horizon. [n, K], [n, H] -> [n, H]."""
    levels = np.empty(is_break.shape)
    for column in range(is_break.shape[1]):
        inside, crossing = (_mixture(averages, pair, column) for pair in (INSIDE_WEIGHTS, BREAK_WEIGHTS))
        levels[:, column] = np.where(is_break[:, column], crossing, inside)
    return levels


def _mixture(averages: FloatArray, pair: tuple[tuple[float, ...], tuple[float, ...]], column: int) -> FloatArray:
    """Weighted sum in a fixed order, so that its bits do not depend on the number of rows. [n, K] -> [n]."""
    share = column / (HORIZON_COUNT - 1)
    weights = [(1.0 - share) * first + share * last for first, last in zip(*pair, strict=True)]
    total = np.full(len(averages), weights[-1])
    for part, weight in enumerate(weights[:-1]):
        total = total + weight * averages[:, part]
    return total


def _after_first_row(values: FloatArray) -> FloatArray:
    """The rows moved down by one, under a row of NaN. [n - 1, ...] -> [n, ...]."""
    return np.concatenate([np.full((1, *values.shape[1:]), np.nan), values])


def slot_profile(magnitude: FloatArray, keys: IntArray, key_count: int, window: int) -> tuple[FloatArray, FloatArray]:
    """Mean magnitude at each slot relative to the mean over all, and that mean, over the newest ``window`` bars.

    Each slot's mean is shrunk towards the overall one; all profiles are 1 while the price never moved.
    Shapes [n], [n] -> [n, key_count], [n].
    """
    whole = np.rint(magnitude * FIXED_POINT).astype(np.int64)
    is_key = keys[:, np.newaxis] == np.arange(key_count)
    counts = _window_sums(is_key.astype(np.int64), window).astype(np.float64)
    sums = _window_sums(np.where(is_key, whole[:, np.newaxis], 0), window)
    mean = sums.sum(axis=1) / FIXED_POINT / counts.sum(axis=1)
    slot_mean = (sums / FIXED_POINT + PROFILE_SHRINKAGE * mean[:, np.newaxis]) / (counts + PROFILE_SHRINKAGE)
    profile = np.ones_like(slot_mean)
    np.divide(slot_mean, mean[:, np.newaxis], out=profile, where=mean[:, np.newaxis] > 0.0)
    return profile, mean


def _window_sums(values: IntArray, window: int) -> IntArray:
    """Sums over the newest ``window`` rows, or over what there is. Exact: whole numbers. [n, S] -> [n, S]."""
    total = np.cumsum(values, axis=0)
    result = total.copy()
    result[window:] -= total[:-window]
    return result


def moving_average(values: FloatArray, half_life: float) -> FloatArray:
    """Exponentially weighted mean of the newest values, over at most ``LEVEL_WINDOW`` of them. [n] -> [n].

    Cut off where what is left out weighs under a thousandth; early rows share the weights among the values there are.
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
