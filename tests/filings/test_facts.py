"""Figures of inline XBRL: exact values with period, unit and label."""

from datetime import date
from decimal import Decimal

import pytest

from include.filings.contracts import RawDocument
from include.filings.facts import read_facts
from include.store.filing_facts import Fact

HEAD = (
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" '
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xbrldi="http://xbrl.org/2006/xbrldi" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><body><ix:header><ix:resources>'
)
CONTEXTS = """
<xbrli:context id="y"><xbrli:entity><xbrli:identifier>1</xbrli:identifier></xbrli:entity><xbrli:period>
<xbrli:startDate>2023-01-01</xbrli:startDate><xbrli:endDate>2023-12-31</xbrli:endDate></xbrli:period></xbrli:context>

<xbrli:context id="o"><xbrli:entity/><xbrli:period><xbrli:startDate>2022-01-01</xbrli:startDate>
<xbrli:endDate>2022-12-31</xbrli:endDate></xbrli:period></xbrli:context>
<xbrli:context id="d"><xbrli:entity/><xbrli:period><xbrli:instant>2023-12-31</xbrli:instant></xbrli:period>
</xbrli:context><xbrli:context id="s"><xbrli:entity><xbrli:segment><xbrldi:explicitMember dimension="srt:Axis">
nova:Europe</xbrldi:explicitMember></xbrli:segment></xbrli:entity><xbrli:period><xbrli:startDate>2023-01-01
</xbrli:startDate><xbrli:endDate>2023-12-31</xbrli:endDate></xbrli:period></xbrli:context>
<xbrli:unit id="usd"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit><xbrli:unit id="per"><xbrli:divide>
<xbrli:unitNumerator><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unitNumerator><xbrli:unitDenominator>
<xbrli:measure>xbrli:shares</xbrli:measure></xbrli:unitDenominator></xbrli:divide></xbrli:unit>
</ix:resources></ix:header>"""
YEAR = (date(2023, 1, 1), date(2023, 12, 31))


def mark(text: str, attributes: str = "", *, context: str = "y", unit: str = "usd", concept: str = "us-gaap:X") -> str:
    return (
        f'<ix:nonFraction name="{concept}" contextRef="{context}" unitRef="{unit}" {attributes}>{text}</ix:nonFraction>'
    )


def read(body: str) -> list[Fact]:
    content = f"<XBRL>\n{HEAD}{CONTEXTS}{body}</body></html>\n</XBRL>".encode()
    return read_facts([RawDocument("10-K", "nova.htm", content)])


def test_a_figure_is_exact_with_its_period_unit_and_the_label_of_its_row() -> None:
    (fact,) = read(
        "<table><tr><td>Total net sales (1)</td><td>$</td><td>"
        + mark("1,234.5", 'scale="6" decimals="-5" format="ixt:num-dot-decimal"')
        + "</td></tr></table>"
    )
    assert (fact.value, fact.unit, fact.decimals) == (Decimal(1234500000), "USD", -5)
    assert (fact.period_start, fact.period_end, fact.days) == (*YEAR, 365)
    assert (fact.label, fact.concept, fact.dimensions) == ("Total net sales", "us-gaap:X", "")


@pytest.mark.parametrize(
    ("text", "attributes", "value"),
    [
        ("5", 'sign="-" format="ixt:num-dot-decimal"', "-5"),
        ("0.10", 'scale="-2"', "0.0010"),
        ("1.234,5", 'format="ixt:num-comma-decimal"', "1234.5"),
        ("\u2014", 'format="ixt:fixed-zero"', "0"),
        ("1<span>2</span>3", "", "123"),
        ("99999999999999999999.01", "", "99999999999999999999.01"),
    ],
    ids=["sign", "scale", "comma", "zero", "parts", "long"],
)
def test_formats_of_numbers_are_read(text: str, attributes: str, value: str) -> None:
    (fact,) = read(mark(text, attributes))
    assert fact.value == Decimal(value)


def test_units_instants_and_members_are_named() -> None:
    first, second = read(mark("2", context="d", unit="per") + mark("3", context="s"))
    assert (first.unit, first.period_start, first.days) == ("USD/shares", None, 0)
    assert second.dimensions == "srt:Axis=nova:Europe"


@pytest.mark.parametrize(
    "body",
    [
        mark("", 'xsi:nil="true"'), mark("seven", 'format="ixt-sec:numwordsen"'), mark("n/a"),
        mark("1", context="none"), mark("1", unit="none"), "<p>Sales were 5.</p>",
    ],
)  # fmt: skip
def test_what_is_no_figure_is_left_out(body: str) -> None:
    assert read(body) == []


def test_a_figure_that_is_marked_twice_is_there_once_the_most_exact() -> None:
    (fact,) = read(
        mark("1.2", 'scale="9" decimals="-8"') + mark("1,234", 'scale="6" decimals="-6" format="x:numdotdecimal"')
    )
    assert (fact.value, fact.label) == (Decimal(1_234_000_000), "X")


def test_a_document_without_marks_or_of_broken_markup_has_none() -> None:
    assert (
        read_facts([RawDocument("10-K", "a", b"<html><p>1</p>"), RawDocument("10-K", "b", b"inlineXBRL <<< & \xff")])
        == []
    )
