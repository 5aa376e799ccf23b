"""The result of a section of the benchmark, and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Section:
    """Measurements as rows of one table, with notes."""

    rows: Sequence[Row]
    notes: Sequence[str] = field(default_factory=tuple)


def table(rows: Sequence[Row]) -> str:
    """The rows as an aligned text table with a header; missing values are empty cells."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_text(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _text(value: str | int | float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
