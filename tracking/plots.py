"""Plots of the scores of a pre-training or an evaluation, as HTML files that MLflow shows beside a run.

Pure functions of the scores that ``include/evaluation/records.py`` keeps. Where next: ``facts.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from research.report.charts import bar_chart, line_chart

BY_HORIZON: Final = "skill_by_horizon.html"
BY_MARKET: Final = "skill_by_market.html"
COVERAGE: Final = "coverage_90.html"
BY_QUARTER: Final = "skill_by_quarter.html"
_PERCENT: Final = 100.0
_FILE: Final = 'xmlns="http://www.w3.org/2000/svg" width="640" height="260" '
"""The charts' size. MLflow draws no SVG file, but it shows a page that holds one."""


def score_plots(board: Mapping[str, Mapping[str, Any]], subject: str | None = None) -> dict[str, bytes]:
    """Plots of a leaderboard, as name -> page: skill by horizon, coverage, and skill by market of ``subject``.

    ``board`` is what ``scores_of`` returns. The default of ``subject`` is the forecaster with the highest mean skill.
    There is no plot of what is not known.
    """
    known = {name: _percent(scores["skill"]) for name, scores in board.items()}
    known = {name: values for name, values in known.items() if np.isfinite(values).any()}
    if not known:
        return {}
    horizons = [float(place) for place in range(1, len(next(iter(known.values()))) + 1)]
    title = "CRPS skill against the random walk, by bars ahead"
    covered = {name: _percent([board[name]["coverage_90"]])[0] for name in known}
    drawn = {
        BY_HORIZON: line_chart(title, horizons, known, " %", reference=0.0),
        COVERAGE: bar_chart("Outcomes within the 90 % interval", list(covered), list(covered.values()), " %", 90.0),
    }
    chosen = subject if subject in known else max(known, key=lambda name: float(np.nanmean(known[name])))
    markets = board[chosen].get("markets", {})
    if markets:
        skills = _percent([numbers["skill_mean"] for numbers in markets.values()])
        drawn[BY_MARKET] = bar_chart(f"CRPS skill of {chosen}, by market", list(markets), skills.tolist(), " %")
    return {name: _file(chart) for name, chart in drawn.items()}


def quarter_plots(quarters: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The plot of a certificate's walk-forward quarters, whose skills are in percent; none without a quarter."""
    if not quarters:
        return {}
    curves = {
        name: np.array([float(quarter[f"{name}_skill_mean"]) for quarter in quarters]) for name in ("scale", "backbone")
    }
    places = [float(place) for place in range(1, len(quarters) + 1)]
    title = f"CRPS skill by quarter, from {str(quarters[0]['since'])[:10]}"
    return {BY_QUARTER: _file(line_chart(title, places, curves, " %"))}


def _percent(values: Sequence[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return _PERCENT * np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _file(chart: str) -> bytes:
    drawn = chart.replace("<svg ", f"<svg {_FILE}", 1)
    return f"<!DOCTYPE html>\n<html><body>\n{drawn}\n</body></html>\n".encode()
