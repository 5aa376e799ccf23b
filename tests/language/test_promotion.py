"""A model is promoted only if it is proven better."""

import pytest

from language.promotion import judge
from tests.language.test_metrics import scored


def answers(right: float, count: int = 100, citation: float = 1.0, seed: int = 0) -> list:
    """Answers of which a share is right, spread over ten companies."""
    return [
        scored(
            str(number),
            float((number * 37 + seed) % 100 < 100 * right),
            f"company {number % 10}",
            citation=float((number * 53 + seed) % 100 < 100 * citation),
        )
        for number in range(count)
    ]


def test_a_model_that_is_clearly_better_is_promoted():
    verdict = judge(answers(0.1), answers(0.6))
    assert verdict.is_promoted
    assert verdict.reason.startswith("better: exact figures +50.0 points (error")


def test_a_model_that_only_seems_better_is_not():
    verdict = judge(answers(0.50), answers(0.51))
    assert not verdict.is_promoted
    assert verdict.reason.startswith("not proven better: exact figures +1.0 points")


def test_the_same_model_and_a_worse_one_are_not():
    assert not judge(answers(0.5), answers(0.5)).is_promoted
    assert not judge(answers(0.6), answers(0.1)).is_promoted


def test_worse_citations_stop_a_model_with_better_figures():
    verdict = judge(answers(0.1, citation=0.9), answers(0.6, citation=0.2))
    assert not verdict.is_promoted
    assert verdict.reason.startswith("worse: citation -70.0 points")


def test_few_questions_decide_nothing():
    verdict = judge(answers(0.0, 29), answers(1.0, 29))
    assert not verdict.is_promoted
    assert "only 29 questions" in verdict.reason
    assert judge([], answers(1.0)).reason.startswith("only 0 questions")


def test_one_company_of_many_does_not_promote_a_model():
    old = answers(0.0)
    new = [scored(each.key, float(each.group == "company 3"), each.group) for each in old]
    verdict = judge(old, new)
    assert not verdict.is_promoted
    assert verdict.differences["figure"].mean == pytest.approx(0.1)
