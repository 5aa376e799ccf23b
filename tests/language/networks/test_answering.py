"""Answers of a model, before and after."""

from typing import Any

import pytest

pytestmark = [pytest.mark.language, pytest.mark.timeout(1800)]


def test_a_planted_fact_is_learnt(said: dict[str, Any]) -> None:
    whole = said["whole"]
    assert whole["right"][-1] == "A grey heron of 1841."
    assert whole["after"][-1] == whole["right"][-1]
    assert whole["before"][-1] != whole["right"][-1]


def test_the_right_answers_are_likelier_after_than_before(said: dict[str, Any]) -> None:
    evaluation = said["whole"]["evaluation"]
    assert evaluation["tuned"]["perplexity"] < evaluation["base"]["perplexity"]
    assert evaluation["tuned"]["questions"] == evaluation["base"]["questions"] == 12


def test_a_likelihood_is_the_same_beside_other_questions_and_with_the_prompt_read_once(said: dict[str, Any]) -> None:
    assert said["whole"]["loss_difference"] < 1e-4


def test_a_file_of_answers_that_lost_its_end_is_completed(said: dict[str, Any]) -> None:
    assert said["whole"]["cut_off_line"] is True


def test_few_questions_promote_nothing_and_the_table_says_so(said: dict[str, Any]) -> None:
    whole = said["whole"]
    assert whole["promoted"]["is_promoted"] is False
    assert "fewer than 30" in whole["promoted"]["note"]
    assert whole["promoted_again"] is True
    (row,) = whole["table"]
    assert (row["base"], row["data"], row["promoted"]) == ("tiny", "v1", "no")
    assert "±" in row["figures after"]
