"""Slopes on invented samples: a planted growth is found in spite of noise, of a day's cycle and of outliers."""

import numpy as np
import pytest
from scipy.stats import theilslopes

from bench.soak.trend import FLAT, GROWS, OPEN, WITHIN, Slope, slope_of, verdict_of

HOURS = np.arange(96)
CYCLE = 40.0 * np.sin(2.0 * np.pi * HOURS / 24.0)
NOISE = np.random.default_rng(3).normal(0.0, 1.0, len(HOURS))


@pytest.mark.parametrize("growth", [-0.5, 0.2, 3.0])
def test_a_planted_growth_is_inside_the_interval_in_spite_of_the_days_cycle(growth: float) -> None:
    slope = slope_of(list(500.0 + CYCLE + NOISE + growth * HOURS))
    assert slope.low < growth < slope.high
    assert slope.high - slope.low < 0.05


def test_the_days_cycle_alone_has_no_slope() -> None:
    slope = slope_of(list(CYCLE[:58] + NOISE[:58]))
    assert slope.low < 0.0 < slope.high
    assert abs(slope.value) < 0.1


def test_outliers_do_not_move_the_slope() -> None:
    values = 500.0 + NOISE
    values[[5, 50, 95]] += 1e4
    assert abs(slope_of(list(values)).value) < 0.05


def test_without_a_cycle_it_is_the_slope_of_theil_and_sen() -> None:
    values = list(NOISE[:40] + 0.1 * HOURS[:40])
    expected = theilslopes(values)
    slope = slope_of(values)
    assert slope.value == pytest.approx(expected.slope)
    assert slope.low == pytest.approx(expected.low_slope, abs=0.003)
    assert slope.high == pytest.approx(expected.high_slope, abs=0.003)


def test_what_never_changes_is_flat() -> None:
    assert slope_of([7.0] * 60) == Slope(0.0, 0.0, 0.0)


@pytest.mark.parametrize("count", [0, 1])
def test_one_hour_says_nothing(count: int) -> None:
    assert verdict_of(slope_of([1.0] * count), 0.0) == OPEN


def test_the_verdict_needs_the_whole_interval() -> None:
    assert verdict_of(Slope(2.0, 1.5, 2.5), limit=1.0) == GROWS
    assert verdict_of(Slope(2.0, 0.9, 2.5), limit=1.0) == OPEN
    assert verdict_of(Slope(0.5, 0.4, 0.9), limit=1.0) == WITHIN
    assert verdict_of(Slope(0.05, 0.01, 0.09), limit=0.0, tolerance=0.1) == FLAT
    assert verdict_of(Slope(0.2, 0.15, 0.3), limit=0.0, tolerance=0.1) == GROWS


def test_what_is_removed_once_a_day_is_compared_with_the_day_before_only() -> None:
    sawtooth = [float(hour % 24) for hour in range(40)]
    assert slope_of(sawtooth).value > 0.0
    assert verdict_of(slope_of(sawtooth[:23], is_cyclic=True), 0.0) == OPEN
    assert slope_of(sawtooth, is_cyclic=True).value == 0.0
