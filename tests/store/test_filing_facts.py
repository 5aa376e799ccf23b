"""Figures of filings in the database: exact, replaced with their version, and bounded by an instant."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from include.store.engine import Connection, fetch_rows
from include.store.filing_facts import Fact, load_facts, save_facts
from include.store.filings import save_document, save_version, unconverted
from tests.store.test_filings import ACCEPTED, FILING, LATER, PARENT

pytestmark = pytest.mark.integration
SALES = Fact(
    "us-gaap:Revenues", "Sales", date(2023, 1, 1), date(2023, 12, 31), "USD", Decimal("99999999999999999.01"), -6
)
CASH = replace(SALES, concept="us-gaap:Cash", period_start=None, decimals=None)
PART = replace(SALES, dimensions="srt:Axis=nova:Europe")


def store(connection: Connection, facts: list[Fact], content: bytes = b"1") -> int:
    save_version(connection, FILING, content, LATER)
    (version,) = unconverted(connection, "c1")
    save_document(connection, version, "c1", "text", [PARENT])
    save_facts(connection, version, facts)
    return version


def test_a_figure_comes_back_as_it_was_without_those_of_parts(connection: Connection) -> None:
    store(connection, [SALES, PART, CASH])
    assert load_facts(connection, [FILING.receipt, "none"], ACCEPTED) == {FILING.receipt: [SALES, CASH], "none": []}
    assert load_facts(connection, [FILING.receipt], ACCEPTED - timedelta(microseconds=1)) == {FILING.receipt: []}


def test_each_instant_sees_the_figures_of_the_version_that_counted(connection: Connection) -> None:
    store(connection, [SALES])
    store(connection, [CASH], b"2")
    assert load_facts(connection, [FILING.receipt], LATER - timedelta(microseconds=1)) == {FILING.receipt: [SALES]}
    assert load_facts(connection, [FILING.receipt], LATER) == {FILING.receipt: [CASH]}


def test_a_repetition_changes_no_row_and_another_reading_replaces_them(connection: Connection) -> None:
    version = store(connection, [SALES, CASH])
    rows = "select ctid::text as place, concept from filings.fact order by number"
    before = fetch_rows(connection, rows)
    save_facts(connection, version, [SALES, CASH])
    assert fetch_rows(connection, rows) == before
    save_facts(connection, version, [SALES, PART])
    assert [row["concept"] for row in fetch_rows(connection, rows)] == ["us-gaap:Revenues", "us-gaap:Revenues"]
