"""The curves of a soak as one SVG: a small panel for each group of measures, each curve between its least and most."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.soak.samples import Samples

_PANELS = (
    "seconds",
    "CPU seconds",
    "MB memory scheduler",
    "MB memory api-server",
    "MB memory dag-processor",
    "MB memory triggerer",
    "MB memory postgres",
    "connections",
    "rows hourcast",
    "rows airflow",
    "MB database hourcast",
    "MB database airflow",
    "MB artefacts",
    "MB task logs",
    "MB component logs",
)
_COLUMNS = 3
_WIDTH, _HEIGHT = 300, 130
_LEFT, _TOP, _BOTTOM = 10, 34, 12


def chart_of(samples: Samples) -> str:
    """The SVG; each panel has its own scale, with the least and the greatest value in its title."""
    names = [name for name in _PANELS if samples.get(name)]
    rows = -(-len(names) // _COLUMNS)
    panels = [
        _panel(name, samples[name], _WIDTH * (number % _COLUMNS), _HEIGHT * (number // _COLUMNS))
        for number, name in enumerate(names)
    ]
    size = f'width="{_WIDTH * _COLUMNS}" height="{_HEIGHT * rows}"'
    style = "text{font:12px sans-serif}polyline{fill:none;stroke:#1f6fb4;stroke-width:1.5}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>',
            *panels,
            "</svg>\n",
        ]
    )


def _panel(name: str, values: Sequence[float], x: int, y: int) -> str:
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    width, height = _WIDTH - 2 * _LEFT, _HEIGHT - _TOP - _BOTTOM
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{x + _LEFT + step * hour:.1f},{y + _TOP + height * (1.0 - (value - low) / span):.1f}"
        for hour, value in enumerate(values)
    )
    title = f'<text x="{x + _LEFT}" y="{y + 20}">{escape(name)}: {low:.4g} to {high:.4g}</text>'
    return f'{title}<polyline points="{points}"/>'
