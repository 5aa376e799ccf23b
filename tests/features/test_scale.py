import numpy as np
import pytest

from include.contracts import Announcement
from include.features.frame import lookback_bars
from include.features.scale import (
    BREAK_WEIGHTS,
    CLOCK_EXTRA,
    CLOCK_PROFILE_WINDOW,
    HALF_LIVES,
    INSIDE_WEIGHTS,
    LEVEL_WINDOW,
    OPENING_EXTRA,
    PROFILE_SHRINKAGE,
    PROFILE_WINDOW,
    SCALE_FLOOR,
    SESSION_EXTRA,
    WEEK_FIRST_KEY,
    PathAhead,
    break_ahead,
    extra_variance,
    moving_average,
    next_slot_keys,
    profile_window,
    scale_state,
    slot_keys,
    slot_profile,
)
from tests.features.fakes import grid

SESSION_LOOKBACK, CLOCK_LOOKBACK = (lookback_bars(session_bars) - 1 for session_bars in (7, 24))


def keys_and_path(bars, due=None):
    """Profile entries of bars on a grid, the calendar's columns of the bars ahead, and the profile's window."""
    slot, slot_count, weekday = (bars[name].to_numpy() for name in ("slot", "slot_count", "weekday"))
    next_slots = bars[[f"next_slot_{h}" for h in range(1, 8)]].to_numpy()
    announcements = np.zeros_like(next_slots) if due is None else due
    ahead = PathAhead(
        next_slot_keys(slot, slot_count, weekday, next_slots),
        break_ahead(slot_count, next_slots),
        extra_variance(announcements, slot_count, next_slots),
    )
    return slot_keys(slot, slot_count, weekday), ahead, profile_window(int(slot_count.max()))


def scales_of(bars, close, wick=0.0, due=None):
    """Scales of closes on a grid. Each bar spans its previous close and its close, and ``wick`` beyond."""
    previous = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(close, previous) * (1.0 + wick), np.minimum(close, previous) * (1.0 - wick)
    return scale_state(high, low, close, *keys_and_path(bars, due)).scale


def closes(width, seed=0):
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 1.0, len(width)) * width))


def seasonal_closes(bars, night=4.0):
    return closes(np.where(bars["is_session_first"], night, 1.0) * 0.002)


def forward_returns(close, horizon):
    return np.log(close[horizon:] / close[:-horizon])


def test_scaled_returns_have_unit_deviation_at_every_horizon_by_night_and_by_day():
    bars = grid(20_000, 7)
    close = seasonal_closes(bars)
    scales = scales_of(bars, close, wick=0.001)
    for horizon in (1, 4, 7):
        rows = slice(SESSION_LOOKBACK, len(close) - horizon)
        scaled = forward_returns(close, horizon)[SESSION_LOOKBACK:] / scales[rows, horizon - 1]
        before_night = bars["slot"].to_numpy()[rows] == 6
        assert scaled[before_night].std() == pytest.approx(1.0, abs=0.12)
        assert scaled[~before_night].std() == pytest.approx(1.0, abs=0.12)


def test_the_scale_before_a_night_is_larger_than_after_the_open():
    bars = grid(3000, 7)
    scales = scales_of(bars, seasonal_closes(bars))[SESSION_LOOKBACK:, 0]
    slot = bars["slot"].to_numpy()[SESSION_LOOKBACK:]
    assert np.median(scales[slot == 6]) > 2.5 * np.median(scales[slot == 0])


def test_round_the_clock_the_scale_is_smaller_before_a_calm_weekend():
    bars = grid(6000, 24)
    scales = scales_of(bars, closes(np.where(bars["weekday"] >= 5, 0.001, 0.003)))[CLOCK_LOOKBACK:, 0]
    newest = bars.iloc[CLOCK_LOOKBACK:]
    last_hour = newest["slot"].to_numpy() == 23
    friday, thursday = (scales[last_hour & (newest["weekday"].to_numpy() == day)] for day in (4, 3))
    assert np.median(friday) < 0.6 * np.median(thursday)


def test_the_scale_follows_a_sudden_doubling_of_volatility():
    bars = grid(3000, 7)
    scales = scales_of(bars, closes(np.where(np.arange(3000) < 2500, 0.002, 0.004)))[:, 0]
    assert scales[2560:2700].mean() > 1.5 * scales[2300:2500].mean()


def test_one_extreme_high_does_not_multiply_the_scale():
    bars = grid(2000, 7)
    close = closes(np.full(2000, 0.002))
    high, low = close * 1.001, close * 0.999
    usual = scale_state(high, low, close, *keys_and_path(bars)).scale
    high[1900] *= 2.0
    spiked = scale_state(high, low, close, *keys_and_path(bars)).scale
    assert (spiked[1900] < 3.0 * usual[1900]).all()
    assert (spiked[1910] < 1.5 * usual[1910]).all()


def test_scales_grow_with_the_horizon_and_are_positive_even_if_the_price_never_moved():
    bars = grid(1600, 7)
    assert (np.diff(scales_of(bars, seasonal_closes(bars))[1:], axis=1) > 0.0).all()
    np.testing.assert_array_equal(scales_of(bars, np.full(1600, 3.7))[1:], SCALE_FLOOR)


def test_a_price_that_moves_again_after_a_long_pause_had_a_scale_above_the_floor():
    bars = grid(1500, 7)
    close = seasonal_closes(bars)
    close[1000:] = close[1000]
    assert scales_of(bars, close)[1420, 0] > 10.0 * SCALE_FLOOR


@pytest.mark.parametrize(("slot_count", "extra"), [(7, SESSION_EXTRA), (24, CLOCK_EXTRA)])
def test_a_bar_with_an_announcement_ahead_is_expected_to_move_further_and_no_other_row_changes(slot_count, extra):
    bars = grid(1200, slot_count)
    close = closes(np.full(1200, 0.002))
    usual, due = scales_of(bars, close), np.zeros((1200, 7), dtype=np.int64)
    row = int(np.flatnonzero(bars["slot"] == 2)[-5])
    due[row, 1] = Announcement.DECISION
    announced = scales_of(bars, close, due=due)
    np.testing.assert_array_equal(np.delete(announced, row, axis=0), np.delete(usual, row, axis=0))
    assert announced[row, 0] == usual[row, 0]
    # the second bar of the path has additional variance, later bars have not
    alone = usual[row, 1] ** 2 - usual[row, 0] ** 2
    assert announced[row, 1] ** 2 - announced[row, 0] ** 2 == pytest.approx(
        alone * (1.0 + extra[Announcement.DECISION]), rel=0.05
    )
    assert (announced[row, 2:] > usual[row, 2:]).all()


def test_an_opening_bar_gets_the_opening_variance_of_an_announcement():
    kinds = np.array([[Announcement.DECISION, Announcement.FIGURES]])
    assert extra_variance(kinds, np.array([7]), np.array([[0, 0]])).tolist() == [
        [0.0, OPENING_EXTRA[Announcement.FIGURES]]
    ]


def test_no_announcement_adds_no_variance_and_round_the_clock_no_bar_is_an_opening_bar():
    assert extra_variance(np.zeros((1, 2), dtype=np.int64), np.array([7]), np.array([[0, 1]])).tolist() == [[0.0, 0.0]]
    kinds = np.full((1, 1), Announcement.FIGURES)
    assert extra_variance(kinds, np.array([24]), np.array([[0]])).tolist() == [[CLOCK_EXTRA[Announcement.FIGURES]]]


def test_the_profile_window_is_longer_for_sessions_with_more_slots():
    assert [profile_window(count) for count in (4, 7, 9, 22, 24)] == [PROFILE_WINDOW] * 3 + [CLOCK_PROFILE_WINDOW] * 2


def test_one_bar_has_no_scale():
    assert np.isnan(scales_of(grid(1, 7), np.array([5.0]))).all()


def test_the_profile_equals_a_naive_loop():
    random = np.random.default_rng(1)
    magnitude, keys = random.random(PROFILE_WINDOW + 300) * 0.01, random.integers(0, 5, PROFILE_WINDOW + 300)
    profile, mean = slot_profile(magnitude, keys, 5, PROFILE_WINDOW)
    for row in (0, 40, PROFILE_WINDOW - 1, PROFILE_WINDOW + 299):
        part = slice(max(row - PROFILE_WINDOW + 1, 0), row + 1)
        overall = magnitude[part].mean()
        assert mean[row] == pytest.approx(overall, rel=1e-8)
        for key in range(5):
            chosen = magnitude[part][keys[part] == key]
            naive = (chosen.sum() + PROFILE_SHRINKAGE * overall) / (len(chosen) + PROFILE_SHRINKAGE) / overall
            assert profile[row, key] == pytest.approx(naive, rel=1e-8)


def test_a_slot_without_bars_has_a_profile_of_1():
    profile, _ = slot_profile(np.full(50, 0.01), np.zeros(50, dtype=np.int64), 3, PROFILE_WINDOW)
    np.testing.assert_allclose(profile[-1], 1.0)


@pytest.mark.parametrize(
    ("slot", "slot_count", "weekday", "key"),
    [(3, 24, 5, 27), (3, 24, 4, 3), (0, 24, 0, WEEK_FIRST_KEY), (0, 24, 1, 0), (3, 7, 5, 3), (0, 7, 0, 0)],
)
def test_weekends_and_the_weeks_first_bar_have_their_own_keys_only_round_the_clock(slot, slot_count, weekday, key):
    assert slot_keys(np.array([slot]), np.array([slot_count]), np.array([weekday])).tolist() == [key]


@pytest.mark.parametrize(
    ("slot", "slot_count", "weekday", "next_slots", "keys"),
    [
        (22, 24, 4, [23, 0, 1], [23, 24, 25]),
        (22, 24, 6, [23, 0, 1], [47, WEEK_FIRST_KEY, 1]),
        (22, 24, 3, [23, 0, 1], [23, 0, 1]),
        (20, 22, 4, [21, 0, 1], [21, WEEK_FIRST_KEY, 1]),
        (5, 7, 4, [6, 0, 1], [6, 0, 1]),
    ],
    ids=["into a weekend that trades", "out of it", "into Friday", "over a currency's weekend", "over an exchange's"],
)
def test_the_keys_ahead_follow_the_week(slot, slot_count, weekday, next_slots, keys):
    ahead = next_slot_keys(np.array([slot]), np.array([slot_count]), np.array([weekday]), np.array([next_slots]))
    assert ahead.tolist() == [keys]


def test_the_keys_ahead_are_the_keys_that_the_bars_ahead_will_have():
    bars = grid(24 * 21, 24)
    slot, slot_count, weekday = (bars[name].to_numpy() for name in ("slot", "slot_count", "weekday"))
    keys = slot_keys(slot, slot_count, weekday)
    ahead = next_slot_keys(slot, slot_count, weekday, bars[[f"next_slot_{h}" for h in range(1, 8)]].to_numpy())
    for horizon in range(1, 8):
        np.testing.assert_array_equal(ahead[:-horizon, horizon - 1], keys[horizon:])


def test_the_weights_of_a_level_sum_to_about_one_at_both_ends_and_none_is_negative():
    for weights in (*INSIDE_WEIGHTS, *BREAK_WEIGHTS):
        assert len(weights) == len(HALF_LIVES) + 1
        assert sum(weights) == pytest.approx(1.0, abs=0.025)
        assert min(weights) > 0.0


def test_far_horizons_weight_the_newest_bars_less():
    for near, far in (INSIDE_WEIGHTS, BREAK_WEIGHTS):
        assert far[0] < near[0]
        assert far[-1] > near[-1]


@pytest.mark.parametrize("half_life", HALF_LIVES)
def test_the_moving_average_equals_a_naive_loop(half_life):
    values = np.random.default_rng(3).random(700)
    averages = moving_average(values, half_life)
    window = min(int(np.ceil(10 * half_life)), LEVEL_WINDOW)
    for row in (0, 5, 250, 699):
        newest_first = values[max(row - window + 1, 0) : row + 1][::-1]
        weights = 0.5 ** (np.arange(len(newest_first)) / half_life)
        assert averages[row] == pytest.approx((newest_first * weights).sum() / weights.sum(), rel=1e-12)


def test_a_path_has_a_break_from_the_first_new_session_on_but_never_round_the_clock():
    slots = np.array([[5, 6, 0, 1]])
    assert break_ahead(np.array([7]), slots).tolist() == [[False, False, True, True]]
    assert not break_ahead(np.array([24]), slots).any()
