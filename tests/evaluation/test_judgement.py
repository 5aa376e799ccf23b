"""The rule by which a new backbone may serve: each clause decides a case of its own."""

import math

import pytest

from include.evaluation.judgement import ALL_MARKETS, HAR, PRESENT, SCALE, MarketScore, judge
from include.evaluation.trial import Comparison

MARKET = "XNYS"


def score(name: str, difference: float, *, calendar: str = ALL_MARKETS, is_drifted: bool = False) -> MarketScore:
    """A comparison with a standard error of 0.1 % over 20 days; ``difference`` in percent."""
    return MarketScore(calendar, name, Comparison(difference / 100.0, 0.001, 20), is_drifted)


def scores(*changes: MarketScore) -> list[MarketScore]:
    """A new backbone that is better than all others everywhere, with these comparisons in place of its own."""
    found = {(name, place): score(name, -1.0, calendar=place) for name in (PRESENT, SCALE, HAR) for place in PLACES}
    return list((found | {(each.compared_with, each.calendar): each for each in changes}).values())


PLACES = (ALL_MARKETS, MARKET)


def test_one_that_is_better_passes_and_the_reason_has_the_figures() -> None:
    found = judge(scores())
    assert found.is_passed
    assert found.reason == (
        "better: CRPS -1.000 ± 0.100 % against the present backbone in all markets together; worse in no market"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (score(PRESENT, -0.05), "not better: CRPS -0.050 ± 0.100 % against the present backbone in all markets"),
        (score(PRESENT, 0.15), "worse: CRPS +0.150 ± 0.100 % against the present backbone in all markets together"),
        (score(PRESENT, 0.25, calendar=MARKET), "worse: CRPS +0.250 ± 0.100 % against the present backbone in XNYS"),
    ],
    ids=["equal", "worse", "worse in a market"],
)
def test_one_that_does_not_beat_the_present_backbone_does_not_pass(change: MarketScore, reason: str) -> None:
    found = judge(scores(change))
    assert not found.is_passed
    assert found.reason.startswith(reason)


def test_in_one_market_a_difference_counts_from_two_standard_errors_on() -> None:
    assert judge(scores(score(PRESENT, 0.15, calendar=MARKET))).is_passed
    assert score(PRESENT, 0.15).verdict == "worse"
    assert score(PRESENT, -0.15).verdict == "better"
    assert score(PRESENT, -0.15, calendar=MARKET).verdict == "equal"


def test_where_the_present_backbone_has_drifted_it_is_enough_not_to_be_worse() -> None:
    drifted = score(PRESENT, 0.0, calendar=MARKET, is_drifted=True)
    found = judge(scores(drifted, score(PRESENT, 0.05)))
    assert found.is_passed
    assert found.reason.startswith("not worse: CRPS +0.050 ± 0.100 %")
    assert found.reason.endswith("drift is proven in XNYS, so not worse is enough")
    assert not judge(scores(drifted, score(PRESENT, 0.15))).is_passed


@pytest.mark.parametrize("name", [SCALE, HAR])
@pytest.mark.parametrize("place", PLACES)
def test_one_that_a_baseline_beats_passes_only_where_the_present_backbone_is_worse_still(name: str, place: str) -> None:
    beaten = score(name, 0.3, calendar=place)
    assert judge(scores(beaten)).is_passed
    drifted = score(PRESENT, 0.0, calendar=MARKET, is_drifted=True)
    equal = [score(PRESENT, 0.0), drifted]
    assert judge(scores(*equal)).is_passed
    found = judge(scores(*equal, beaten))
    assert not found.is_passed
    assert found.reason.startswith("worse: CRPS +0.300 ± 0.100 % against ")


def test_without_a_present_backbone_the_baselines_judge_alone() -> None:
    alone = [score(SCALE, 0.0), score(HAR, -0.5)]
    assert judge(alone).reason.startswith("not worse: CRPS +0.000 ± 0.100 % against the scale alone")
    assert judge([score(SCALE, -0.5), score(HAR, 0.0)]).reason.startswith("better: ")
    assert not judge([score(SCALE, 0.0), score(HAR, 0.2)]).is_passed


def test_few_days_decide_nothing() -> None:
    few = [MarketScore(ALL_MARKETS, name, Comparison(-1.0, 0.0, 7), is_drifted=False) for name in (PRESENT, SCALE)]
    assert judge(few).reason == "7 days were scored, and 8 are needed; hold out more days"
    assert not judge(few).is_passed
    one_day = MarketScore(MARKET, PRESENT, Comparison(0.0, math.inf, 1), is_drifted=False)
    assert one_day.verdict == "too few days"
    assert judge(scores(one_day)).is_passed
