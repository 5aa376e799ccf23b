"""Figures in cells of tables and in sentences, as exact decimal numbers.

Standard library only.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_CELL: Final = re.compile(
    r"(?P<open>\()?\s*(?P<minus>[-\u2212\u2013\u25b3\u25b2])?\s*(?:US|NT|HK|C|A)?[$\u20ac\u00a3\u00a5\u20a9]?\s*(?P<inner>\()?\s*"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s*\)?\s*(?P<percent>%)?\s*\)?"
)
_IN_TEXT: Final = re.compile(
    r"(?P<open>\()?(?P<minus>(?<![\w)])[-\u2212\u25b3\u25b2]\s?)?[$\u20ac\u00a3\u00a5\u20a9]?\s?(?P<inner>\()?"
    r"(?<![\d.,])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?!\d)(?P<close>\s?%?\))?"
)
_CITED: Final = re.compile(r"\[(\d+)\]")


def cell_value(text: str) -> Decimal | None:
    """The number of a table's cell: ``(3,080)`` is -3080, ``24.1%`` is 24.1; None if the cell is no number."""
    found = _CELL.fullmatch(text.strip())
    if found is None:
        return None
    value = Decimal(found["digits"].replace(",", ""))
    return -value if found["open"] or found["inner"] or found["minus"] else value


def is_percent(text: str) -> bool:
    """Whether a cell is a percentage."""
    return text.rstrip(" )").endswith("%")


def figures_in(text: str) -> list[Decimal]:
    """The numbers of a text in their order, without those of citations such as ``[2]``."""
    found = []
    for match in _IN_TEXT.finditer(_CITED.sub(" ", text)):
        value = Decimal(match["digits"].replace(",", ""))
        is_negative = match["minus"] or ((match["open"] or match["inner"]) and match["close"])
        found.append(-value if is_negative else value)
    return found


def citations_in(text: str) -> set[int]:
    """The numbers of the passages that a text cites."""
    return {int(number) for number in _CITED.findall(text)}


def without_citations(text: str) -> str:
    """The text without its citations."""
    return _CITED.sub("", text).strip()


def answered_figure(answer: str, question: str) -> Decimal | None:
    """The figure that an answer gives: what stands after its last ``=``, else its first one that is not the question's.

    So an answer may repeat the year that it was asked about, and may show its working.
    """
    _, equals, result = answer.rpartition("=")
    if equals:
        figures = figures_in(result)
        return figures[0] if figures else None
    asked = set(figures_in(question))
    figures = figures_in(answer)
    return next((figure for figure in figures if figure not in asked), figures[0] if figures else None)


def as_text(value: Decimal) -> str:
    """A number with commas between thousands; parentheses mean below nought."""
    return f"({-value:,f})" if value < 0 else f"{value:,f}"


def growth(before: Decimal, after: Decimal) -> Decimal:
    """The change in percent of ``before``, which is above 0, rounded to one decimal, halves to even."""
    return ((after - before) * 100 / before).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
