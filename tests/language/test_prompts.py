"""Questions as messages."""

from language.prompts import answer_of, messages_of
from tests.language.made_up import example


def test_passages_are_numbered_and_the_rules_are_the_systems():
    system, user = messages_of(example("What were sales?"))
    assert (system["role"], user["role"]) == ("system", "user")
    assert "Cite the passage as [1]" in system["content"]
    assert user["content"].startswith("[1] One row")
    assert "\n\n[2] Another row." in user["content"]
    assert user["content"].endswith("Question: What were sales?")


def test_a_question_without_passages_stands_alone():
    assert messages_of(example(passages=())) == [{"role": "user", "content": "What?"}]


def test_the_answer_is_the_assistants():
    assert answer_of(example()) == [{"role": "assistant", "content": "7 [1]"}]
