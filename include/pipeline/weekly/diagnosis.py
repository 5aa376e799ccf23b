"""The section of the report about residuals, and the parts of a ticker's ranges, as HTML. Pure functions.

Where next: ``evaluation/diagnostics.py`` for the tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from include.evaluation.diagnostics import (
    LEAST_VALUES,
    TESTS,
    Values,
    autocorrelations,
    decompose,
    partial_autocorrelations,
    residual_tests,
)
from include.pipeline.weekly import figures
from include.pipeline.weekly.numbers import Row
from include.pipeline.weekly.words import UNKNOWN, items, paragraph, percent, table, text

_NAMES: Final = {
    "normal": "normal (Jarque-Bera)",
    "has_unit_root": "unit root (ADF)",
    "uncorrelated": "uncorrelated (Ljung-Box)",
    "squares_uncorrelated": "squares uncorrelated",
    "no_arch": "no ARCH (Engle)",
}
_REJECTED: Final = 0.05
_TREND_SESSIONS: Final = 10


@dataclass(frozen=True)
class Sample:
    """A chosen ticker's residuals one bar ahead, and its newest bars' log ranges with their slots."""

    ticker: str
    residuals: Values
    ranges: Sequence[Row]


def diagnosis(samples: Sequence[Sample]) -> str:
    """Tests of the chosen tickers' residuals, the first one's correlograms, and the parts of its ranges."""
    enough = [sample for sample in samples if len(sample.residuals) >= LEAST_VALUES]
    if not enough:
        return f"<h2>Residuals</h2><p>No chosen ticker has {LEAST_VALUES} matured forecasts yet.</p>"
    tests = {sample.ticker: residual_tests(sample.residuals) for sample in enough}
    rows = [
        [sample.ticker, str(len(sample.residuals)), *(_p_value(tests[sample.ticker][name]) for name in TESTS)]
        for sample in enough
    ]
    first = enough[0]
    figure = figures.correlogram(
        f"{first.ticker}: residuals and earlier ones",
        {
            "residuals (ACF)": autocorrelations(first.residuals),
            "partial (PACF)": partial_autocorrelations(first.residuals),
            "their size (ACF)": autocorrelations(np.abs(first.residuals)),
        },
        len(first.residuals),
    )
    words = (
        "A residual is the outcome over the forecast's width. If volatility is forecast as well as it can be, "
        "residuals have no memory. They need not be normal: markets have fat tails, so quantiles are forecast. Each "
        "number is the probability of such data if the hypothesis holds; below 0.05 it is rejected."
    )
    columns = ["ticker", "bars", *(_NAMES[name] for name in TESTS)]
    return (
        f"<h2>Residuals</h2>{paragraph([words])}{table(columns, rows, 6)}{items(_read(tests))}{figure}{_parts(first)}"
    )


def _parts(sample: Sample) -> str:
    """The log range of a ticker's newest bars as trend, time of day and rest."""
    if len(sample.ranges) < LEAST_VALUES:
        return ""
    values = np.array([row["log_range"] for row in sample.ranges], dtype=np.float64)
    slots = [row["slot"] for row in sample.ranges]
    parts = decompose(values, slots, _TREND_SESSIONS * len(set(slots)))
    shares = parts.shares()
    words = (
        f"The size of {text(sample.ticker)}'s moves (log range of its newest {len(values)} bars): "
        f"{percent(shares['trend'], 0)} of the variance is a slow trend, {percent(shares['season'], 0)} the time of "
        f"day, and {percent(shares['rest'], 0)} the rest."
    )
    lines = {"log range": values, "trend": parts.trend, "time of day": parts.season, "rest": parts.rest}
    return f"<h2>What moves the size of moves</h2>{paragraph([words])}{figures.curves('', lines)}"


def _read(tests: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What the tests say, hypothesis by hypothesis."""

    def rejected(name: str) -> list[str]:
        return [text(ticker) for ticker, found in tests.items() if found[name] < _REJECTED]

    memory = sorted({*rejected("squares_uncorrelated"), *rejected("no_arch")})
    return [
        f"Not normal, as expected: {_or_none(rejected('normal'))}.",
        f"Stationary (no unit root): {_or_none(rejected('has_unit_root'))}.",
        f"Correlated, so a drift is left that a forecast could use: {_or_none(rejected('uncorrelated'))}.",
        f"Sizes with memory, so volatility is left that could be forecast: {_or_none(memory)}.",
    ]


def _or_none(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _p_value(value: float) -> str:
    if math.isnan(value):
        return UNKNOWN
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
