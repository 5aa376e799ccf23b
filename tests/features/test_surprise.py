import numpy as np
import pytest

from include.features.frame import WARM_UP_BARS, build_features
from include.features.scale import CLOCK_SLOTS
from include.features.surprise import LEAST_RATIO, bars_to_break, log_ratio
from tests.features.fakes import constant_bars, random_bars


def test_a_surprise_is_the_move_over_the_scale_of_the_previous_bar():
    bars = random_bars(600, slot_count=24)
    features = build_features(bars)
    close = bars["close"].to_numpy()[WARM_UP_BARS:]
    expected = features["scale_1"].to_numpy()[:-1]
    np.testing.assert_allclose(features["surprise"][1:], np.log(close[1:] / close[:-1]) / expected, rtol=1e-4)


def test_the_gap_and_the_body_add_up_to_the_surprise():
    features = build_features(random_bars(600))
    np.testing.assert_allclose(
        features["gap_surprise"] + features["body_surprise"], features["surprise"], rtol=1e-4, atol=1e-5
    )


def test_mirroring_all_returns_changes_the_sign_of_signed_columns_and_no_other_column():
    bars = random_bars(600)
    mirrored = bars.assign(
        open=1e4 / bars["open"], close=1e4 / bars["close"], high=1e4 / bars["low"], low=1e4 / bars["high"]
    )
    ours, theirs = build_features(bars), build_features(mirrored)
    for name in ("surprise", "gap_surprise", "body_surprise", "close_position"):
        np.testing.assert_allclose(theirs[name], -ours[name], rtol=1e-3, atol=1e-4)
    for name in ("range_surprise", "level", "level_ratio_8", "return_range_32", "night_ratio_32", "scale_1", "scale_7"):
        np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-3, atol=1e-4)


def test_bars_to_break_counts_to_the_next_session_and_is_beyond_the_horizons_round_the_clock():
    slots = np.array([[0, 1, 2], [5, 6, 0], [3, 4, 5]])
    counts = np.array([7, 7, 7])
    assert bars_to_break(slots, counts, CLOCK_SLOTS).tolist() == [1.0, 3.0, 4.0]
    assert bars_to_break(slots, counts + 17, CLOCK_SLOTS).tolist() == [4.0, 4.0, 4.0]


def test_a_constant_price_has_a_still_ratio_of_1_and_surprises_of_0():
    features = build_features(constant_bars(400))
    assert features["still_ratio"].to_numpy() == pytest.approx(1.0)
    for name in ("surprise", "close_position", "night_ratio_32"):
        np.testing.assert_array_equal(features[name], 0.0)


def test_the_log_ratio_of_zeros_is_zero():
    assert log_ratio(np.zeros(1), np.zeros(1)) == pytest.approx(0.0)
    assert log_ratio(np.zeros(1), np.ones(1)) == pytest.approx(np.log(LEAST_RATIO))


def test_wild_nights_raise_the_night_ratio():
    bars = random_bars(700)
    nights = bars["is_session_first"].to_numpy() & (np.arange(700) >= 500)
    wild = bars.copy()
    wild.loc[nights, "high"] *= 1.05
    assert build_features(wild)["night_ratio_32"].iloc[-1] > build_features(bars)["night_ratio_32"].iloc[-1] + 0.2
