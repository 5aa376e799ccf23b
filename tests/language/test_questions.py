"""Questions about filings: their answers are exact, and only the cited passage has them."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from language.examples import NOTHING, Kind
from language.figures import answered_figure, cell_value
from language.questions import Limits, make_examples
from tests.language.made_up import filing, passages

EXAMPLES = make_examples(filing(), passages(), Limits(per_kind=40, passages=2))


def of(kind: Kind) -> dict[str, str]:
    return {example.question: example.answer for example in EXAMPLES if example.kind is kind}


def test_every_kind_of_question_is_there():
    assert set(Counter(example.kind for example in EXAMPLES)) == set(Kind) - {Kind.BROUGHT}


def test_a_cell_is_asked_by_its_label_and_heading_and_answered_as_it_stands():
    wages = [(question, answer) for question, answer in of(Kind.CELL).items() if "Wages" in question]
    assert {answer.partition(" [")[0] for _, answer in wages} == {"(3,080)", "(2,644)"}
    assert all("Expenses: Wages" in question and "10-K" in question for question, _ in wages)


def test_a_difference_is_the_later_figure_minus_the_earlier_one_with_its_working():
    (answer,) = (answer for question, answer in of(Kind.DIFFERENCE).items() if "Net sales" in question)
    assert answer.startswith("391,035 - 383,285 = 7,750 [")


def test_growth_is_in_percent_of_the_earlier_figure():
    (answer,) = (answer for question, answer in of(Kind.GROWTH).items() if "Net sales" in question)
    assert answer.startswith("(391,035 - 383,285) / 383,285 = 2.0% [")


def test_no_growth_of_a_negative_figure_and_no_difference_of_percentages():
    assert not any("Wages" in question or "Margin" in question for question in of(Kind.GROWTH))
    assert not any("Margin" in question for question in of(Kind.DIFFERENCE))


def test_a_sentence_has_a_gap_where_its_figure_stands():
    ((question, answer),) = of(Kind.SENTENCE).items()
    assert "owned ____ square feet" in question
    assert answer.startswith("4,815,022 [")


def test_the_figure_of_every_example_is_what_its_answer_says():
    for example in EXAMPLES:
        if example.figure is not None:
            assert answered_figure(example.answer.partition(" [")[0], "") == Decimal(example.figure)


def test_the_cited_passage_has_the_answer_and_no_other_one_has():
    for example in EXAMPLES:
        if example.kind in {Kind.CELL, Kind.SENTENCE}:
            said = example.answer.partition(" [")[0]
            assert [number for number, passage in enumerate(example.passages, 1) if said in passage.text] == [
                example.cited
            ]


def test_what_is_missing_is_in_no_passage():
    missing = [example for example in EXAMPLES if example.kind is Kind.MISSING]
    assert missing
    for example in missing:
        label = example.question.split('"')[1].rpartition(": ")[2]
        assert (example.answer, example.cited, example.figure) == (NOTHING, None, None)
        assert not any(label in passage.text for passage in example.passages)


def test_a_citation_leads_to_the_characters_of_the_filing():
    first = passages()[0]
    citations = {passage.citation for example in EXAMPLES for passage in example.passages}
    assert f"0000000001-24-000001#item-8:0-{first.end_character}" in citations


def test_the_right_passage_is_not_always_the_first():
    assert {example.cited for example in EXAMPLES if example.cited} == {1, 2}


def test_the_same_filing_gives_the_same_questions_and_the_limit_holds():
    assert make_examples(filing(), passages(), Limits(per_kind=40, passages=2)) == EXAMPLES
    few = make_examples(filing(), passages(), Limits(per_kind=2, passages=2))
    assert max(Counter(example.kind for example in few).values()) == 2
    assert set(few) <= set(EXAMPLES)


def test_a_long_passage_is_not_asked_about():
    long = [replace(passages()[0], text=passages()[0].text + "\n| Rest | 1 |" * 200), *passages()[1:]]
    assert not any("Net sales" in example.question for example in make_examples(filing(), long, Limits(40, 2)))


def test_a_korean_filing_is_asked_in_korean():
    found = make_examples(filing(source="dart", receipt="20230515002292"), passages(), Limits(40, 2))
    assert any("얼마" in example.question for example in found)
    assert {example.group for example in found} == {"dart/0000000001"}


def test_the_lead_of_a_table_stands_before_its_rows_and_escapes_are_gone():
    head, _, rows = passages()[1].text.partition("\n| Employees")
    led = replace(passages()[1], lead=f"(in thousands) \\[a\\]\n\n{head}", text=f"| Employees{rows}")
    found = make_examples(filing(), [passages()[0], led], Limits(40, 2))
    (example,) = (each for each in found if each.kind is Kind.CELL and each.answer.startswith("164,000"))
    assert example.passages[(example.cited or 0) - 1].text.startswith("(in thousands) [a]\n\n|  | 2024 | 2023 |")
    assert cell_value(example.answer.partition(" [")[0]) == 164000
