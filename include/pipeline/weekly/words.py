"""The report's sentences and small HTML parts: numbers in words, tables, escaping. Pure functions.

Every text that comes from data is escaped here. Where next: ``sections.py``.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

Row = Mapping[str, Any]

UNKNOWN: Final = "\N{EN DASH}"
"""What stands for a number that is not known."""


def percent(value: float, digits: int = 1) -> str:
    """A ratio in percent; a dash where it is unknown."""
    return UNKNOWN if not math.isfinite(value) else f"{100 * value:.{digits}f} %"


def signed(value: float, error: float, digits: int = 1) -> str:
    """A ratio in percent with its sign and two standard errors; a dash where it is unknown."""
    if not math.isfinite(value):
        return UNKNOWN
    around = f" ± {200 * error:.{digits}f}" if math.isfinite(error) else ""
    return f"{100 * value:+.{digits}f}{around} %"


def number(value: float | None) -> str:
    """A whole number with separators; a dash where it is unknown."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def instant(value: datetime) -> str:
    """An instant for people, in UTC."""
    return f"{value:%a %d %b %H:%M} UTC"


def count(value: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 hour``, ``2 hours``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def text(value: object) -> str:
    """A text of the data, escaped."""
    return html.escape(str(value))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """A table of escaped cells; its last ``numbers`` columns are right-aligned. Nothing without rows."""
    if not rows:
        return ""
    first = len(columns) - numbers

    def cells(values: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=number' if place >= first else ''}>{html.escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(columns, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def items(sentences: Sequence[str]) -> str:
    """Sentences, which are HTML already, as a list."""
    return f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in sentences)}</ul>"


def paragraph(sentences: Sequence[str]) -> str:
    """Sentences, which are HTML already, as one paragraph."""
    return f"<p>{' '.join(filter(None, sentences))}</p>"
