"""What a night's price does to a forecast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.model.night import (
    EVENING,
    MORNING,
    MOVE_GAIN,
    STALE_MINUTES,
    STALE_WEIGHT,
    Night,
    first_bar_shares,
    move_weight,
    refresh,
    refreshed_baseline,
    remaining_ratio,
)
from include.model.transformer import reference_quantiles

MEDIAN = QUANTILE_LEVELS.index(0.5)
SCALE = 0.01 * np.sqrt(np.arange(4.0, 4.0 + HORIZON_COUNT))
BLIND = 0.001 + SCALE[:, np.newaxis] * np.array(reference_quantiles(QUANTILE_LEVELS))
VARIANCE = np.array([4.0, 1.0, 0.5, 0.5, 0.5, 1.0, 1.0])
SHARES = first_bar_shares(VARIANCE)

moves = st.floats(-0.5, 0.5)
clocks = st.integers(0, 24 * 60 - 1)
nights = st.builds(Night, move=moves, clock_minutes=clocks, is_evening=st.booleans(), age_minutes=st.floats(0.0, 900.0))


def _night(move: float = 0.0, clock: str = "08:35", age_minutes: float = 7.0) -> Night:
    minutes = 60 * int(clock[:2]) + int(clock[3:])
    return Night(move=move, clock_minutes=minutes, is_evening=clock > "12:00", age_minutes=age_minutes)


def test_the_first_bars_share_of_each_path_is_that_of_a_loop() -> None:
    expected = [VARIANCE[0] / sum(VARIANCE[: horizon + 1]) for horizon in range(HORIZON_COUNT)]
    np.testing.assert_allclose(SHARES, expected, rtol=1e-12)
    assert SHARES[0] == 1.0


@given(nights)
def test_the_refreshed_forecast_is_that_of_a_loop(night: Night) -> None:
    refreshed = refresh(BLIND, SCALE[0], SHARES, night)
    left = remaining_ratio(night, np.ones(1))[0]
    for horizon in range(HORIZON_COUNT):
        first = SHARES[horizon] * left**2 * (1.0 + (MOVE_GAIN * night.move / SCALE[0]) ** 2)
        stretch = math.sqrt(first + 1.0 - SHARES[horizon])
        for place in range(len(QUANTILE_LEVELS)):
            median = BLIND[horizon, MEDIAN]
            expected = median + move_weight(night) * night.move + (BLIND[horizon, place] - median) * stretch
            assert refreshed[horizon, place] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(nights)
def test_quantiles_stay_in_order(night: Night) -> None:
    assert (np.diff(refresh(BLIND, SCALE[0], SHARES, night), axis=1) > 0.0).all()
    assert (np.diff(refreshed_baseline(BLIND, SHARES, night), axis=1) > 0.0).all()


@given(clocks, st.booleans(), st.lists(moves, min_size=2, max_size=2))
def test_the_location_rises_with_the_move_and_the_width_with_its_size(
    clock: int, is_evening: bool, pair: list[float]
) -> None:
    low, high = (refresh(BLIND, SCALE[0], SHARES, Night(move, clock, is_evening, 7.0)) for move in sorted(pair))
    assert (low[:, MEDIAN] <= high[:, MEDIAN]).all()
    near, far = (
        refresh(BLIND, SCALE[0], SHARES, Night(move, clock, is_evening, 7.0)) for move in sorted(pair, key=abs)
    )
    assert (near[:, -1] - near[:, 0] <= far[:, -1] - far[:, 0] + 1e-12).all()


@given(clocks, st.booleans())
def test_what_is_left_is_a_share_of_the_width_and_smallest_for_the_first_bar(clock: int, is_evening: bool) -> None:
    left = remaining_ratio(Night(0.0, clock, is_evening, 7.0), SHARES)
    assert (left > 0.0).all()
    assert (left <= 1.0).all()
    assert (np.diff(left) >= 0.0).all()


def test_less_is_left_and_the_move_weighs_more_as_the_night_passes() -> None:
    night = [_night(clock=clock) for clock in ("18:35", "20:35", "04:35", "05:35", "06:35", "07:35", "08:35", "09:25")]
    left = [remaining_ratio(moment, SHARES)[0] for moment in night]
    weights = [move_weight(moment) for moment in night]
    assert left == sorted(left, reverse=True)
    assert weights == sorted(weights)
    assert weights[-1] == 1.0


def test_an_instant_within_an_hour_has_the_constants_of_its_hour() -> None:
    assert move_weight(_night(clock="18:00")) == move_weight(_night(clock="18:59"))
    assert remaining_ratio(_night(clock="08:01"), SHARES).tolist() == remaining_ratio(_night(), SHARES).tolist()


def test_a_stale_price_moves_the_location_by_less() -> None:
    fresh, stale = (move_weight(_night(age_minutes=age)) for age in (STALE_MINUTES - 1.0, STALE_MINUTES))
    assert stale == STALE_WEIGHT * fresh
    old = refresh(BLIND, SCALE[0], SHARES, _night(0.01, age_minutes=120.0))
    new = refresh(BLIND, SCALE[0], SHARES, _night(0.01))
    np.testing.assert_allclose(new[:, MEDIAN] - old[:, MEDIAN], 0.01 * (1.0 - STALE_WEIGHT))


def test_both_tables_begin_at_0_and_ascend() -> None:
    for table in (EVENING, MORNING):
        minutes = [row[0] for row in table]
        assert minutes[0] == 0
        assert minutes == sorted(set(minutes))


def test_the_baseline_has_the_location_and_the_remaining_width_and_is_not_wider_after_a_large_move() -> None:
    night = _night(move=0.1)
    baseline = refreshed_baseline(BLIND, SHARES, night)
    np.testing.assert_allclose(baseline[:, MEDIAN], refresh(BLIND, SCALE[0], SHARES, night)[:, MEDIAN])
    ratio = (baseline[:, -1] - baseline[:, 0]) / (BLIND[:, -1] - BLIND[:, 0])
    np.testing.assert_allclose(ratio, remaining_ratio(night, SHARES))


def test_a_night_of_ten_times_the_expected_move_is_several_times_as_wide() -> None:
    quiet, wild = (refresh(BLIND, SCALE[0], SHARES, _night(move)) for move in (0.0, 10.0 * SCALE[0]))
    assert wild[0, -1] - wild[0, 0] > 2.0 * (quiet[0, -1] - quiet[0, 0])
