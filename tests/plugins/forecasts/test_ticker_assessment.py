"""What the page says a forecast is good for: each measured number leads to its sentence, on the right side."""

from typing import Any

import pytest

from plugins.forecasts.assessment import LEAST_DAYS, assess

TICKER = {"is_simulated": False, "is_fallback": False, "fallback_reason": None, "freshness": "current"}
WINDOW: dict[str, Any] = {
    "horizon": 1,
    "window_days": 90,
    "day_count": 60,
    "forecast_count": 400,
    "coverage_90_ratio": 0.91,
    "crps_skill_ratio": 0.03,
    "crps_skill_error": 0.01,
    "har_crps_skill_ratio": 0.005,
    "har_crps_skill_error": 0.01,
    "direction_hit_ratio": 0.51,
    "direction_hit_lower_ratio": 0.46,
    "direction_hit_upper_ratio": 0.56,
}


def judged(ticker: dict[str, Any] | None = None, **window: Any) -> tuple[str, str]:
    found = assess(TICKER | (ticker or {}), [WINDOW | window])
    return " | ".join(found["good_for"]), " | ".join(found["not_good_for"])


def test_a_calibrated_forecast_with_an_edge_says_what_it_is_good_for_with_numbers() -> None:
    good, bad = judged()
    assert "A range for the next close: its 90 % intervals contained 91 % of 400 closes." in good
    assert "error 3.0 % \u00b1 2.0 % lower than that of the random walk." in good
    assert "no edge shown yet, error 0.5 % \u00b1 2.0 % lower than that of HAR" in bad
    assert "no better than a coin" in bad


@pytest.mark.parametrize(
    ("inside", "count", "words"),
    [
        (0.871, 10_000, "A range for the next close"),
        (0.929, 10_000, "A range for the next close"),
        (0.85, 50, "A range for the next close"),
        (0.97, 10_000, "wider than they need to be"),
    ],
)
def test_a_coverage_near_the_aim_or_above_it_is_good(inside: float, count: int, words: str) -> None:
    good, bad = judged(coverage_90_ratio=inside, forecast_count=count)
    assert words in good
    assert "too narrow" not in bad


def test_a_coverage_below_the_aim_is_a_warning() -> None:
    good, bad = judged(coverage_90_ratio=0.84, forecast_count=1000)
    assert "range" not in good
    assert "contained 84 % of 1000 closes, so they are too narrow" in bad


@pytest.mark.parametrize(
    ("skill", "side", "words"),
    [
        (0.021, 0, "lower than that of the random walk"),
        (0.019, 1, "no edge shown yet"),
        (-0.019, 1, "no edge shown yet, error 1.9 % \u00b1 2.0 % higher"),
        (-0.021, 1, "error 2.1 % \u00b1 2.0 % higher than that of the random walk"),
    ],
)
def test_an_edge_is_shown_by_two_standard_errors(skill: float, side: int, words: str) -> None:
    assert words in judged(crps_skill_ratio=skill)[side]


def test_a_direction_better_than_a_coin_is_a_lean() -> None:
    good, _ = judged(direction_hit_ratio=0.54, direction_hit_lower_ratio=0.51, direction_hit_upper_ratio=0.57)
    assert "A lean up or down, a small one: the median had the right side in 54.0 % of moves" in good


@pytest.mark.parametrize("missing", ["coverage_90_ratio", "crps_skill_error", "har_crps_skill_ratio"])
def test_a_number_that_is_not_known_has_no_sentence(missing: str) -> None:
    assert len(" ".join(judged(**{missing: None}))) < len(" ".join(judged()))


def test_few_days_prove_nothing() -> None:
    good, bad = judged(day_count=LEAST_DAYS - 1)
    assert good == ""
    assert "400 forecasts were scored so far, on fewer than 20 days" in bad


def test_nothing_scored_proves_nothing() -> None:
    found = assess(TICKER, [])
    assert found["good_for"] == []
    assert "0 forecasts were scored" in found["not_good_for"][0]


def test_a_window_with_enough_days_is_taken() -> None:
    short = WINDOW | {"window_days": 90, "day_count": 5}
    long = WINDOW | {"window_days": None, "day_count": 300, "forecast_count": 2000}
    assert "2000 forecasts of the next bar over 300 days (all time)" in assess(TICKER, [short, long])["basis"]


def test_the_edge_reaches_as_far_as_it_is_shown_without_a_gap() -> None:
    skills = {1: 0.05, 2: 0.04, 3: 0.01, 4: 0.05}
    windows = [WINDOW | {"horizon": horizon, "crps_skill_ratio": skill} for horizon, skill in skills.items()]
    good = assess(TICKER, windows)["good_for"]
    assert "Up to 2 bars ahead: so far the edge over the random walk is shown." in good
    assert not any("bars ahead" in sentence for sentence in assess(TICKER, windows[:1])["good_for"])


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"is_simulated": True}, "the prices are made up"),
        ({"is_fallback": True, "fallback_reason": "too little history"}, "the model (too little history)"),
        ({"is_fallback": True}, "stands in for the model."),
        ({"freshness": "late"}, "the newest forecast is late"),
    ],
)
def test_the_state_of_the_forecast_comes_first(state: dict[str, Any], words: str) -> None:
    _, bad = judged(state)
    assert words in bad.split(" | ")[0]


def test_fees_and_risk_are_always_named() -> None:
    assert "fees, spreads and your own risk" in judged()[1]
