"""Chunks: nothing is lost, nothing is said twice, and every citation leads to its words."""

from dataclasses import replace

import pytest

from include.filings.chunks import CHILD_SIZE, PARENT_SIZE, Chunk, cut
from include.filings.contracts import RawDocument
from include.filings.documents import Document, convert
from tests.filings.test_documents import FILING

SENTENCES = " ".join(
    f"Sentence {number} says that sales of product {number} rose by {number} %." for number in range(60)
)
ROWS = "".join(
    f"<tr><td>Product {number} of the company</td><td>{number},000</td><td>{number}.5</td></tr>" for number in range(80)
)
TABLE = f"<table><tr><td>(In millions)</td><td>2024</td><td>2023</td></tr>{ROWS}</table>"
BODY = (
    f"<p><b>Item 1. Business</b></p><p>We sell things.</p><p>{SENTENCES}</p>"
    f"<p><b>Item 7. Results</b></p><p>Sales by product:</p>{TABLE}<ul><li>one</li><li>two</li></ul>"
)


@pytest.fixture
def document() -> Document:
    return convert(FILING, [RawDocument("10-K", "nova.htm", f"<html><body>{BODY}</body></html>".encode())])


def words(chunks: list[Chunk]) -> list[str]:
    return [word for chunk in chunks for word in chunk.text.split()]


def test_every_word_but_the_headings_is_in_one_child_and_in_one_parent(document: Document) -> None:
    parents, children = cut(document)
    headings = [line for line in document.text.splitlines() if line.startswith("#")]
    all_words = [word for line in document.text.splitlines() if line not in headings for word in line.split()]
    assert words(children) == words(parents) == all_words


def test_a_citation_leads_to_the_words(document: Document) -> None:
    for chunk in (chunk for chunks in cut(document) for chunk in chunks):
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.citation == f"{FILING.receipt}#{chunk.section}:{chunk.start}-{chunk.end}"


def test_a_child_is_small_and_lies_in_its_parent(document: Document) -> None:
    parents, children = cut(document)
    for child in children:
        assert child.parent is not None
        parent = parents[child.parent]
        assert parent.start <= child.start < child.end <= parent.end
        assert (child.section, child.titles) == (parent.section, parent.titles)
        assert len(child.lead) + len(child.text) <= CHILD_SIZE
    assert max(len(parent.text) for parent in parents if "| --- |" not in parent.text) <= PARENT_SIZE
    assert {child.parent for child in children} == set(range(len(parents)))


def test_rows_of_a_long_table_keep_its_headings(document: Document) -> None:
    tables = [child for child in cut(document)[1] if child.is_table]
    head = "| (In millions) | 2024 | 2023 |\n| --- | --- | --- |"
    assert len(tables) > 3
    assert tables[0].text.startswith(head)
    assert tables[0].lead == "Sales by product:"
    assert {child.lead for child in tables[1:]} == {f"Sales by product:\n\n{head}"}
    assert all(child.text.startswith("| Product") for child in tables[1:])


def test_a_table_stays_with_the_line_above_it(document: Document) -> None:
    parents, _ = cut(document)
    (parent,) = [parent for parent in parents if "(In millions)" in parent.text]
    assert parent.text.startswith("Sales by product:")
    assert parent.titles[-1] == "Item 7. Results"


def test_a_sentence_without_an_end_is_one_child(document: Document) -> None:
    body = f"<p>{'x' * 5000}</p>"
    found = convert(FILING, [RawDocument("10-K", "nova.htm", body.encode())])
    parents, children = cut(found)
    assert [len(chunk.text) for chunk in (*parents, *children)] == [5000, 5000]


def test_the_same_document_gives_the_same_chunks(document: Document) -> None:
    assert cut(document) == cut(replace(document))
