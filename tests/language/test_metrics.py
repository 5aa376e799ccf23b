"""Scores of answers, and errors of their means."""

import math

import pytest

from include.errors import DataContractError
from language.examples import NOTHING
from language.metrics import Scored, estimate, score, summary, values_of, word_f1
from tests.language.made_up import example


def scored(key: str, figure: float | None, group: str = "a", **more: object) -> Scored:
    values = {"kind": "cell", "receipt": "r", "answer": "", "citation": 1.0, "words": 0.5, "refusal": None}
    return Scored(key=key, group=group, figure=figure, loss=1.0, tokens=4, **{**values, **more})  # type: ignore[arg-type]  # values of any type


@pytest.mark.parametrize(
    ("answer", "figure", "citation"),
    [
        ("7 [1]", 1.0, 1.0),
        ("It is 7.00 [1].", 1.0, 1.0),
        ("7 [2]", 1.0, 0.0),
        ("7 [1][2]", 1.0, 0.0),
        ("7", 1.0, 0.0),
        ("17 [1]", 0.0, 1.0),
        ("(7) [1]", 0.0, 1.0),
        ("", 0.0, 0.0),
        (NOTHING, 0.0, 0.0),
    ],
)
def test_a_figure_is_exact_or_wrong_and_a_citation_is_the_right_passage_alone(answer, figure, citation):
    found = score(example(), answer, 0.5, 3)
    assert (found.figure, found.citation, found.refusal) == (figure, citation, None)


def test_what_the_filings_do_not_say_is_to_be_refused():
    missing = example(figure=None)
    assert score(missing, NOTHING, 0.1, 5).refusal == 1.0
    assert score(missing, "7 [1]", 0.1, 5).refusal == 0.0
    assert score(missing, NOTHING, 0.1, 5).figure is None


def test_words_in_common():
    assert word_f1("Net sales rose", "sales rose by 5") == pytest.approx(2 * 2 / 7)
    assert word_f1("", "") == 1.0
    assert word_f1("", "a") == 0.0
    assert word_f1("1,000", "1,000") == 1.0


def test_the_error_is_that_of_a_mean():
    values = {str(number): float(number % 2) for number in range(100)}
    found = estimate(values, {key: key for key in values})
    assert found.mean == 0.5
    assert found.error == pytest.approx(0.5 / math.sqrt(99), rel=0.01)


def test_questions_about_few_companies_are_less_sure():
    values = {str(number): float(number < 50) for number in range(100)}
    alone = estimate(values, {key: key for key in values})
    by_company = estimate(values, {key: "a" if int(key) < 50 else "b" for key in values})
    assert by_company.error == pytest.approx(0.5)
    assert by_company.error > 5 * alone.error


def test_one_question_proves_nothing_and_none_is_refused():
    assert estimate({"a": 1.0}, {"a": "x"}).error == math.inf
    with pytest.raises(DataContractError):
        estimate({}, {})


def test_the_summary_has_means_by_score_and_by_kind():
    found = summary([scored("a", 1.0), scored("b", 0.0, kind="growth"), scored("c", None, refusal=1.0, answer=NOTHING)])
    assert found["figure"]["mean"] == 0.5
    assert found["figure_by_kind"]["growth"]["mean"] == 0.0
    assert found["refusal"]["mean"] == 1.0
    assert found["false_refusal"] == 0.0
    assert found["perplexity"] == pytest.approx(math.e)
    assert found["questions"] == 3


def test_a_score_that_a_question_has_not_is_left_out():
    assert values_of([scored("a", 1.0), scored("b", None)], "figure") == {"a": 1.0}
