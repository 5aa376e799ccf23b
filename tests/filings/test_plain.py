"""Filings that are plain text."""

from include.filings.blocks import Heading, Paragraph, TableBlock
from include.filings.plain import read_plain

TEXT = b"""<PAGE>
                  FORM 8-K
                  --------
ITEM 2.02.  RESULTS OF OPERATIONS.

The company earned more
than before.
                     12
<PAGE>
<TABLE>
<CAPTION>
                          Three Months Ended
                        2005         2004
                        ----         ----
<S>                  <C>          <C>
Revenues:
Finance income       $19,028      $ 12,050
Interest                (512)            -
                     -------      -------
Net income           $18,516      $12,050
</TABLE>
Caf\xe9
"""


def test_lines_become_paragraphs_and_pages_leave_no_trace() -> None:
    found = read_plain(TEXT)
    assert found[:3] == [
        Heading("FORM 8-K", 4),
        Heading("ITEM 2.02. RESULTS OF OPERATIONS.", 3),
        Paragraph("The company earned more than before. 12"),
    ]
    assert found[-1] == Paragraph("Café")


def test_fixed_columns_become_a_table() -> None:
    (table,) = [block.table for block in read_plain(TEXT) if isinstance(block, TableBlock)]
    assert table.header[1].endswith("2005")
    assert table.header[2].endswith("2004")
    assert table.rows == (
        ("Revenues:", "", ""),
        ("Finance income", "$19,028", "$ 12,050"),
        ("Interest", "(512)", "-"),
        ("Net income", "$18,516", "$12,050"),
    )
