"""What a company's report does to a forecast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.earnings import ReportTiming
from include.model.events import report_width, widen, width_left
from include.model.transformer import reference_quantiles

BLIND = 0.001 + 0.01 * np.sqrt(np.arange(1.0, HORIZON_COUNT + 1.0))[:, np.newaxis] * np.array(
    reference_quantiles(QUANTILE_LEVELS)
)
VARIANCE = np.array([0.5, 0.5, 4.0, 1.0, 0.5, 0.5, 0.5])
MEDIAN = QUANTILE_LEVELS.index(0.5)
NO_REPORT = np.ones(HORIZON_COUNT)


def _report(bar: int, width: float) -> np.ndarray:
    return np.where(np.arange(HORIZON_COUNT) == bar, width, 1.0)


@pytest.mark.parametrize(
    ("probability", "width"),
    [(1.0, 4.0), (0.95, 4.0), (0.7, 4.0), (0.45, 3.0), (0.2, 2.0), (0.09, 1.0), (0.0, 1.0)],
)
def test_the_width_follows_the_probability(probability: float, width: float) -> None:
    assert report_width(probability) == width


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2))
def test_a_likelier_report_is_never_narrower(pair: list[float]) -> None:
    less, more = sorted(pair)
    assert report_width(less) <= report_width(more)


def test_without_a_report_no_bit_changes() -> None:
    assert widen(BLIND, VARIANCE, NO_REPORT).tobytes() == BLIND.tobytes()


@given(st.integers(0, HORIZON_COUNT - 1), st.floats(1.0, 6.0))
def test_paths_that_end_before_the_report_keep_their_bits_and_the_others_are_wider(bar: int, width: float) -> None:
    widened = widen(BLIND, VARIANCE, _report(bar, width))
    assert widened[:bar].tobytes() == BLIND[:bar].tobytes()
    assert (widened[bar:, -1] - widened[bar:, 0] >= BLIND[bar:, -1] - BLIND[bar:, 0] - 1e-15).all()
    assert (np.diff(widened, axis=1) > 0.0).all()


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0]), min_size=HORIZON_COUNT, max_size=HORIZON_COUNT))
def test_the_widened_forecast_is_that_of_a_loop(widths: list[float]) -> None:
    widened = widen(BLIND, VARIANCE, np.array(widths))
    for horizon in range(HORIZON_COUNT):
        usual = sum(VARIANCE[: horizon + 1])
        with_reports = sum(VARIANCE[bar] * widths[bar] ** 2 for bar in range(horizon + 1))
        for place in range(len(QUANTILE_LEVELS)):
            distance = (BLIND[horizon, place] - BLIND[horizon, MEDIAN]) * math.sqrt(with_reports / usual)
            assert widened[horizon, place] == pytest.approx(BLIND[horizon, MEDIAN] + distance, rel=1e-9, abs=1e-12)


def test_the_median_does_not_move() -> None:
    assert widen(BLIND, VARIANCE, _report(2, 4.0))[:, MEDIAN].tolist() == BLIND[:, MEDIAN].tolist()


@given(st.floats(1.0, 4.0), st.sampled_from(list(ReportTiming)), st.integers(0, 1439), st.booleans())
def test_a_refresh_never_widens_more_than_the_report_and_never_below_the_usual_width(
    width: float, timing: ReportTiming, clock: int, is_evening: bool
) -> None:
    assert 1.0 <= width_left(width, timing, clock, is_evening=is_evening) <= width


def test_a_report_before_the_open_or_of_unknown_side_keeps_its_width_until_the_open() -> None:
    for timing in (ReportTiming.BEFORE_OPEN, ReportTiming.UNKNOWN):
        assert width_left(4.0, timing, 20 * 60 + 35, is_evening=True) == 4.0
        assert width_left(4.0, timing, 9 * 60 + 25, is_evening=False) == 4.0


def test_half_of_the_width_is_left_once_a_report_after_the_close_is_out() -> None:
    assert width_left(4.0, ReportTiming.AFTER_CLOSE, 17 * 60 + 59, is_evening=True) == 4.0
    assert width_left(4.0, ReportTiming.AFTER_CLOSE, 18 * 60, is_evening=True) == 2.0
    assert width_left(4.0, ReportTiming.AFTER_CLOSE, 4 * 60 + 35, is_evening=False) == 2.0
    assert width_left(1.0, ReportTiming.AFTER_CLOSE, 4 * 60 + 35, is_evening=False) == 1.0
