"""Which questions teach and which judge, and that nothing is on both sides."""

from dataclasses import replace

import pytest

from include.errors import DataContractError, InvalidRequestError
from language.examples import Passage
from language.splitting import require_apart, split
from tests.language.made_up import example


def company(number: int, count: int = 4) -> list:
    """Questions about one company, whose texts resemble no other company's."""
    return [
        example(
            f"What did company {number} write in line {line} of its {number * 31 + line}th report of sales?",
            f"edgar/{number}",
            str(number * 100 + line),
            passages=tuple(
                Passage(f"r{number}#s:{place}", " ".join(f"word{number}x{line}x{place}x{each}" for each in range(30)))
                for place in (0, 1)
            ),
        )
        for line in range(count)
    ]


MANY = [each for number in range(40) for each in company(number)]


def test_every_company_is_on_one_side():
    found = split(MANY, 0.2)
    assert not {each.group for each in found.train} & {each.group for each in found.test}
    assert len(found.train) + len(found.test) == len(MANY)
    assert 2 <= len({each.group for each in found.test}) <= 16


def test_the_order_and_other_companies_move_no_company():
    found = split(MANY, 0.2)
    assert split(MANY[::-1], 0.2) == found
    more = split([*MANY, *company(77)], 0.2)
    assert {each.group for each in found.test} == {each.group for each in more.test} - {"edgar/77"}


def test_two_companies_are_enough_and_one_is_not():
    found = split([*company(1), *company(2)], 0.01)
    assert len(found.train) == len(found.test) == 4
    with pytest.raises(InvalidRequestError, match="1 companies have questions"):
        split(company(1), 0.2)
    with pytest.raises(InvalidRequestError, match="0 companies"):
        split([], 0.2)


def test_a_teaching_question_that_resembles_a_judging_one_is_dropped():
    plain = split(MANY, 0.2)
    copied = plain.test[0]
    planted = replace(copied, group=plain.train[0].group, receipt=plain.train[0].receipt, answer=copied.answer + " ")
    found = split([*MANY, planted], 0.2)
    assert planted not in found.train
    assert found.dropped["question resembles the test set"] == 1
    assert found.test == plain.test


def test_a_passage_of_the_test_set_does_not_teach_under_another_question():
    plain = split(MANY, 0.2)
    words = plain.test[0].passages[0].text.split()
    shown = Passage("other#s:1", " ".join([*words[:-1], "changed"]))
    planted = replace(plain.train[0], question="Something else entirely about this?", passages=(shown,) * 2)
    found = split([*MANY, planted], 0.2)
    assert planted not in found.train
    assert found.dropped["passage resembles the test set"] == 1


def test_a_repeated_question_teaches_once():
    plain = split(MANY, 0.2)
    twin = replace(plain.train[0], question=plain.train[0].question + "?")
    found = split([*MANY, plain.train[0], twin], 0.2)
    assert len(found.train) == len(plain.train)
    assert (found.dropped["repeated"], found.dropped["resembles another one"]) == (1, 1)


@pytest.mark.parametrize("name", ["group", "receipt", "question"])
def test_what_is_on_both_sides_is_named(name):
    first, second = company(1)[0], company(2)[0]
    with pytest.raises(DataContractError, match="is in the questions that teach and in those that judge"):
        require_apart([first], [replace(second, **{name: getattr(first, name)})])


def test_a_near_duplicate_on_both_sides_is_named():
    first, second = company(1)[0], company(2)[0]
    with pytest.raises(DataContractError, match="A passage that teaches resembles"):
        require_apart([first], [replace(second, passages=first.passages)])
    require_apart([first], [second])
