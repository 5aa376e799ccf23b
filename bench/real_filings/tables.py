"""Tables of filings cell by cell, and their text, compared with another reading of the same pages (``pages.py``).

A row is right if its cells have the same texts in the same order as on the page. A number is right if what stands above
it in the Markdown is what stands above it on the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

from bench.real_filings.folder import read_folder
from bench.real_filings.pages import PageCell, paragraphs, parse, seen_text, tables
from bench.results import Row, Section
from include.filings.contracts import RawDocument
from include.filings.documents import convert

CHOSEN: Final = 30
_FEWEST_ROWS: Final = 4
_FEWEST_NUMBERS: Final = 8
_EXHIBIT: Final = re.compile(r"EX-(?:13|99)", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
_LOOK_AHEAD: Final = 60
_SURE: Final = 0.95
_LEAST: Final = 0.5
"""Shares of a table's cells that another one must have to be the same table: the first such one, or the best one."""
_OFTEN: Final = 10
"""A line that stands so often outside tables, whatever its numbers, belongs to the pages."""


@dataclass(frozen=True)
class MarkdownTable:
    """A table of the Markdown: its caption, its headings and its rows, without white space."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass
class Compared:
    """A table of a page beside that of the Markdown: counts, and what differs."""

    receipt: str
    cell_count: int = 0
    wrong_cell_count: int = 0
    number_count: int = 0
    wrong_heading_count: int = 0
    is_missing: bool = False
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """How much of a filing's pages its Markdown has; lines that stand on many pages do not count."""

    receipt: str
    word_count: int
    missing: Counter[str]
    paragraph_count: int
    lost: tuple[str, ...]

    @property
    def line(self) -> str:
        """The counts in one line, with the paragraphs that are not there as a whole."""
        ratio = 1 - sum(self.missing.values()) / max(self.word_count, 1)
        most = ", ".join(f"{word} {count}" for word, count in self.missing.most_common(6))
        words = f"{ratio:.2%} of {self.word_count} words ({most})" if most else f"all of {self.word_count} words"
        lost = "".join(f"\n    lost: {each[:100]}" for each in self.lost)
        return f"{self.receipt}: {words}, {len(self.lost)} of {self.paragraph_count} paragraphs lost{lost}"


def measure(folder: Path) -> Section:
    """All tables of numbers, 30 of them chosen evenly, and the words and paragraphs of every filing."""
    compared: list[Compared] = []
    texts: list[Kept] = []
    for _, filing, documents in read_folder(folder):
        text = convert(filing, documents).text
        pages = [parse(document.content) for document in _converted(documents)]
        compared += compare(filing.receipt, [each for page in pages for each in tables(page)], text)
        texts.append(kept(filing.receipt, pages, text))
    step = len(compared) / CHOSEN
    chosen = [compared[int(place * step)] for place in range(CHOSEN)] if step >= 1 else compared
    notes = [
        *(each.line for each in texts),
        *(f"{each.receipt}: {difference}" for each in compared for difference in each.differences[:3]),
    ]
    return Section([_row(f"{len(chosen)} chosen", chosen), _row("all of numbers", compared)], notes)


def _row(name: str, compared: Sequence[Compared]) -> Row:
    there = [each for each in compared if not each.is_missing]
    return {
        "tables": name,
        "count": len(compared),
        "missing": len(compared) - len(there),
        "without_a_difference": sum(not each.differences for each in there),
        "cells": sum(each.cell_count for each in there),
        "wrong_cells": sum(each.wrong_cell_count for each in there),
        "numbers": sum(each.number_count for each in there),
        "wrong_headings": sum(each.wrong_heading_count for each in there),
    }


def _converted(documents: Sequence[RawDocument]) -> Iterator[RawDocument]:
    for place, document in enumerate(documents):
        if place == 0 or _EXHIBIT.match(document.kind):
            yield document


def compare(receipt: str, pages: Sequence[list[list[PageCell]]], text: str) -> Iterator[Compared]:
    """Each table of numbers of the pages, beside the one of the Markdown that has most of its cells."""
    left = list(markdown_tables(text))
    for rows in pages:
        if len(rows) < _FEWEST_ROWS or sum(cell.is_number for row in rows for cell in row) < _FEWEST_NUMBERS:
            continue
        wanted = Counter(cell.text for row in rows for cell in row)
        shares = [_share(wanted, table) for table in left[:_LOOK_AHEAD]]
        first = next((place for place, share in enumerate(shares) if share >= _SURE), None)
        best = max(range(len(shares)), key=shares.__getitem__, default=None) if first is None else first
        if best is None or shares[best] < _LEAST:
            begin = " ".join(cell.text for cell in rows[0])[:80]
            yield Compared(receipt, is_missing=True, differences=[f"no table: {begin}"])
            continue
        yield _beside(receipt, rows, left[best])
        del left[: best + 1]


def _share(wanted: Counter[str], table: MarkdownTable) -> float:
    there = Counter(cell for row in table.rows for cell in row if cell)
    return sum((wanted & there).values()) / sum(wanted.values())


def markdown_tables(text: str) -> Iterator[MarkdownTable]:
    """The tables of a Markdown text."""
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if not line.startswith("| --- |") and line != "| --- |":
            continue
        rows = []
        for below in lines[place + 1 :]:
            if not below.startswith("|"):
                break
            rows.append(_cells(below))
        caption = lines[place - 3] if place > 2 and not lines[place - 2] else ""
        yield MarkdownTable(_bare(caption), _cells(lines[place - 1]), tuple(rows))


def _cells(line: str) -> tuple[str, ...]:
    return tuple(_bare(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1])


def _bare(text: str) -> str:
    return "".join(re.sub(r"\\([^\w\s])", r"\1", text).split())


def _beside(receipt: str, rows: Sequence[list[PageCell]], table: MarkdownTable) -> Compared:
    """The rows of a page's table beside those of the Markdown; what stands above the Markdown's rows is headings."""
    found = Compared(receipt)
    above = rows[: len(rows) - len(table.rows)]
    for cells, shown in zip(rows[len(above) :], table.rows, strict=False):
        wanted = [cell.text for cell in cells]
        there = [cell for cell in shown if cell]
        found.cell_count += len(wanted)
        if wanted == there:
            _compare_headings(found, above, cells, shown, table)
            continue
        blocks = SequenceMatcher(None, wanted, there, autojunk=False).get_matching_blocks()
        found.wrong_cell_count += len(wanted) - sum(block.size for block in blocks)
        found.differences.append(f"row {wanted} is {there}")
    given = table.caption + "".join(table.headings)
    missing = [cell.text for cells in above for cell in cells if cell.text not in given]
    found.cell_count += sum(len(cells) for cells in above)
    found.wrong_cell_count += len(missing)
    found.differences += [f"heading {text} is not there" for text in missing]
    return found


def _compare_headings(
    found: Compared,
    above: Sequence[list[PageCell]],
    cells: Sequence[PageCell],
    shown: Sequence[str],
    table: MarkdownTable,
) -> None:
    """Counts the numbers of a row, and those that stand below other headings in the Markdown than on the page."""
    places = [place for place, cell in enumerate(shown) if cell]
    for cell, place in zip(cells, places, strict=True):
        if not cell.is_number:
            continue
        found.number_count += 1
        wanted, given = _above(above, cell), table.headings[place].replace("/", "")
        if wanted not in (given, table.caption.replace("/", "") + given):
            found.wrong_heading_count += 1
            found.differences.append(f"{cell.text} of {cells[0].text} is below {given!r}, not {wanted!r}")


def _above(rows: Sequence[list[PageCell]], cell: PageCell) -> str:
    """The texts above a cell from top to bottom, each once."""
    texts = [each.text for row in rows for each in row if each.left < cell.right and each.right > cell.left]
    return "".join(dict.fromkeys(texts)).replace("/", "")


def kept(receipt: str, pages: Sequence[Any], text: str) -> Kept:
    """The words and paragraphs of a filing's pages (elements of lxml) that its Markdown has and has not."""
    found = [each for page in pages for each in paragraphs(page)]
    shapes = Counter(_shape(each) for each in found)
    of_pages = [each for each in found if shapes[_shape(each)] >= _OFTEN]
    wanted = Counter(word for page in pages for word in _words(seen_text(page)))
    missing = wanted - Counter(_words(text)) - Counter(word for each in of_pages for word in _words(each))
    letters = "".join(_words(text))
    body = [each for each in found if shapes[_shape(each)] < _OFTEN]
    lost = tuple(each for each in body if "".join(_words(each)) not in letters)
    return Kept(receipt, sum(wanted.values()), missing, len(body), lost)


def _shape(text: str) -> str:
    """The text with every number as a zero, so that the lines at the feet of two pages are equal."""
    return re.sub(r"\d+", "0", text)


def _words(text: str) -> list[str]:
    return _WORD.findall(re.sub(r"\\([^\w\s])", r"\1", text).casefold())
