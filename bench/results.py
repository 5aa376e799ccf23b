"""What a section of the benchmark hands back, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Section:
    """Measurements as rows of one table, and what has to be said of them."""

    rows: Sequence[Row]
    notes: Sequence[str] = field(default_factory=tuple)


def table(rows: Sequence[Row]) -> str:
    """The rows below the names of their columns, aligned; an empty cell where a row has no such value."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_text(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _text(value: str | int | float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
