"""Small figures as SVG text, for a page without scripts: values with their errors, correlograms, curves.

Pure functions. Widths and heights are in pixels at the printed size. Where next: ``sections.py``.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

BLUE: Final = "#1f5fa8"
ORANGE: Final = "#b4540a"
GREY: Final = "#8a94a0"
COLOURS: Final = (BLUE, ORANGE, "#3a8a4f")
_TEXT: Final = "#1b1f24"
_WIDTH: Final = 640
_ROW: Final = 22
_LEFT: Final = 120

Values = npt.NDArray[np.float64]


def intervals(title: str, names: Sequence[str], series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A row for each name: per series a point and two standard errors to both sides, in percent, around 0."""
    known = [
        bound
        for pairs in series.values()
        for value, error in pairs
        if math.isfinite(value)
        for bound in (value - 2 * _finite(error), value + 2 * _finite(error))
    ]
    axis = _Axis([0.0, *known], _LEFT, _WIDTH - 16)
    height = _ROW * len(names) + 56
    parts = [_line(axis.at(0.0), 26, axis.at(0.0), height - 24, _TEXT)]
    for tick in axis.ticks():
        parts.append(_line(axis.at(tick), 26, axis.at(tick), height - 24, "#e1e5ea"))
        parts.append(_text(axis.at(tick), height - 10, f"{100 * tick:g} %", "middle"))
    for row, name in enumerate(names):
        y = 40 + _ROW * row
        parts.append(_text(_LEFT - 8, y + 4, name, "end"))
        for place, pairs in enumerate(series.values()):
            parts += _point(axis, pairs[row], y + 7 * place - 3, COLOURS[place])
    legend = [_text(_WIDTH - 16 - 130 * place, 16, name, "end", COLOURS[place]) for place, name in enumerate(series)]
    return _drawn(title, height, [*parts, *legend])


def correlogram(title: str, curves: Mapping[str, Values], count: int) -> str:
    """Correlations by lag as pairs of bars, with the band in which 95 % of them lie by chance for ``count`` values."""
    height, band = 170, 1.96 / math.sqrt(max(count, 1))
    lags = len(next(iter(curves.values())))
    largest = max([2 * band, *(float(np.abs(values).max()) for values in curves.values())])
    rows = _Axis([-largest, largest], height - 26, 26)
    step = (_WIDTH - 70) / lags
    parts = [_line(44, rows.at(edge), _WIDTH - 16, rows.at(edge), GREY, "4 3") for edge in (band, -band)]
    parts.append(_line(44, rows.at(0.0), _WIDTH - 16, rows.at(0.0), _TEXT))
    parts += [_text(38, rows.at(tick) + 4, f"{tick:g}", "end") for tick in rows.ticks()]
    for place, (name, values) in enumerate(curves.items()):
        for lag, value in enumerate(values):
            x = 54 + step * lag + 9 * place
            top, bottom = sorted((rows.at(float(value)), rows.at(0.0)))
            parts.append(
                f'<rect x="{x:.1f}" y="{top:.1f}" width="8" height="{bottom - top:.1f}" fill="{COLOURS[place]}"/>'
            )
        parts.append(_text(_WIDTH - 16 - 130 * place, 16, name, "end", COLOURS[place]))
    parts += [_text(62 + step * lag, height - 8, str(lag + 1), "middle") for lag in range(0, lags, 2)]
    return _drawn(title, height, parts)


def curves(title: str, lines: Mapping[str, Values]) -> str:
    """Curves below one another over the same values, each with its name; gaps where a value is not finite."""
    each = 54
    parts: list[str] = []
    for place, (name, values) in enumerate(lines.items()):
        top = 24 + each * place
        known = values[np.isfinite(values)]
        rows = _Axis(known.tolist() or [0.0], top + each - 8, top + 2)
        step = (_WIDTH - _LEFT - 16) / max(len(values) - 1, 1)
        points = " ".join(
            f"{_LEFT + step * at:.1f},{rows.at(float(value)):.1f}"
            for at, value in enumerate(values)
            if math.isfinite(value)
        )
        parts.append(_text(_LEFT - 8, top + each / 2, name, "end"))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[place % 3]}" stroke-width="1"/>')
    return _drawn(title, 28 + each * len(lines), parts)


class _Axis:
    """Places values on the page, from ``start`` to ``end``, with a small margin."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        margin = 0.06 * (high - low) or 1.0
        self._low, self._high = low - margin, high + margin
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[float]:
        """About five round values."""
        rough = (self._high - self._low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(size * power for size in (1.0, 2.0, 5.0, 10.0) if size * power >= rough * (1.0 - 1e-9))
        first, last = math.ceil(self._low / step), math.floor(self._high / step)
        return [round(place * step, 12) for place in range(first, last + 1)]


def _point(axis: _Axis, pair: tuple[float, float], y: float, colour: str) -> list[str]:
    value, error = pair
    if not math.isfinite(value):
        return []
    reach = 2 * _finite(error)
    return [
        _line(axis.at(value - reach), y, axis.at(value + reach), y, colour),
        f'<circle cx="{axis.at(value):.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>',
    ]


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "") -> str:
    style = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{style}/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = _TEXT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{html.escape(text)}</text>'


def _drawn(title: str, height: float, parts: Sequence[str]) -> str:
    head = f'<text x="0" y="16" font-weight="600" font-size="13" fill="{_TEXT}">{html.escape(title)}</text>'
    body = "\n".join([head, *parts])
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{html.escape(title)}" '
        f'font-family="sans-serif" font-size="11">\n{body}\n</svg>'
    )
