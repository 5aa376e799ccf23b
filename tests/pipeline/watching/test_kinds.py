"""A day is counted for each kind by its own test, and the newest days are kept for readers."""

from datetime import date

import pytest

from include.contracts import QUANTILE_LEVELS
from include.pipeline.watching import kinds
from include.pipeline.watching.kinds import BAR_KINDS, OUTCOME_KINDS, RECENT_DAYS, Watched
from include.store.drift import Market
from include.store.drift_days import BarDay, OutcomeDay

NEW_YORK, MONDAY = Market(False, "XNYS"), date(2025, 3, 31)
CALIBRATED = OutcomeDay(NEW_YORK, MONDAY, {50: 0.5, 90: 0.9}, QUANTILE_LEVELS, 0.0, (0.5, 0.5))
NARROW = OutcomeDay(
    NEW_YORK, MONDAY, {50: 0.3, 90: 0.6}, [0.15, 0.2, 0.25, 0.35, 0.5, 0.65, 0.75, 0.8, 0.85], 0.3, (0.2, 0.4)
)
BARS = BarDay(NEW_YORK, MONDAY, {"missing": 0.1, "late": 0.2, "rejected": 0.3, "revised": 0.4})


def after(kind: str, day: OutcomeDay, days: int) -> Watched:
    watched = kinds.first(kind)
    for _ in range(days):
        watched = kinds.read(kind, kinds.count_outcome(kind, watched, day).to_dict())
    return watched


@pytest.mark.parametrize("kind", OUTCOME_KINDS)
def test_each_test_of_the_forecasts_finds_narrow_ones_and_no_calibrated_ones(kind: str) -> None:
    assert after(kind, NARROW, 40).test.is_drifted
    assert not after(kind, CALIBRATED, 400).test.is_drifted


def test_a_reader_is_shown_the_mean_of_the_newest_days() -> None:
    watched = after("coverage", CALIBRATED, RECENT_DAYS + 5)
    assert len(watched.recent) == RECENT_DAYS
    assert watched.observed_ratio == pytest.approx(0.9)
    assert after("pit", CALIBRATED, 1).observed_ratio == pytest.approx(0.1)
    assert after("pit", NARROW, 1).observed_ratio == pytest.approx(0.4)
    assert after("skill", NARROW, 2).observed_ratio == pytest.approx(0.3)
    assert after("shape", NARROW, 2).observed_ratio == pytest.approx(0.2)
    assert kinds.first("skill").observed_ratio is None


def test_a_day_without_har_is_no_day_of_the_skill_and_one_hour_has_no_shape() -> None:
    day = OutcomeDay(NEW_YORK, MONDAY, {50: 0.5, 90: 0.9}, QUANTILE_LEVELS, None, None)
    assert after("skill", day, 3).test.day_count == 0
    assert after("shape", day, 3).test.day_count == 0
    assert after("coverage", day, 3).test.day_count == 3


@pytest.mark.parametrize("kind", BAR_KINDS)
def test_bars_are_compared_with_their_usual_share(kind: str) -> None:
    watched = kinds.count_bars(kind, kinds.first(kind), BARS)
    assert kinds.read(kind, watched.to_dict()) == watched
    assert watched.observed_ratio == BARS.ratios[kind]
    assert kinds.expected_ratio(kind, watched) == pytest.approx(BARS.ratios[kind])


def test_what_is_usual_for_the_forecasts_is_their_nominal_share() -> None:
    assert [kinds.expected_ratio(kind, kinds.first(kind)) for kind in OUTCOME_KINDS] == [0.9, 0.1, 0.0, 0.0]
