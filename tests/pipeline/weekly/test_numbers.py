"""Scores by market and by horizon from sums by day, and what the interval is worth."""

from datetime import date, timedelta
from typing import Any

import pytest

from include.pipeline.weekly.numbers import horizon_scores, margin_of, market_scores, verdict_of

FIRST = date(2026, 9, 1)


def market_day(day: int, calendar: str = "XNYS", **changes: Any) -> dict[str, Any]:
    return {
        "is_simulated": False,
        "calendar": calendar,
        "horizon": 1,
        "day_exchange": FIRST + timedelta(days=day),
        "forecast_count": 10,
        "random_walk_count": 10,
        "har_count": 10,
        "crps_sum": 90.0,
        "crps_beside_random_walk_sum": 90.0 + day % 2,
        "random_walk_crps_sum": 100.0,
        "crps_beside_har_sum": 90.0 + 20 * (day % 2),
        "har_crps_sum": 100.0,
        **{f"coverage_{level}_ratio": level / 100 for level in (50, 80, 90, 95)},
        "direction_count": 8,
        "direction_hit_ratio": 0.5,
        **changes,
    }


def margin_day(day: int, **changes: Any) -> dict[str, Any]:
    return {
        "is_simulated": False,
        "day": FIRST + timedelta(days=day),
        "forecast_count": 10,
        "margin_sum": 0.05,
        "walk_margin_sum": 0.06,
        "breach_count": 1,
        "walk_breach_count": 0,
        "cost_sum": 0.009,
        "walk_cost_sum": 0.01,
        "trade_count": 5,
        "gain_sum": 0.0005 * (-1) ** day,
        **changes,
    }


def test_a_market_has_one_score_over_its_days_at_the_first_horizon() -> None:
    rows = [market_day(day) for day in range(30)] + [market_day(day, horizon=7) for day in range(30)]

    (score,) = market_scores(rows)

    assert (score.name, score.day_count, score.forecast_count) == ("XNYS", 30, 300)
    assert score.skill == pytest.approx(0.095)
    assert score.verdict() == "edge"
    assert score.har_skill == pytest.approx(0.0)
    assert score.har_verdict() == "no edge shown"
    assert score.coverage[90] == pytest.approx(0.9)
    assert score.hit_ratio == pytest.approx(0.5)


def test_only_days_after_the_given_one_count() -> None:
    (score,) = market_scores([market_day(day) for day in range(30)], since=FIRST + timedelta(days=22))

    assert score.day_count == 7
    assert score.verdict() == score.har_verdict() == "too few days"


def test_real_markets_come_first_and_are_not_added_to_simulated_ones() -> None:
    rows = [market_day(0), market_day(0, "24/7", is_simulated=True, forecast_count=5)]

    assert [(score.name, score.is_simulated) for score in market_scores(rows)] == [("XNYS", False), ("24/7", True)]
    assert [score.forecast_count for score in horizon_scores(rows)] == [10]
    assert [score.forecast_count for score in horizon_scores(rows[1:])] == [5]


def test_a_day_without_the_baseline_counts_for_no_skill() -> None:
    without = {"har_crps_sum": None, "crps_beside_har_sum": None, "har_count": 0}

    (score,) = market_scores([market_day(day, **without) for day in range(30)])

    assert score.har_verdict() == "too few days"
    assert score.verdict() == "edge"


@pytest.mark.parametrize(
    ("skill", "error", "verdict"),
    [(0.03, 0.01, "edge"), (0.02, 0.01, "no edge shown"), (-0.03, 0.01, "worse"), (0.1, float("nan"), "unknown")],
)
def test_a_skill_counts_from_two_standard_errors_on(skill: float, error: float, verdict: str) -> None:
    assert verdict_of(skill, error) == verdict


def test_the_margin_saves_what_the_costs_say_and_chance_gains_nothing() -> None:
    margin = margin_of([margin_day(day) for day in range(20)])

    assert margin is not None
    assert margin.forecast_count == 200
    assert margin.margin_bp == pytest.approx(50.0)
    assert margin.breach_ratio == pytest.approx(0.1)
    assert margin.saved_ratio == pytest.approx(0.1)
    assert margin.gain_bp == pytest.approx(0.0)
    assert margin.gain_error_bp > 0.0


def test_without_forecasts_there_is_no_margin() -> None:
    assert margin_of([]) is None
