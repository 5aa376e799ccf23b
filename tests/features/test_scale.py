import numpy as np
import pytest

from include.features.scale import (
    LEVEL_KERNEL,
    PROFILE_SHRINKAGE,
    PROFILE_WINDOW,
    SCALE_FLOOR,
    SCALE_LOOKBACK_BARS,
    horizon_scales,
    level_weights,
    slot_keys,
    slot_profile,
)
from tests.features.fakes import grid


def keys_of(bars):
    slot_count = bars["slot_count"].to_numpy()
    ahead = np.stack([slot_keys(bars[f"next_slot_{h}"].to_numpy(), slot_count) for h in range(1, 8)], axis=1)
    return slot_keys(bars["slot"].to_numpy(), slot_count), ahead


def seasonal_closes(bars, seed=0, night=4.0):
    random = np.random.default_rng(seed)
    width = np.where(bars["is_session_first"], night, 1.0) * 0.002
    return 100.0 * np.exp(np.cumsum(random.normal(0.0, 1.0, len(bars)) * width))


def forward_returns(close, horizon):
    return np.log(close[horizon:] / close[:-horizon])


def test_scaled_returns_have_unit_deviation_at_every_horizon_by_night_and_by_day():
    bars = grid(20_000, 7)
    close = seasonal_closes(bars)
    scales = horizon_scales(close, *keys_of(bars))
    for horizon in (1, 4, 7):
        rows = slice(SCALE_LOOKBACK_BARS, len(close) - horizon)
        scaled = forward_returns(close, horizon)[SCALE_LOOKBACK_BARS:] / scales[rows, horizon - 1]
        before_night = bars["slot"].to_numpy()[rows] == 6
        assert scaled[before_night].std() == pytest.approx(1.0, abs=0.08)
        assert scaled[~before_night].std() == pytest.approx(1.0, abs=0.08)


def test_the_bar_before_the_night_expects_a_wider_move_than_the_bar_after_the_open():
    bars = grid(3000, 7)
    scales = horizon_scales(seasonal_closes(bars), *keys_of(bars))[SCALE_LOOKBACK_BARS:, 0]
    slot = bars["slot"].to_numpy()[SCALE_LOOKBACK_BARS:]
    assert np.median(scales[slot == 6]) > 2.5 * np.median(scales[slot == 0])


def test_the_scale_follows_a_sudden_doubling_of_volatility():
    bars = grid(3000, 24)
    random = np.random.default_rng(3)
    width = np.where(np.arange(3000) < 2500, 0.002, 0.004)
    close = np.exp(np.cumsum(random.normal(0.0, 1.0, 3000) * width))
    scales = horizon_scales(close, *keys_of(bars))[:, 0]
    assert scales[2560:2700].mean() > 1.5 * scales[2300:2500].mean()


def test_scales_grow_with_the_horizon_and_are_positive_even_if_the_price_never_moved():
    bars = grid(1500, 7)
    moving = horizon_scales(seasonal_closes(bars), *keys_of(bars))[1:]
    assert (np.diff(moving, axis=1) > 0.0).all()
    flat = horizon_scales(np.full(1500, 3.7), *keys_of(bars))[1:]
    np.testing.assert_array_equal(flat, SCALE_FLOOR)


def test_a_price_that_moves_again_after_a_long_pause_had_a_scale_above_the_floor():
    bars = grid(1500, 7)
    close = seasonal_closes(bars)
    close[1000:] = close[1000]
    assert horizon_scales(close, *keys_of(bars))[1420, 0] > 10.0 * SCALE_FLOOR


def test_one_bar_has_no_scale():
    bars = grid(1, 7)
    assert np.isnan(horizon_scales(np.array([5.0]), *keys_of(bars))).all()


def test_the_profile_equals_a_naive_loop():
    random = np.random.default_rng(1)
    magnitude, keys = random.random(PROFILE_WINDOW + 300) * 0.01, random.integers(0, 5, PROFILE_WINDOW + 300)
    profile, mean = slot_profile(magnitude, keys, 5)
    for row in (0, 40, PROFILE_WINDOW - 1, PROFILE_WINDOW + 299):
        part = slice(max(row - PROFILE_WINDOW + 1, 0), row + 1)
        overall = magnitude[part].mean()
        assert mean[row] == pytest.approx(overall, rel=1e-8)
        for key in range(5):
            own = magnitude[part][keys[part] == key]
            naive = (own.sum() + PROFILE_SHRINKAGE * overall) / (len(own) + PROFILE_SHRINKAGE) / overall
            assert profile[row, key] == pytest.approx(naive, rel=1e-8)


def test_a_slot_that_was_never_seen_counts_as_an_average_one():
    profile, _ = slot_profile(np.full(50, 0.01), np.zeros(50, dtype=np.int64), 3)
    np.testing.assert_allclose(profile[-1], 1.0)


def test_long_sessions_are_folded_to_hours_and_keep_their_first_bar_apart():
    slots = np.array([0, 1, 24, 25, 119])
    np.testing.assert_array_equal(slot_keys(slots, np.array(120)), [24, 1, 0, 1, 23])
    np.testing.assert_array_equal(slot_keys(slots[:2], np.array(7)), [0, 1])


def test_level_weights_sum_to_one_and_never_rise_with_age():
    weights = level_weights()
    assert weights.sum() == pytest.approx(1.0)
    assert sum(weight for weight, _ in LEVEL_KERNEL) == pytest.approx(1.0)
    assert (np.diff(weights) <= 0.0).all()
