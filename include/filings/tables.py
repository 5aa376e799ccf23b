"""Tables of filings as rows of cells.

A filing lays a table out for the eye. A number takes up to four cells (a currency's sign, the digits, a closing
parenthesis, a percent sign), empty cells keep columns apart, and a heading spans what is below it. Here every number is
one cell, in the column of its heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]  # ships no types

from include.filings.words import collapsed, is_prefix, is_skipped, is_suffix, is_value, is_year, text_of

_MOST_COLUMNS: Final = 1000
_MOST_ROWS: Final = 65_534
"""A span above these is a mistake of the page; browsers allow as many."""
_WIDE: Final = 4
"""A number that spans more columns than this is centred below several headings, and joins none of them."""
_UNIT: Final = re.compile(
    r"\(.*\)|.*\b(?:in|except)\b.*\b(?:thousands|millions|billions|per share|amounts)\b.*", re.IGNORECASE
)


@dataclass(frozen=True)
class Cell:
    """A cell of the page: its text and the half-open ranges of rows and columns that it covers."""

    text: str
    row: int
    left: int
    right: int
    is_bold: bool = False
    is_heading: bool = False
    is_repeated: bool = False
    """Whether the cell began in a row above."""


@dataclass(frozen=True)
class Table:
    """A table: one heading for each column, and rows of as many cells. An empty cell is an empty text.

    ``caption`` is what stands above all columns. A cell that covers several rows is in each of them.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_table(element: HtmlElement) -> Table:
    """The table of a ``table`` element; without rows if no cell has a text."""
    cells = [cell for cell in _cells(element) if cell.text]
    if not cells:
        return Table("", (), ())
    bands = _bands(cells)
    rows = _by_row(cells)
    split = _header_rows(rows, bands)
    caption, above = _caption(rows[:split], bands)
    header = _header(above, bands)
    body = [_body_row(row, bands) for row in rows[split:]]
    used = [band for band in range(len(bands)) if any(row[band] for row in body) or _is_alone(above, bands[band])]
    return Table(
        caption,
        tuple(header[band] for band in used),
        tuple(tuple(row[band] for band in used) for row in body),
    )


def _by_row(cells: Sequence[Cell]) -> list[list[Cell]]:
    rows: dict[int, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.row, []).append(cell)
    return [sorted(rows[row], key=lambda cell: cell.left) for row in sorted(rows)]


def _cells(table: HtmlElement) -> Iterator[Cell]:
    taken: dict[int, set[int]] = {}
    elements = list(_rows(table))
    for row, element in enumerate(elements):
        column = 0
        for child in element:
            if is_skipped(child) or child.tag.lower() not in {"td", "th"}:
                continue
            while column in taken.get(row, ()):
                column += 1
            width = _span(child, "colspan", _MOST_COLUMNS)
            height = _span(child, "rowspan", _MOST_ROWS)
            is_heading = child.tag.lower() == "th"
            cell = Cell(text_of(child), row, column, column + width, is_heading or _is_bold(child), is_heading)
            yield cell
            for below in range(row + 1, min(row + height, len(elements))):
                taken.setdefault(below, set()).update(range(column, column + width))
                yield replace(cell, row=below, is_repeated=True)
            column += width


def _rows(table: HtmlElement) -> Iterator[HtmlElement]:
    """The rows of this table, without those of tables inside it."""
    for child in table:
        if is_skipped(child):
            continue
        if child.tag.lower() == "tr":
            yield child
        elif child.tag.lower() in {"tbody", "thead", "tfoot"}:
            yield from _rows(child)


def _span(element: HtmlElement, name: str, most: int) -> int:
    text = (element.get(name) or "1").strip()
    return min(max(int(text), 1), most) if text.isdecimal() else 1


def _is_bold(cell: HtmlElement) -> bool:
    return any(
        child.tag in {"b", "strong"} or re.search(r"font-weight\s*:\s*(?:bold|[6-9]00)", child.get("style") or "")
        for child in cell.iter()
        if isinstance(child.tag, str)
    )


def _bands(cells: Sequence[Cell]) -> list[range]:
    """The ranges of columns of the page that are one column each, from left to right."""
    joined = _Joined(max(cell.right for cell in cells))
    rows = _by_row(cells)
    for row in rows:
        _join_numbers(row, joined)
    taken = {column for cell in cells if _is_number_part(cell) for column in range(cell.left, cell.right)}
    labels = {(cell.left, cell.right) for cell in cells if not _is_number_part(cell)}
    for left, right in sorted(labels):
        if not taken & set(range(left, right)) and not _holds_several(rows, left, right):
            joined.join(left, right)
    return joined.ranges()


def _join_numbers(row: Sequence[Cell], joined: _Joined) -> None:
    """Joins the columns of a number with those of the signs that belong to it."""
    for cell in row:
        has_digit = any(character.isdigit() for character in cell.text)  # a dash may stand for a whole row
        if has_digit and is_value(cell.text) and cell.right - cell.left <= _WIDE:
            joined.join(cell.left, cell.right)
    for cell, following in pairwise(row):
        is_opened = is_prefix(cell.text) and (is_value(following.text) or is_suffix(following.text))
        is_closed = is_suffix(following.text) and (is_value(cell.text) or is_prefix(cell.text))
        if is_opened or is_closed:
            joined.join(cell.left, following.right)


def _holds_several(rows: Sequence[Sequence[Cell]], left: int, right: int) -> bool:
    """Whether some row has more than one text in these columns."""
    return any(sum(cell.left < right and cell.right > left for cell in row) > 1 for row in rows)


def _is_number_part(cell: Cell) -> bool:
    return is_value(cell.text) or is_prefix(cell.text) or is_suffix(cell.text)


class _Joined:
    """Columns of the page, and which of them are one column."""

    def __init__(self, count: int) -> None:
        self._is_edge = [True] * (count + 1)

    def join(self, left: int, right: int) -> None:
        for column in range(left + 1, right):
            self._is_edge[column] = False

    def ranges(self) -> list[range]:
        edges = [column for column, is_edge in enumerate(self._is_edge) if is_edge]
        return [range(left, right) for left, right in pairwise(edges)]


def _header_rows(rows: Sequence[Sequence[Cell]], bands: Sequence[range]) -> int:
    """How many of the first rows are headings."""
    marked = next((index for index, row in enumerate(rows) if not all(cell.is_heading for cell in row)), len(rows))
    if 0 < marked < len(rows):
        while marked < len(rows) - 1 and _is_below_headings(rows[marked], bands):
            marked += 1
        return marked
    first = next((index for index, row in enumerate(rows) if _has_numbers(row)), None)
    if first is None:
        return 1 if len(rows) > 1 and all(cell.is_bold for cell in rows[0]) else 0
    while first and _is_section(rows[first - 1], bands):
        first -= 1
    return first


def _is_below_headings(row: Sequence[Cell], bands: Sequence[range]) -> bool:
    """Whether a row only names columns: it begins right of the first one and has no number."""
    return not _has_numbers(row) and all(cell.left >= bands[0].stop for cell in row if not cell.is_repeated)


def _has_numbers(row: Sequence[Cell]) -> bool:
    return any(is_value(cell.text) and not is_year(cell.text) for cell in row)


def _is_section(row: Sequence[Cell], bands: Sequence[range]) -> bool:
    """Whether the row is a name above the rows below it, such as "Current assets:", and no heading of columns."""
    return len(row) == 1 and row[0].left < bands[0].stop and not _UNIT.fullmatch(row[0].text)


def _header(rows: Sequence[Sequence[Cell]], bands: Sequence[range]) -> list[str]:
    texts: list[list[str]] = [[] for _ in bands]
    for row in rows:
        for cell in row:
            for index, band in enumerate(bands):
                if cell.left < band.stop and cell.right > band.start and cell.text not in texts[index]:
                    texts[index].append(cell.text)
    return [" / ".join(found) for found in texts]


def _is_alone(rows: Sequence[Sequence[Cell]], band: range) -> bool:
    """Whether a heading stands above this column alone, so that the column counts without any value."""
    return any(cell.left >= band.start and cell.right <= band.stop for row in rows for cell in row)


def _caption(rows: Sequence[Sequence[Cell]], bands: Sequence[range]) -> tuple[str, list[Sequence[Cell]]]:
    """What stands above all columns, and the other rows of headings."""
    texts: list[str] = []
    for number, row in enumerate(rows):
        is_above_all = (
            len(row) == 1 and row[0].left < bands[0].stop and row[0].right >= bands[-1].start and len(bands) > 1
        )
        if not is_above_all:
            return " ".join(texts), list(rows[number:])
        texts.append(row[0].text)
    return " ".join(texts), []


def _body_row(row: Sequence[Cell], bands: Sequence[range]) -> list[str]:
    texts = [""] * len(bands)
    for cell in row:
        index = next(number for number, band in enumerate(bands) if cell.left < band.stop and cell.right > band.start)
        texts[index] = _appended(texts[index], cell.text)
    return texts


def _appended(before: str, text: str) -> str:
    if not before:
        return text
    glue = "" if is_prefix(before) or is_suffix(text) else " "
    return collapsed(f"{before}{glue}{text}")
