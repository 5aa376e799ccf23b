"""A document of DART as blocks.

DART's reports are called XML and are not well-formed: a ``<`` or ``&`` of the text stands bare. Their encoding is not
always the one that they declare. Their tags are those of HTML under other names, so they become HTML first. The
disclosures to the exchange are HTML already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from include.errors import DataContractError
from include.filings.blocks import Block
from include.filings.html import read_html

_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s+[\w:-]+\s*=\s*\"[^\"]*\")*)\s*(/?)>")
_NAMES: Final[Mapping[str, str]] = {
    "A": "span",
    "BODY": "body",
    "BR": "br",
    "COL": "col",
    "COLGROUP": "colgroup",
    "CORRECTION": "div",
    "COVER": "div",
    "COVER-TITLE": "h1",
    "DOCUMENT": "html",
    "IMAGE": "div",
    "IMG": "span",
    "IMG-CAPTION": "p",
    "INSERTION": "div",
    "LIBRARY": "div",
    "P": "p",
    "PART": "div",
    "SECTION-1": "div",
    "SECTION-2": "div",
    "SECTION-3": "div",
    "SECTION-4": "div",
    "SPAN": "span",
    "SUMMARY": "noscript",
    "TABLE": "table",
    "TABLE-GROUP": "div",
    "TBODY": "tbody",
    "TD": "td",
    "TE": "td",
    "TFOOT": "tfoot",
    "TH": "th",
    "THEAD": "thead",
    "TR": "tr",
    "TU": "td",
    "WARNING": "div",
}
_HIDDEN: Final = frozenset({"COMPANY-NAME", "DOCUMENT-NAME", "EXTRACTION", "FORMULA-VERSION"})
_ENTITY: Final = re.compile(r"&(?!(?:[A-Za-z]{2,8}|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_BOLD: Final = re.compile(r'USERMARK\s*=\s*"[^"]*\bB\b[^"]*"', re.IGNORECASE)
_SPANS: Final = re.compile(r'\b(?:COL|ROW)SPAN\s*=\s*"\d+"', re.IGNORECASE)
_PERIOD: Final = re.compile(r'AUNIT="PERIOD(FROM|TO)"\s+AUNITVALUE="(\d{8})"')
_REPORT: Final = re.compile(r'<DOCUMENT-NAME[^>]*ACODE="([^"]*)"[^>]*>([^<]*)<')
_COMPANY: Final = re.compile(r'<COMPANY-NAME[^>]*AREGCIK="([^"]*)"[^>]*>([^<]*)<')


@dataclass(frozen=True)
class DartCover:
    """What a report says of itself: DART's code of the form, its name, the company's code and name, the period."""

    form: str
    title: str
    company: str
    name: str
    period: tuple[str, str] | None
    """First and last day, as eight digits; None if the report names none."""


def decoded(content: bytes) -> str:
    """The text of a document, whatever encoding it declares.

    Raises:
        DataContractError: the bytes are neither UTF-8 nor CP949.
    """
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    message = "The document is neither UTF-8 nor CP949."
    raise DataContractError(message)


def read_dart(content: bytes) -> list[Block]:
    """The blocks of a report or of a disclosure.

    Raises:
        DataContractError: the document has no text, or its encoding is unknown.
    """
    text = decoded(content)
    return read_html(as_html(text) if "<DOCUMENT" in text[:2000] else text)


def read_cover(content: bytes) -> DartCover | None:
    """What a report says of itself; None if the document is no report in DART's own form."""
    text = decoded(content)
    report, company = _REPORT.search(text), _COMPANY.search(text)
    if report is None or company is None:
        return None
    days = dict(_PERIOD.findall(text))
    period = (days["FROM"], days["TO"]) if {"FROM", "TO"} <= days.keys() else None
    return DartCover(report.group(1), report.group(2).strip(), company.group(1), company.group(2).strip(), period)


def as_html(text: str) -> str:
    """A report in DART's own form as HTML; what is no tag of that form is text."""
    parts: list[str] = []
    end, level = 0, 1
    for found in _TAG.finditer(text):
        name = found.group(2).upper()
        if name.startswith("SECTION-"):
            level = int(name[-1]) + (-1 if found.group(1) else 0)
        tag = _html_tag(found, name, level)
        if tag is None:
            continue
        parts += (_text(text[end : found.start()]), tag)
        end = found.end()
    return "".join((*parts, _text(text[end:])))


def _html_tag(found: re.Match[str], name: str, level: int) -> str | None:
    """The tag in HTML; None for what only looks like a tag."""
    slash, rest, closed = found.group(1), found.group(3), found.group(4)
    if name == "PGBRK":
        return "" if slash else '<hr style="page-break-after:always">'
    if name == "TITLE":
        return f"<{slash}h{min(max(level, 1), 5)}>"
    if name in _HIDDEN:
        return f"<{slash}noscript>"
    html = _NAMES.get(name)
    if html is None:
        return None
    if slash:
        return f"</{html}>"
    style = ' style="font-weight:bold"' if _BOLD.search(rest) else ""
    spans = "".join(f" {span.lower()}" for span in _SPANS.findall(rest))
    return f"<{html}{spans}{style}>" + (f"</{html}>" if closed and html not in {"br", "col"} else "")


def _text(text: str) -> str:
    return _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace("&cr;", " ")
