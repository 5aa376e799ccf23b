"""Filings in the database: versions, what is known when, and chunks that only their own document replaces."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from include.store.engine import Connection, fetch_rows
from include.store.filings import (
    ChunkRow,
    FilingRow,
    counts,
    load_unfetched,
    load_version,
    save_document,
    save_listed,
    save_version,
    unconverted,
)

pytestmark = pytest.mark.integration

ACCEPTED = datetime(2024, 2, 1, 21, 5, tzinfo=UTC)
LATER = ACCEPTED + timedelta(days=30)
FILING = FilingRow(
    source="edgar",
    receipt="0000000001-24-000007",
    number="0000000001",
    name="Nova Inc.",
    tickers=("NOVA",),
    form="8-K",
    items=("2.02", "9.01"),
    period_end=date(2023, 12, 31),
    filed_on=date(2024, 2, 1),
    accepted_at=ACCEPTED,
    main_document="nova.htm",
    address="https://example.org/nova",
    is_amendment=False,
)
OTHER = replace(FILING, receipt="0000000001-24-000008", form="10-K/A")
PARENT = ChunkRow(0, None, "item-1", ("Nova", "Item 1"), 0, 40, "", "", False, None)
CHILD = ChunkRow(
    1, 0, "item-1", ("Nova", "Item 1"), 0, 40, "", "Sales rose in all regions. 매출 증가", False, "매출 증가"
)


def rows(connection: Connection, table: str) -> list[dict[str, object]]:
    return fetch_rows(connection, f"select * from filings.{table} order by 1, 2")


def stored(connection: Connection, filing: FilingRow = FILING, content: bytes = b"first") -> int:
    save_version(connection, filing, content, LATER)
    return unconverted(connection, "c1")[-1]


def test_a_filing_comes_back_as_it_was_stored(connection: Connection) -> None:
    found = load_version(connection, stored(connection, content=b"\x00\xff" * 9))
    assert (found.filing, found.content) == (FILING, b"\x00\xff" * 9)


def test_the_same_content_is_no_new_version(connection: Connection) -> None:
    assert save_version(connection, FILING, b"first", ACCEPTED + timedelta(minutes=1)) == 1
    before = rows(connection, "version"), rows(connection, "filing"), rows(connection, "company")
    assert save_version(connection, FILING, b"first", LATER) is None
    assert (rows(connection, "version"), rows(connection, "filing"), rows(connection, "company")) == before


def test_another_content_is_a_version_that_is_known_from_its_reading_on(connection: Connection) -> None:
    save_version(connection, FILING, b"first", ACCEPTED + timedelta(days=9))
    assert save_version(connection, FILING, b"second", LATER) == 2
    assert [(row["version"], row["known_at"], row["superseded_at"]) for row in rows(connection, "version")] == [
        (1, ACCEPTED, LATER),
        (2, LATER, None),
    ]


def test_a_list_changes_nothing_of_a_filing_whose_header_was_read(connection: Connection) -> None:
    assert save_listed(connection, [replace(FILING, accepted_at=LATER)]) == 1
    stored(connection)
    assert save_listed(connection, [replace(FILING, accepted_at=LATER, form="8-K/A")]) == 0
    assert load_version(connection, unconverted(connection, "c1")[0]).filing == FILING


def test_a_file_that_names_no_ticker_keeps_those_of_the_list(connection: Connection) -> None:
    save_listed(connection, [FILING])
    save_listed(connection, [replace(OTHER, tickers=(), name="NOVA INC.")])
    (company,) = rows(connection, "company")
    assert (company["name"], company["tickers"]) == ("Nova Inc.", ["NOVA"])
    save_listed(connection, [replace(FILING, tickers=("NOVA", "NOVB"))])
    assert rows(connection, "company")[0]["tickers"] == ["NOVA", "NOVB"]


def test_only_wanted_filings_without_a_content_are_fetched(connection: Connection) -> None:
    save_listed(connection, [FILING, OTHER, replace(FILING, receipt="0000000001-24-000009", form="S-8")])
    wanted = {"source": "edgar", "numbers": ["0000000001"], "forms": ["8-K", "10-K"]}
    assert [row.receipt for row in load_unfetched(connection, **wanted)] == [OTHER.receipt, FILING.receipt]
    stored(connection)
    assert [row.receipt for row in load_unfetched(connection, **wanted)] == [OTHER.receipt]
    assert load_unfetched(connection, **(wanted | {"numbers": ["0000000002"]})) == []


def test_a_document_is_stored_with_its_chunks_once_for_each_converter(connection: Connection) -> None:
    version = stored(connection)
    save_document(connection, version, "c1", "text", [PARENT, CHILD])
    assert unconverted(connection, "c1") == []
    assert unconverted(connection, "c2") == [version]
    before = rows(connection, "document"), rows(connection, "chunk")
    save_document(connection, version, "c1", "other", [PARENT])
    assert (rows(connection, "document"), rows(connection, "chunk")) == before
    parent, child = rows(connection, "chunk")
    assert (parent["words"], child["parent_number"], child["word_count"]) == (None, 0, 7)
    assert {"'rose'", "'매출'", "'item'"} <= {word.partition(":")[0] for word in str(child["words"]).split()}


def test_a_changed_document_replaces_only_its_own_changed_chunks(connection: Connection) -> None:
    version, other = stored(connection), stored(connection, OTHER)
    for each in (version, other):
        save_document(connection, each, "c1", "text", [PARENT, CHILD, replace(CHILD, number=2, text="Costs fell.")])
    before = {row["chunk_id"]: (row["version_id"], row["text"]) for row in rows(connection, "chunk")}
    save_document(connection, version, "c2", "text", [PARENT, CHILD, replace(CHILD, number=2, text="Costs rose.")])
    after = {row["chunk_id"]: (row["version_id"], row["text"]) for row in rows(connection, "chunk")}
    assert [before[number] for number in set(before) - set(after)] == [(version, "Costs fell.")]
    assert [after[number] for number in set(after) - set(before)] == [(version, "Costs rose.")]


def test_a_document_that_cannot_be_converted_has_the_reason_and_no_chunk(connection: Connection) -> None:
    version = stored(connection)
    save_document(connection, version, "c1", "text", [PARENT, CHILD])
    save_document(connection, version, "c2", None, [], "none of its 1 documents can be read")
    (document,) = rows(connection, "document")
    assert (document["markdown"], document["problem"]) == (None, "none of its 1 documents can be read")
    assert counts(connection) == {"filings": 1, "versions": 1, "documents": 0, "problems": 1, "chunks": 0}
