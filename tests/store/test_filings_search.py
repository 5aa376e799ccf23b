"""The search in chunks: what it may see at an instant, which words weigh more, and which chunks fit better."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.store.engine import Connection
from include.store.filings import FilingRow, save_document, save_version, unconverted
from include.store.filings_search import Bounds, find_by_words, load_passages, weigh
from tests.store.test_filings import ACCEPTED, CHILD, FILING, LATER, PARENT

pytestmark = pytest.mark.integration
NOW = Bounds(ACCEPTED + timedelta(days=365))
ANNUAL = replace(FILING, receipt="0000000002-24-000001", number="0000000002", tickers=("ORION",), form="10-K/A")


def store(connection: Connection, texts: Sequence[str], filing: FilingRow = FILING, content: bytes = b"1") -> None:
    save_version(connection, filing, content, LATER)
    (version,) = unconverted(connection, "c1")
    chunks = [replace(CHILD, number=place, text=text, pairs="") for place, text in enumerate(texts, 1)]
    save_document(connection, version, "c1", "text", [PARENT, *chunks])


def found(connection: Connection, question: str, bounds: Bounds = NOW, pairs: str = "") -> list[str]:
    best, _ = find_by_words(connection, bounds, question, pairs, 10)
    return [row.text for row in load_passages(connection, [each.chunk_id for each in best])]


def test_a_filing_that_was_accepted_later_is_not_seen(connection: Connection) -> None:
    store(connection, ["Sales rose."])
    store(connection, ["Sales fell."], replace(ANNUAL, accepted_at=LATER))
    assert sorted(found(connection, "sales")) == ["Sales fell.", "Sales rose."]
    assert found(connection, "sales", Bounds(LATER - timedelta(microseconds=1))) == ["Sales rose."]
    assert found(connection, "sales", Bounds(ACCEPTED - timedelta(microseconds=1))) == []


def test_each_instant_sees_the_version_that_counted_then(connection: Connection) -> None:
    store(connection, ["Sales rose."])
    store(connection, ["Sales were restated."], content=b"2")
    assert found(connection, "sales", Bounds(LATER - timedelta(microseconds=1))) == ["Sales rose."]
    assert found(connection, "sales", Bounds(LATER)) == ["Sales were restated."]


def test_what_is_filed_later_does_not_change_the_weight_of_a_word(connection: Connection) -> None:
    store(connection, ["Sales rose.", "Costs fell."])
    before = find_by_words(connection, Bounds(ACCEPTED), "sales", "", 10)
    store(connection, ["Sales."] * 5, replace(ANNUAL, accepted_at=LATER))
    assert find_by_words(connection, Bounds(ACCEPTED), "sales", "", 10) == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"companies": ("NOVA",)}, ["8-K"]),
        ({"companies": ("0000000002",)}, ["10-K"]),
        ({"companies": ("VEGA",)}, []),
        ({"forms": ("10-K", "10-Q")}, ["10-K"]),
        ({"since": date(2024, 3, 1)}, ["10-K"]),
        ({"until": date(2024, 2, 1)}, ["8-K"]),
        ({}, ["10-K", "8-K"]),
    ],
    ids=["ticker", "number", "nobody", "form", "since", "until", "all"],
)
def test_a_search_stays_within_its_bounds(
    connection: Connection, changes: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    store(connection, ["Sales 8-K."])
    store(connection, ["Sales 10-K."], replace(ANNUAL, filed_on=date(2024, 3, 1)))
    texts = sorted(found(connection, "sales", replace(NOW, **changes)))
    assert [text.removeprefix("Sales ").rstrip(".") for text in texts] == expected


def test_a_rare_word_weighs_more_and_forms_of_a_word_are_one(connection: Connection) -> None:
    store(connection, ["The litigation ended.", *["Sales of the company."] * 6, "Other."])
    assert found(connection, "sale in litigations")[0] == "The litigation ended."


def test_a_short_chunk_with_the_word_is_before_a_long_one(connection: Connection) -> None:
    store(connection, ["Litigation. " + "Other words stand here. " * 60, "Litigation ended.", "Other."])
    assert found(connection, "litigation")[0] == "Litigation ended."


def test_a_word_that_is_nowhere_lowers_what_is_covered(connection: Connection) -> None:
    store(connection, ["Sales rose.", "Costs fell."])
    (whole,), _ = find_by_words(connection, NOW, "sales", "", 10)
    (part,), weights = find_by_words(connection, NOW, "sales of submarines", "", 10)
    assert whole.covered_ratio == pytest.approx(1)
    assert part.covered_ratio == pytest.approx(weights["sale"] / sum(weights.values()))
    assert part.covered_ratio < 0.5


def test_a_question_is_text_and_no_query(connection: Connection) -> None:
    store(connection, ["Sales rose.", "It's a | b & c \\ 'd'."])
    assert found(connection, "sales' | ! (rose & ' \\") == ["Sales rose."]
    assert find_by_words(connection, NOW, "the of", "", 10) == ([], {})


def test_sentences_are_weighed_by_the_words_that_they_have(connection: Connection) -> None:
    texts = [("Sales rose by a lot.", ""), ("Costs fell.", ""), ("매출", "매출")]
    assert weigh(connection, {"sale": 2.0, "rose": 0.5, "매출": 1.0}, texts) == [2.5, 0.0, 1.0]
    assert weigh(connection, {}, []) == []
