"""Another reading of a filing's pages, for comparison: what a reader sees, and the cells of each table.

It shares no code with ``include/filings``. A number that the page lays out in several cells, such as ``$``, ``(5`` and
``)``, is one cell here too; which cells belong together is told by their texts alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import html  # type: ignore[import-untyped]  # ships no types

_UNSEEN: Final = frozenset(
    {
        *("script", "style", "head", "title", "ix:header", "noscript"),
        *("summary", "company-name", "document-name", "formula-version", "extraction"),  # of DART
    }
)
_HIDDEN: Final = re.compile(r"display:none|visibility:hidden", re.IGNORECASE)
_CELLS: Final = frozenset({"td", "th", "tu", "te"})
_INLINE: Final = frozenset({"a", "b", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"})
_OPENING: Final = re.compile(r"[$€£¥₩(]+")
_CLOSING: Final = re.compile(r"[)%]+|pts")
_NUMBER: Final = re.compile(r"[$€£¥₩(\-\u2013\u2014]*\d[\d,]*(?:\.\d+)?[)%]*")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class PageCell:
    """A cell of a page: its text without white space, and the half-open range of columns that it covers."""

    text: str
    left: int
    right: int

    @property
    def is_number(self) -> bool:
        """Whether the cell holds a number that is no year."""
        return bool(_NUMBER.fullmatch(self.text)) and not _YEAR.fullmatch(self.text)


def parse(content: bytes) -> Any:  # noqa: ANN401  # an element of lxml, which ships no types
    """The root element of a page, of DART's XML too."""
    for encoding in ("utf-8-sig", "cp949", "cp1252"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    return html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8", huge_tree=True))


def seen_text(element: Any) -> str:  # noqa: ANN401  # an element of lxml, which ships no types
    """What a reader sees of an element, with a space around all that is no part of a word."""
    return "".join(_texts(element))


def _texts(element: Any) -> Iterator[str]:  # noqa: ANN401  # an element of lxml, which ships no types
    if _is_unseen(element):
        return
    gap = "" if element.tag in _INLINE or ":" in element.tag else " "
    yield gap + (element.text or "")
    for child in element:
        yield from _texts(child)
        yield child.tail or ""
    yield gap


def _is_unseen(element: Any) -> bool:  # noqa: ANN401  # an element of lxml, which ships no types
    if not isinstance(element.tag, str):
        return True
    return element.tag in _UNSEEN or bool(_HIDDEN.search((element.get("style") or "").replace(" ", "")))


def paragraphs(root: Any) -> Iterator[str]:  # noqa: ANN401  # an element of lxml, which ships no types
    """The paragraphs outside tables, with the lines at the edges of pages."""
    for element in root.iter("p", "div", "li"):
        has_block = any(child.tag in {"p", "div", "li", "table", "tr"} for child in element.iterdescendants())
        if has_block or any(_is_unseen(each) for each in (element, *element.iterancestors())):
            continue
        text = " ".join(seen_text(element).split())
        if text and not any(True for _ in element.iterancestors("table")):
            yield text


def tables(root: Any) -> Iterator[list[list[PageCell]]]:  # noqa: ANN401  # an element of lxml, which ships no types
    """The rows of each table that has no table inside it; rows and cells without a text are left out."""
    for table in root.iter("table"):
        if any(child is not table for child in table.iter("table")) or _is_unseen(table):
            continue
        rows = [joined for row in _rows(table) if (joined := _joined(row))]
        if rows:
            yield rows


def _rows(table: Any) -> Iterator[list[PageCell]]:  # noqa: ANN401  # an element of lxml, which ships no types
    waiting: dict[int, tuple[int, PageCell]] = {}
    for row in table.iter("tr"):
        cells: list[PageCell] = []
        for element in filter(_is_cell, row):
            column = _taken(waiting, cells)
            width, height = (int(element.get(name) or 1) for name in ("colspan", "rowspan"))
            cell = PageCell("".join(seen_text(element).split()), column, column + width)
            cells.append(cell)
            if height > 1:
                waiting[column] = (height, cell)
        end = _taken(waiting, cells)
        cells += [cell for place, (_, cell) in sorted(waiting.items()) if place >= end and cell not in cells]
        waiting = {place: (left - 1, cell) for place, (left, cell) in waiting.items() if left > 1}
        yield [cell for cell in cells if cell.text]


def _is_cell(element: Any) -> bool:  # noqa: ANN401  # an element of lxml, which ships no types
    return element.tag in _CELLS and not _is_unseen(element)


def _taken(waiting: dict[int, tuple[int, PageCell]], cells: list[PageCell]) -> int:
    """Adds the cells that began in a row above and stand here; the first column that is free."""
    column = cells[-1].right if cells else 0
    while column in waiting and waiting[column][1] not in cells:
        cells.append(waiting[column][1])
        column = cells[-1].right
    return column


def _joined(row: list[PageCell]) -> list[PageCell]:
    """The cells of a row, with the signs that belong to a number in the number's cell."""
    found: list[PageCell] = []
    for cell in row:
        before = found[-1] if found else None
        is_end = (
            before is not None and _CLOSING.fullmatch(cell.text) and re.search(r"[\d\u2014\u2013-]\)?$", before.text)
        )
        is_rest = before is not None and _OPENING.fullmatch(before.text)
        if before is not None and (is_end or is_rest):
            inner = before if is_end else cell
            found[-1] = PageCell(before.text + cell.text, inner.left, inner.right)
        else:
            found.append(cell)
    return found
