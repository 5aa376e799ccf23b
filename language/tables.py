"""Tables of filings, as Markdown, row by row: which figure stands under which heading beside which label.

Standard library only. Where next: ``questions.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from language.figures import cell_value, is_percent

_RULE: Final = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_TERM: Final = re.compile(r"제\s*(\d+)\s*기")
_LONGEST: Final = 80
"""Characters of a label or a heading that a question can quote."""


@dataclass(frozen=True)
class Cell:
    """A figure: ``text`` as it stands, under ``heading``. ``year`` orders the headings of a row; None: unknown."""

    heading: str
    text: str
    value: Decimal
    is_percent: bool
    year: int | None


@dataclass(frozen=True)
class Row:
    """A row with figures. ``label`` has the label of the rows above that it belongs to before its own."""

    label: str
    cells: tuple[Cell, ...]


def read_rows(markdown: str) -> list[Row]:
    """The rows of the first table in the text that can be asked about: their label and headings are unique in it.

    A row without figures whose label ends with a colon is the heading of the rows below it.
    """
    lines = [line.strip() for line in markdown.splitlines() if line.strip().startswith("|")]
    rule = next((index for index, line in enumerate(lines) if _RULE.fullmatch(line)), None)
    if not rule:
        return []
    headings = _cells(lines[rule - 1])
    rows = list(_rows(headings, [_cells(line) for line in lines[rule + 1 :] if not _RULE.fullmatch(line)]))
    counts = Counter(row.label.casefold() for row in rows)
    return [row for row in rows if counts[row.label.casefold()] == 1 and row.cells]


def _rows(headings: list[str], lines: list[list[str]]) -> Iterator[Row]:
    named = Counter(headings)
    above = ""
    for cells in lines:
        labels = _labels(cells)
        label = ", ".join(dict.fromkeys(labels))
        figures = [
            (heading, text)
            for heading, text in zip(headings[len(labels) :], cells[len(labels) :], strict=False)
            if named[heading] == 1 and _is_heading(heading) and cell_value(text) is not None
        ]
        if label and not any(cells[len(labels) :]):
            above = label.removesuffix(":") if label.endswith(":") else ""
            continue
        whole = f"{above}: {label}" if above else label
        if 2 < len(whole) <= _LONGEST and not label.endswith(":"):
            yield Row(whole, tuple(_cell(heading, text) for heading, text in figures))
        if label.casefold().startswith("total"):
            above = ""


def _is_heading(text: str) -> bool:
    """Whether a question can quote it; numbers of registration, telephones and the like head no column."""
    return 0 < len(text) <= _LONGEST and not re.search(r"\d{5}", text)


def _labels(cells: list[str]) -> list[str]:
    """The cells before the first figure or empty cell: what a row is about."""
    found: list[str] = []
    for cell in cells:
        if not cell or cell_value(cell) is not None or not any(letter.isalpha() for letter in cell):
            break
        found.append(cell)
    return found


def _cell(heading: str, text: str) -> Cell:
    value = cell_value(text)
    assert value is not None  # noqa: S101  # only figures come here
    return Cell(heading, text, value, is_percent(text), year_of(heading))


def year_of(heading: str) -> int | None:
    """The year, or the number of the business year in Korean, in a heading that names exactly one."""
    found = {int(year) for year in _YEAR.findall(heading)} or {int(term) for term in _TERM.findall(heading)}
    return found.pop() if len(found) == 1 else None


def _cells(line: str) -> list[str]:
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
