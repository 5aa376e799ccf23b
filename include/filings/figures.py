"""Figures in a sentence or a cell: their exact value, their unit, and the year that each is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

_FIGURE: Final = re.compile(
    r"(?P<money>US\$|[$\u20ac\u00a3\u00a5\u20a9])?\s?(?<![\w.,])"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?(?P<unit>%|percent(?:age points?)?\b|basis points\b|(?:thousand|million|billion|trillion)\b"
    r"|[천만억조백]+))?"
    r"(?![\d,]*\d)(?P<tail>[A-Za-z]*)"
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_PERCENT: Final = frozenset({"%", "percent"})
_SCALES: Final = {
    "thousand": "thousand", "thousands": "thousand", "천원": "천", "million": "million", "millions": "million",
    "백만원": "백만", "billion": "billion", "billions": "billion", "억원": "억",
}  # fmt: skip
_IN_ORDER: Final = re.compile(r"respectively")
_STATED: Final = re.compile(
    r"(?i:\b(?:in|of)\s+(?:U\.?S\.?\s+)?(?:dollars\s+in\s+)?(thousands|millions|billions)\b)"
    r"|\b((?:Thousands|Millions|Billions))\b|단위\s?:\s?(천원|백만원|억원)"
)
"""What a table says about all of its amounts."""


@dataclass(frozen=True)
class Figure:
    """A number as it is written: its value without sign, its unit (``%``, a scale such as ``million``, or empty)."""

    value: Decimal
    unit: str
    is_money: bool
    is_year: bool
    start: int
    end: int


def figures(text: str) -> list[Figure]:
    """The figures of a text in their order. Numbers that are part of a word, such as ``10-K`` or ``Q3``, are none."""
    found: list[Figure] = []
    for match in _FIGURE.finditer(text):
        digits, unit = match["digits"], (match["unit"] or "").lower()
        if match["tail"] or _is_in_a_name(text, match):
            continue
        is_year = not unit and not match["money"] and bool(_YEAR.fullmatch(digits))
        value = Decimal(digits.replace(",", "")).normalize()
        named = "%" if unit in _PERCENT else unit
        found.append(Figure(value, named, bool(match["money"]), is_year, match.start("digits"), match.end()))
    return found


def _is_in_a_name(text: str, match: re.Match[str]) -> bool:
    """Whether the digits belong to a word before or after a hyphen: ``10-K``, ``8-K``, ``COVID-19``."""
    before, after = text[: match.start("digits")], text[match.end("digits") :]
    return bool(re.search(r"[A-Za-z][-\u2011]?$", before)) or bool(re.match(r"[-\u2011][A-Za-z]\b", after))


def stated_scales(text: str) -> set[str]:
    """The scales in which a text gives its amounts, such as ``million`` for ``(in millions)``."""
    return {_SCALES[(match[1] or match[2] or match[3]).lower()] for match in _STATED.finditer(text)}


def years(text: str) -> set[str]:
    """The years that a text names."""
    return {match[0] for match in re.finditer(r"(?<![\d.,])(?:19|20)\d\d(?![.,]?\d)", text)}


def by_year(text: str) -> list[tuple[Figure, str | None]]:
    """Each figure that is no year, with the year that it is about; None for all if the text names no year.

    Figures and years that alternate, or that stand ``respectively``, belong together in their order: of more figures
    than years the last ones. Otherwise a figure belongs to the year that follows it before the next figure, else to the
    nearest.
    """
    found = [figure for figure in figures(text) if figure.is_year or not _is_day(text, figure)]
    years_of = dict(_in_order(text, found))
    dates = [figure for figure in found if figure.is_year]
    amounts = [figure for figure in found if not figure.is_year]
    if not dates:
        return [(figure, None) for figure in amounts]
    return [(figure, _name(text, years_of.get(figure) or _year_of(figure, dates, amounts))) for figure in amounts]


def _in_order(text: str, found: Sequence[Figure]) -> Iterator[tuple[Figure, Figure]]:
    """The figures that have their years by their order, each with its year."""
    begin = 0
    for end in (*(match.start() for match in _IN_ORDER.finditer(text)), len(text)):
        part = [figure for figure in found if begin <= figure.start < end]
        dates = [figure for figure in part if figure.is_year]
        amounts = [figure for figure in part if not figure.is_year]
        is_told = end < len(text) or ("각각" in text and len(dates) == len(amounts))
        if _alternate(part) or (is_told and 1 < len(dates) <= len(amounts)):
            yield from zip(amounts[len(amounts) - len(dates) :], dates, strict=True)
        begin = end


def _alternate(found: Sequence[Figure]) -> bool:
    """Whether each figure that is no year has a year beside it, in turns."""
    is_even = sum(figure.is_year for figure in found) * 2 == len(found)
    return is_even and all(one.is_year != other.is_year for one, other in pairwise(found))


def days(text: str) -> set[Decimal]:
    """The days of months that a text names, such as 28 of ``September 28, 2024``."""
    return {figure.value for figure in figures(text) if not figure.is_year and _is_day(text, figure)}


def _name(text: str, date: Figure) -> str:
    return text[date.start : date.end]


def _year_of(figure: Figure, dates: Sequence[Figure], amounts: Sequence[Figure]) -> Figure:
    after = [other.start for other in amounts if other.start > figure.start]
    follows = [date for date in dates if figure.end <= date.start < (after[0] if after else date.start + 1)]
    return follows[0] if follows else min(dates, key=lambda date: abs(date.start - figure.start))


def _is_day(text: str, figure: Figure) -> bool:
    """Whether the figure is the day of a date, such as ``September 28, 2024``."""
    months = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?\s$"
    return bool(re.search(months, text[: figure.start])) and figure.value <= 31
