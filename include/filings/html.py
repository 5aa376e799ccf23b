"""An HTML filing as blocks: headings, paragraphs, list items and tables, in the order in which a reader meets them.

What a reader does not see (the hidden facts of inline XBRL) and what belongs to the paper (page numbers, a line that
stands at the foot of every page) is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lxml import html  # type: ignore[import-untyped]  # ships no types
from lxml.html import HtmlElement  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError
from include.filings.blocks import Block, Heading, ListItem, Paragraph, TableBlock
from include.filings.tables import Table, read_table
from include.filings.words import collapsed, is_skipped

_BLOCKS: Final = frozenset(
    {
        *("address", "article", "blockquote", "body", "center", "dd", "div", "dl", "dt", "footer", "form"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "section"),
        *("table", "tbody", "td", "th", "tr", "ul"),
    }
)
_TITLES: Final = {f"h{level}": level for level in range(1, 7)}
_BOLD: Final = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_LIGHT: Final = re.compile(r"font-weight\s*:\s*(?:normal|[1-5]00)", re.IGNORECASE)
_PAGE_BREAK: Final = re.compile(r"(?:page-break|break)-(?:after|before)\s*:\s*(?:always|page)", re.IGNORECASE)
_PART: Final = re.compile(r"part\s+(?:i{1,3}|iv)\b\.?", re.IGNORECASE)
_ITEM: Final = re.compile(
    r"items?\s+\d{1,2}\s?[abc]?(?:\s?\.\s?\d\s?\d)?\s?[.:\u2014\u2013-]?(?=\s|$|[A-Z])", re.IGNORECASE
)
_BULLET: Final = re.compile(
    r"[\u2022\u25cf\u25aa\u25e6\u2013\u2014\u00b7\u2023\u25a0\uf0b7\u25cb\u2610\u2611\u2612*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]"
)
_LONGEST_HEADING: Final = 220
_LONGEST_ITEM: Final = 100
_SHORT: Final = 60
"""Characters. A line longer than the first is no heading, and one longer than the second names no item unless it is
bold. A bold line longer than the third that ends like a sentence is one."""
_PAGE_NUMBER: Final = re.compile(r"(?:page\s*)?[-\u2013]?\s*(?:[A-Z]-)?\d{1,4}\s*[-\u2013]?", re.IGNORECASE)
_OFTEN: Final = 3
_SHARE_OF_PAGES: Final = 0.25
"""A line beside this many page breaks, and beside this share of them, belongs to the pages and not to the text."""
_NEAR_A_BREAK: Final = 3
_STEPS: Final = [step for step in range(-_NEAR_A_BREAK, _NEAR_A_BREAK + 1) if step]


@dataclass(frozen=True)
class _Break:
    """The end of a page."""


@dataclass
class _Run:
    """Text that has not become a paragraph yet."""

    parts: list[str] = field(default_factory=list)
    bold_count: int = 0
    count: int = 0

    def add(self, text: str | None, *, is_bold: bool) -> None:
        if text:
            self.parts.append(text)
            letters = sum(not character.isspace() for character in text)
            self.count += letters
            self.bold_count += letters if is_bold else 0


def read_html(content: bytes | str) -> list[Block]:
    """The blocks of an HTML document.

    Raises:
        DataContractError: the content has no text.
    """
    root = _parse(content)
    found = list(_without_pages(list(_Walk().blocks(root))))
    if not found:
        message = "The document has no text."
        raise DataContractError(message)
    return found


def _parse(content: bytes | str) -> HtmlElement:
    raw = content.encode() if isinstance(content, str) else content
    parser = html.HTMLParser(
        encoding="utf-8" if isinstance(content, str) else None, huge_tree=True, remove_comments=True
    )
    try:
        root = html.fromstring(raw, parser=parser)
    except (ValueError, html.etree.ParserError) as error:  # an empty document
        message = f"The document is no HTML: {error}."
        raise DataContractError(message) from error
    return root


class _Walk:
    def __init__(self) -> None:
        self._run = _Run()

    def blocks(self, root: HtmlElement) -> Iterator[Block | _Break]:
        yield from self._element(root, is_bold=False)
        yield from self._finished()

    def _element(self, element: HtmlElement, *, is_bold: bool) -> Iterator[Block | _Break]:
        if is_skipped(element):
            return
        tag = element.tag.lower()
        if tag in _BLOCKS:
            yield from self._finished()
        if tag == "table":
            yield from self._table(element, is_bold=is_bold)
            return
        if tag == "hr" or _PAGE_BREAK.search(element.get("style") or ""):
            yield _Break()
        if tag == "br":
            yield from self._line_break()
        yield from self._content(element, is_bold=_becomes_bold(element, is_bold=is_bold))
        if tag in _BLOCKS:
            yield from self._finished(tag)

    def _content(self, element: HtmlElement, *, is_bold: bool) -> Iterator[Block | _Break]:
        self._run.add(element.text, is_bold=is_bold)
        for child in element:
            yield from self._element(child, is_bold=is_bold)
            self._run.add(child.tail, is_bold=is_bold)

    def _line_break(self) -> Iterator[Block]:
        """One break is a space; two end the paragraph, as in the filings of the nineties."""
        if self._run.parts and self._run.parts[-1] == "\n":
            yield from self._finished()
        else:
            self._run.parts.append("\n")

    def _finished(self, tag: str = "p") -> Iterator[Block]:
        run, self._run = self._run, _Run()
        text = collapsed("".join(run.parts))
        if text:
            yield _named(text, tag, is_bold=run.bold_count >= run.count * 0.95)

    def _table(self, element: HtmlElement, *, is_bold: bool) -> Iterator[Block | _Break]:
        if any(child is not element for child in element.iter("table")):
            yield from self._cells(element, is_bold=is_bold)
            return
        table = read_table(element)
        if not _is_layout(table):
            yield TableBlock(table)
        elif line := _as_line(table):
            yield line
        else:
            yield from self._cells(element, is_bold=is_bold)

    def _cells(self, table: HtmlElement, *, is_bold: bool) -> Iterator[Block | _Break]:
        """What the cells of a table hold, one after another: the table only places them."""
        for cell in table.iter("td", "th"):
            if next(cell.iterancestors("table")) is table:
                yield from self._element(cell, is_bold=is_bold)
                yield from self._finished()


def _becomes_bold(element: HtmlElement, *, is_bold: bool) -> bool:
    """Whether the element's text is bold, where the text around it is or is not."""
    style = element.get("style") or ""
    if _LIGHT.search(style):
        return False
    return is_bold or element.tag.lower() in {"b", "strong"} or bool(_BOLD.search(style))


def _named(text: str, tag: str, *, is_bold: bool) -> Block:
    if tag in _TITLES:
        return Heading(text, _TITLES[tag] + 1)
    level = heading_level(text, is_bold=is_bold)
    if level:
        return Heading(text, level)
    if tag == "li":
        return ListItem(text)
    bullet = re.match(r"[\u2022\u25cf\u25aa\u25e6\u00b7\u2023\u25a0\uf0b7\u25cb]\s*(?=\S)", text)
    return ListItem(text[bullet.end() :]) if bullet else Paragraph(text)


def heading_level(text: str, *, is_bold: bool) -> int:
    """The level of a heading: 2 for a part, 3 for an item, 4 for other bold lines; 0 if the text is no heading."""
    if len(text) > _LONGEST_HEADING:
        return 0
    if _PART.fullmatch(text) or (is_bold and len(text) < _SHORT and _PART.match(text)):
        return 2
    if _ITEM.match(text) and (is_bold or len(text) < _LONGEST_ITEM) and not text.endswith((",", ";")):
        return 3
    is_sentence = text.endswith((".", ",", ";")) and len(text) > _SHORT
    has_letter = any(character.isalpha() for character in text)
    return 4 if is_bold and has_letter and not is_sentence else 0


def _is_layout(table: Table) -> bool:
    """Whether a table only places text: one column, or one row."""
    rows = _filled(table)
    return len(rows) < 2 or max(len(row) for row in rows) < 2


def _as_line(table: Table) -> Block | None:
    """The block that a table of one row places; None if it has more rows."""
    rows = _filled(table)
    if len(rows) != 1:
        return None
    (cells,) = rows
    if len(cells) > 1 and _BULLET.fullmatch(cells[0]):
        is_number = any(character.isalnum() for character in cells[0])
        return ListItem(" ".join(cells if is_number else cells[1:]))
    text = " ".join(cells)
    return _named(text, "p", is_bold=False)


def _filled(table: Table) -> list[list[str]]:
    rows = [[cell for cell in row if cell] for row in ((table.caption,), table.header, *table.rows)]
    return [row for row in rows if row]


def _without_pages(blocks: Sequence[Block | _Break]) -> Iterator[Block]:
    """The blocks without those that stand at the edge of page after page."""
    edges = set(_edges(blocks))
    for index, block in enumerate(blocks):
        if not isinstance(block, _Break) and index not in edges:
            yield block


def _edges(blocks: Sequence[Block | _Break]) -> Iterator[int]:
    """The places of page numbers and of lines that stand beside most page breaks and rarely elsewhere."""
    breaks = [index for index, block in enumerate(blocks) if isinstance(block, _Break)]
    of_pages = set(_lines_of_pages(blocks, breaks))
    for index in breaks:
        for direction in (1, -1):
            for step in range(1, _NEAR_A_BREAK + 1):
                if index + direction * step not in of_pages:
                    break
                yield index + direction * step


def _lines_of_pages(blocks: Sequence[Block | _Break], breaks: Sequence[int]) -> Iterator[int]:
    near = {index + step for index in breaks for step in _STEPS}
    lines = [(index, _shape(block)) for index, block in enumerate(blocks) if isinstance(block, Heading | Paragraph)]
    beside = Counter(shape for index, shape in lines if index in near)
    elsewhere = Counter(shape for index, shape in lines if index not in near)
    least = max(_OFTEN, _SHARE_OF_PAGES * len(breaks))
    for index, shape in lines:
        if index in near and _is_of_pages(shape, beside[shape], elsewhere[shape], least):
            yield index


def _is_of_pages(shape: str, beside: int, elsewhere: int, least: float) -> bool:
    """Whether a line with these counts belongs to the pages. A unit in parentheses belongs to the table below it."""
    is_repeated = beside >= least and beside > _OFTEN * elsewhere and not shape.startswith("(")
    return bool(_PAGE_NUMBER.fullmatch(shape)) or is_repeated


def _shape(block: Heading | Paragraph) -> str:
    """The text with every number as a zero, so that the feet of two pages are equal."""
    return re.sub(r"\d+", "0", block.text)
