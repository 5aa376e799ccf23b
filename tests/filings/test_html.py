"""HTML filings: what a reader sees, in order, without the paper's own lines."""

import pytest

from include.errors import DataContractError
from include.filings.blocks import Block, Heading, ListItem, Paragraph, TableBlock
from include.filings.html import read_html
from include.filings.tables import Table

BULLETS = (("•", "first"), ("(2)", "second"))
BREAK = "<hr style='page-break-after:always'>"


def blocks(body: str) -> list[Block]:
    return read_html(f"<html><body>{body}</body></html>")


@pytest.mark.parametrize(
    ("body", "level"),
    [
        ("<p>PART II</p>", 2),
        ("<div><span style='font-weight:700'>Item 7. Discussion and Analysis</span></div>", 3),
        ("<p>ITEM 2.02 RESULTS OF OPERATIONS</p>", 3),
        ("<p><b>Item 2</b><b> .0</b><b>2 Results</b></p>", 3),
        ("<table><tr><td>Item 1A.</td><td>Risk Factors</td></tr></table>", 3),
        ("<p><b>Products</b></p>", 4),
        ("<h2>Products</h2>", 3),
    ],
    ids=["part", "item", "8-K", "split-by-tags", "in-a-table", "bold", "h2"],
)
def test_a_heading_is_known_by_its_words_or_its_weight(body: str, level: int) -> None:
    (found,) = blocks(body)
    assert isinstance(found, Heading)
    assert found.level == level


@pytest.mark.parametrize(
    "body",
    [
        "<p>Item 7 of our report describes what follows, and this is a whole sentence that goes on for quite a while, "
        "so it is none.</p>",
        "<p><b>This sentence is bold because the company wished to stress it, and it ends with a full stop.</b></p>",
        "<p>Revenue <b>rose</b></p>",
        "<p style='font-weight:bold'><span style='font-weight:400'>Not bold</span></p>",
    ],
    ids=["item", "bold-sentence", "one-bold-word", "made-light"],
)
def test_a_sentence_is_no_heading(body: str) -> None:
    (found,) = blocks(body)
    assert isinstance(found, Paragraph)


def test_hidden_facts_and_code_are_left_out() -> None:
    hidden = "<div style='display:none'><ix:header>123</ix:header></div><script>x()</script>"
    body = f"{hidden}<p>Net sales were <ix:nonfraction>5</ix:nonfraction>.</p>"
    assert blocks(body) == [Paragraph("Net sales were 5.")]


def test_a_bullet_in_a_table_is_an_item_of_a_list() -> None:
    tables = "".join(f"<table><tr><td>{mark}</td><td>{text}</td></tr></table>" for mark, text in BULLETS)
    body = f"{tables}<ul><li>third</li></ul><p>● fourth</p>"
    assert blocks(body) == [ListItem("first"), ListItem("(2) second"), ListItem("third"), ListItem("fourth")]


def test_a_table_inside_a_table_keeps_its_rows() -> None:
    inner = "<table><tr><td>a</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>"
    assert blocks(f"<table><tr><td>Before</td><td>{inner}</td></tr></table>") == [
        Paragraph("Before"),
        TableBlock(Table("", ("", ""), (("a", "1"), ("b", "2")))),
    ]


def test_two_breaks_end_a_paragraph_and_one_is_a_space() -> None:
    assert blocks("one<br>two<br><br>three") == [Paragraph("one two"), Paragraph("three")]


def test_the_foot_of_every_page_is_left_out_and_what_is_said_again_is_kept() -> None:
    words = ("cost", "debt", "cash", "risk", "people", "plants", "taxes", "leases")
    pages = "".join(
        f"<p>On {word}.</p><p>(In millions)</p><p>More on {word}.</p>"
        f"<p>Firm | Form 10-K | {page}</p><p>{page}</p>{BREAK}"
        for page, word in enumerate(words)
    )
    found = [block.text for block in blocks(pages) if isinstance(block, Paragraph)]
    assert found == [text for word in words for text in (f"On {word}.", "(In millions)", f"More on {word}.")]


@pytest.mark.parametrize("content", ["", "   ", "<html><body></body></html>", "<p style='display:none'>x</p>"])
def test_a_document_without_text_is_refused(content: str) -> None:
    with pytest.raises(DataContractError, match=r"no text|no HTML"):
        read_html(content)
