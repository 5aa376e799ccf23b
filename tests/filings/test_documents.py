"""A filing as one Markdown document: its text, its sections and its front matter."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import yaml

from include.errors import DataContractError
from include.filings.blocks import Heading, ListItem, Paragraph, TableBlock
from include.filings.contracts import Company, Filing, FilingSource, RawDocument
from include.filings.documents import convert
from include.filings.markdown import render
from include.filings.tables import Table

NOVA = Company(FilingSource.EDGAR, "0000000001", "Nova: Inc.", ("NOVA",))
FILING = Filing(
    FilingSource.EDGAR,
    "0000000001-24-000007",
    NOVA,
    "8-K/A",
    datetime(2024, 2, 1, 21, 5, tzinfo=UTC),
    date(2024, 2, 1),
    period_end=date(2023, 12, 31),
    items=("2.02",),
    main_document="nova.htm",
    address="https://example.org/nova",
    is_amendment=True,
)
MAIN = RawDocument("8-K/A", "nova.htm", b"<html><body><p><b>Item 2.02 Results</b></p><p>We report.</p></body></html>")
PRESS = RawDocument(
    "EX-99.1", "press.htm", b"<html><body><p><b>Outlook</b></p><p>Good.</p><p><b>Outlook</b></p></body></html>"
)
PICTURE = RawDocument("GRAPHIC", "logo.jpg", b"begin 644 logo.jpg")


def test_main_document_and_press_release_are_one_text() -> None:
    found = convert(FILING, [MAIN, PICTURE, PRESS])
    assert found.text == (
        "# Nova: Inc. 8-K/A\n\n### Item 2.02 Results\n\nWe report.\n\n"
        "## Exhibit 99.1\n\n#### Outlook\n\nGood.\n\n#### Outlook\n"
    )
    assert found.path() == "docs/0000000001/2024/8-K-A/0000000001-24-000007.md"


def test_a_section_knows_its_place_and_what_is_around_it() -> None:
    found = convert(FILING, [MAIN, PRESS])
    assert [section.anchor for section in found.sections] == [
        "nova-inc-8-k-a",
        "item-2-02-results",
        "exhibit-99-1",
        "outlook",
        "outlook-2",
    ]
    outlook = found.sections[3]
    assert outlook.path == ("Nova: Inc. 8-K/A", "Exhibit 99.1", "Outlook")
    assert found.text[outlook.start : outlook.end] == "#### Outlook\n\nGood.\n\n"
    assert "".join(found.text[section.start : section.end] for section in found.sections) == found.text


def test_front_matter_says_what_the_filing_is() -> None:
    whole = convert(FILING, [MAIN]).with_front_matter()
    _, head, text = whole.split("---\n", 2)
    read = yaml.safe_load(head)
    assert text.startswith("\n# Nova")
    assert read["company"] == "Nova: Inc."
    assert (read["company_number"], read["receipt"]) == ("0000000001", "0000000001-24-000007")
    assert (read["accepted_at"], read["period_end"]) == ("2024-02-01T21:05:00+00:00", "2023-12-31")
    assert read["sections"][1] == {"anchor": "item-2-02-results", "title": "Item 2.02 Results"}
    assert convert(FILING, [MAIN]).with_front_matter() == whole


@pytest.mark.parametrize("documents", [[], [replace(MAIN, content=b"<html></html>")]], ids=["none", "empty"])
def test_a_filing_that_cannot_be_read_is_named(documents: list[RawDocument]) -> None:
    with pytest.raises(DataContractError, match=r"0000000001-24-000007"):
        convert(FILING, documents)


def test_every_block_is_found_at_its_place() -> None:
    table = Table("In millions", ("", "2024"), (("Sales | net", "$1"),))
    blocks = [
        Heading("A", 2),
        Paragraph("1. *x* <b>"),
        ListItem("one"),
        ListItem("two"),
        TableBlock(table),
        Paragraph("# no"),
    ]
    text, placed = render(blocks)
    assert [text[place.start : place.end] for place in placed] == [
        "## A",
        "1\\. \\*x\\* \\<b\\>",
        "- one",
        "- two",
        "In millions\n\n|  | 2024 |\n| --- | --- |\n| Sales \\| net | $1 |",
        "\\# no",
    ]
    assert "- one\n- two\n\n" in text


def test_a_table_of_plain_text_is_kept() -> None:
    text = (
        "Nova reports its results.\n\n<TABLE>\n<CAPTION>\n                 2005      2004\n"
        "<S>              <C>       <C>\n"
        "Finance income   $19,028   $12,050\nInterest             512       167\n</TABLE>\n"
    )
    found = convert(FILING, [RawDocument("10-K", "nova.txt", text.encode())]).text
    assert "| Finance income | $19,028 | $12,050 |" in found
