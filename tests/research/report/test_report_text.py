import pytest

from research.report import report_text

VERDICT = {"skill_1": 0.051, "skill_mean": 0.0312, "better": 5.0, "worse": 1.0, "p_value_1": 0.2, "p_value_7": 0.9}
NUMBERS = {"hits": 0.502, "hits_low": 0.49, "hits_high": 0.51, "rank_ic": 0.01, "cost_bp": 0.3, "cost_bp_low": -0.2}
NUMBERS |= {"cost_bp_high": 0.8}


@pytest.mark.parametrize(
    ("p_value", "sentence"),
    [
        (0.2, "could be chance"),
        (0.012, "more than chance (p = 0.012)"),
        (1e-9, "&lt; 0.001"),
        (float("nan"), "too few"),
    ],
)
def test_a_comparison_has_the_counts_and_the_p_value(p_value, sentence):
    text = report_text.comparison("ours", "theirs", VERDICT | {"p_value_1": p_value}, 10)
    assert "a skill of 5.10% one bar ahead" in text
    assert "better on 5 tickers and worse on 1; on 4 there is no significant difference" in text
    assert sentence in text


def test_no_edge_is_claimed_if_the_interval_contains_one_half():
    assert "no edge in direction" in report_text.direction("ours", NUMBERS, NUMBERS)
    edge = NUMBERS | {"hits": 0.55, "hits_low": 0.53, "cost_bp": 3.0, "cost_bp_low": 2.0}
    assert "closer look" in report_text.direction("ours", edge, NUMBERS)


def test_coverage_is_reported_by_group():
    shares = {50: 0.5, 80: 0.81, 90: 0.905, 95: 0.95}
    within = dict.fromkeys(("all", "calm", "middle", "wild", "overnight"), shares)
    text = report_text.coverage("ours", within | {"wild": shares | {90: 0.87}}, "EH", 0.02)
    assert "contained 81.0%" in text
    assert "87.0% in wild" in text
    assert "EH, by 2.0%" in text
