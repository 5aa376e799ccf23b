"""Both sides of a change: named only where one pair of figures can be meant."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from include.filings.changes import find_change
from include.store.filing_facts import Fact

NEW = Fact("us-gaap:Revenues", "Total revenue", date(2023, 10, 1), date(2024, 9, 28), "USD", Decimal(106_000_000), -6)
OLD = replace(NEW, period_start=date(2022, 9, 25), period_end=date(2023, 9, 30), value=Decimal(100_000_000))
QUARTER = replace(NEW, period_start=date(2024, 6, 30), value=Decimal(26_500_000))
OLD_QUARTER = replace(OLD, period_start=date(2023, 7, 2), value=Decimal(25_000_000))
FACTS = [NEW, OLD, QUARTER, OLD_QUARTER]
SENTENCE = (
    "Revenue increased 6% or $6.0 million during fiscal year 2024 compared to 2023, driven by a 9% rise in prices."
)


def test_both_sides_are_named_with_period_value_and_unit() -> None:
    found = find_change(SENTENCE, FACTS, "r")
    assert found is not None
    assert found.text == (
        "Total revenue rose 6.0 % to 106 million USD [2023-10-01 to 2024-09-28] "
        "from 100 million USD [2022-09-25 to 2023-09-30]."
    )
    assert found.citation == "r#fact:us-gaap:Revenues"


def test_the_length_of_the_period_chooses_the_pair() -> None:
    found = find_change("Revenue increased 6% in the fourth quarter of 2024.", FACTS, "r")
    assert found is not None
    assert (found.new, found.old) == (QUARTER, OLD_QUARTER)


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("Revenue increased 6% during 2024.", FACTS),
        ("Revenue increased 6%.", [NEW, OLD]),
        ("Revenue increased 7% during fiscal year 2024.", FACTS),
        ("Revenue decreased 6% during fiscal year 2024.", FACTS),
        ("Revenue from data centers increased 6% during fiscal year 2024.", FACTS),
        ("Services revenue increased 6% during fiscal year 2024.", FACTS),
        ("Fines may go up to 6% of revenue for fiscal year 2024.", FACTS),
        ("Revenue increased 6% and 4% during fiscal year 2024.", FACTS),
        ("Revenue increased 6% or $9 million during fiscal year 2024.", FACTS),
        ("Revenue increased 6% during fiscal year 2023.", FACTS),
        ("Revenue increased 6% sequentially in the fourth quarter of 2024.", FACTS),
        (SENTENCE, [NEW, replace(OLD, unit="EUR")]),
        (SENTENCE, [NEW, replace(OLD, dimensions="srt:Axis=nova:Europe")]),
        (SENTENCE, [NEW, replace(OLD, period_start=date(2023, 4, 1))]),
        (SENTENCE, [NEW, replace(OLD, period_start=None)]),
        (SENTENCE, [NEW, replace(OLD, period_end=date(2022, 9, 24), period_start=date(2021, 9, 26))]),
        (SENTENCE, [NEW, OLD, replace(NEW, concept="x:Y", value=Decimal(212_000_000)),
                    replace(OLD, concept="x:Y", value=Decimal(200_000_000))]),
        (SENTENCE, [NEW, replace(OLD, value=Decimal(0))]),
        (SENTENCE, []),
    ],
)  # fmt: skip
def test_no_pair_is_named_that_may_be_wrong(sentence: str, facts: list[Fact]) -> None:
    found = find_change(sentence, facts, "r")
    if facts[2:3] and facts[2].concept == "x:Y":
        assert found is not None  # its amount of $6.0 million tells the pairs apart
        assert found.new == NEW
        without = sentence.replace(" or $6.0 million", "")
        assert find_change(without, facts, "r") is None
    else:
        assert found is None
