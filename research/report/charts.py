"""Small charts as SVG text, for a page without scripts or other files.

Pure functions. Where next: ``report.py``, which uses them.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

from include.evaluation.history import FloatArray

COLOURS = ("#1f5fa8", "#c8501e", "#3a8a4f", "#7a4fa3", "#8c6d1f", "#5a5a5a", "#b0306a", "#2a9d9d")

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 30, 42
_SLANTED_FROM = 12


def bar_chart(title: str, labels: Sequence[str], values: Sequence[float], unit: str, reference: float = 0.0) -> str:
    """A chart with one bar for each label, from the reference line up or down. SVG text."""
    frame = _Frame(title, [*values, reference], unit, x_from=-0.5, x_to=len(labels) - 0.5)
    base = frame.y(reference)
    parts = []
    for place, value in enumerate(values):
        if not np.isfinite(value):
            continue
        top, left = frame.y(value), frame.x(place - 0.35)
        width = frame.x(place + 0.35) - left
        colour = COLOURS[0] if value >= reference else COLOURS[1]
        parts.append(_rect(left, min(top, base), width, abs(base - top), colour))
    is_crowded = len(labels) > _SLANTED_FROM
    parts += [_label(frame.x(place), label, is_crowded) for place, label in enumerate(labels)]
    return frame.drawn([*parts, _line(_LEFT, base, _WIDTH - _RIGHT, base, "#333")])


def line_chart(
    title: str, x: Sequence[float], curves: Mapping[str, FloatArray], unit: str, reference: float | None = None
) -> str:
    """A chart with one curve for each name over the same x, a legend and an optional reference line. SVG text."""
    values = [*np.concatenate(list(curves.values())).tolist(), *([] if reference is None else [reference])]
    frame = _Frame(title, values, unit, x_from=float(x[0]), x_to=float(x[-1]))
    parts = [] if reference is None else [_line(_LEFT, frame.y(reference), _WIDTH - _RIGHT, frame.y(reference), "#999")]
    for place, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        known = [(frame.x(at), frame.y(value)) for at, value in zip(x, curve, strict=True) if np.isfinite(value)]
        path = " ".join(f"{at:.1f},{value:.1f}" for at, value in known)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(_text(_LEFT + 6 + 110 * (place % 5), _HEIGHT - 6 - 12 * (place // 5), name, "start", colour))
    ticks = _round_ticks(float(x[0]), float(x[-1]), 8)
    parts += [_text(frame.x(tick), _HEIGHT - 28, f"{tick:g}", "middle") for tick in ticks]
    return frame.drawn(parts)


class _Frame:
    """The axes of one chart: the position of each value on the page."""

    def __init__(self, title: str, values: Sequence[float], unit: str, x_from: float, x_to: float) -> None:
        known = [value for value in values if np.isfinite(value)] or [0.0]
        low, high = min(known), max(known)
        margin = 0.06 * (high - low) or 1.0
        self._title, self._unit = title, unit
        self._low, self._high = low - margin, high + margin
        self._x_from, self._x_to = x_from, x_to if x_to > x_from else x_from + 1.0

    def x(self, value: float) -> float:
        share = (value - self._x_from) / (self._x_to - self._x_from)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def drawn(self, parts: Sequence[str]) -> str:
        """The chart with title, grid and the labels of the vertical axis. SVG text."""
        grid = []
        for tick in _round_ticks(self._low, self._high, 5):
            grid.append(_line(_LEFT, self.y(tick), _WIDTH - _RIGHT, self.y(tick), "#e4e4e4"))
            grid.append(_text(_LEFT - 6, self.y(tick) + 4, f"{tick:g}{self._unit}", "end"))
        title = f'<text x="{_LEFT}" y="18" font-size="14" font-weight="600">{html.escape(self._title)}</text>'
        body = "\n".join([title, *grid, *parts])
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(self._title)}" '
            f'font-family="sans-serif" font-size="11">\n{body}\n</svg>'
        )


def _round_ticks(low: float, high: float, count: int) -> list[float]:
    """About ``count`` ticks between low and high, whose distance is 1, 2 or 5 times a power of ten."""
    rough = max(high - low, 1e-12) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1.0, 2.0, 5.0, 10.0) if size * power >= rough * (1.0 - 1e-9))
    return [
        round(place * step, 12) for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]


def _label(x: float, text: str, is_slanted: bool) -> str:
    """A label below a bar; slanted if there are many."""
    if not is_slanted:
        return _text(x, _HEIGHT - 24, text, "middle")
    turned = f'transform="rotate(-50 {x:.1f} {_HEIGHT - 30})"'
    return f'<text x="{x:.1f}" y="{_HEIGHT - 30}" text-anchor="end" fill="#333" {turned}>{html.escape(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{html.escape(text)}</text>'
