"""The report of a leaderboard: one HTML file with the sections skill, calibration, direction and residuals.

Pure functions. The file has no scripts and needs no other files. Where next: ``research/evaluate.py``, which writes it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.metrics import INTERVAL_COLUMNS
from research.report import comparison, diagnostics, report_text
from research.report.charts import bar_chart, line_chart
from research.report.decision import margin_table
from research.report.reliability import BIN_EDGES
from research.report.significance import SIGNIFICANT

SHOWN_BARS = 400

_HORIZONS = list(range(1, HORIZON_COUNT + 1))
_FORMATS = {
    "skill_1": "{:.2%}",
    "skill_mean": "{:.2%}",
    "crps_1_bp": "{:.3f}",
    "better_ratio": "{:.0%}",
    "forecast_ratio": "{:.1%}",
    "tickers": "{:.0f}",
    "better": "{:.0f}",
    "worse": "{:.0f}",
    "p_value_1": "{:.4f}",
    "p_value_7": "{:.4f}",
    "margin_bp": "{:.1f}",
    "breach_ratio": "{:.2%}",
    "shortfall_bp": "{:.1f}",
    "saved_ratio": "{:.2%}",
    **{f"coverage_{interval}": "{:.1%}" for interval in INTERVAL_COLUMNS},
}
_STYLE = """
body { font: 14px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
section { break-after: page; margin-bottom: 3rem; } h1 { font-size: 1.6rem; } h2 { border-bottom: 2px solid #1f5fa8; }
table { border-collapse: collapse; margin: .8rem 0; } th, td { padding: .2rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } tr:nth-child(even) { background: #f4f6f9; }
th { border-bottom: 1px solid #999; } svg { width: 100%; max-width: 42rem; display: block; margin: .8rem 0; }
"""


def make_report(
    board: Leaderboard,
    histories: Mapping[str, History],
    subject: str,
    competitor: str,
    since: datetime,
    until: datetime,
) -> str:
    """The report as HTML. ``subject``: the forecaster that it is about; ``competitor``: the one it is compared with."""
    title = f"How good are the forecasts? {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    pages = [
        _page("1. Skill", _skill(board, subject, competitor)),
        _page("2. Calibration of the intervals", _calibration(board, subject)),
        _page("3. Value of the intervals, and direction", _value(board, subject)),
        _page("4. Residuals", _residuals(board, histories, subject)),
    ]
    head = f"<meta charset='utf-8'><title>{html.escape(title)}</title><style>{_STYLE}</style>"
    return (
        f"<!doctype html>\n<html lang='en'><head>{head}</head><body><h1>{title}</h1>\n"
        + "\n".join(pages)
        + "</body></html>\n"
    )


def _skill(board: Leaderboard, subject: str, competitor: str) -> list[str]:
    skills = {name: 100.0 * board.mean_skill(name) for name in board.names if name != board.baseline}
    count = len(board.rows)
    sentences = [report_text.method(sum(len(rows.anchored_at) for rows in board.rows.values()), count)]
    for other in (board.baseline, competitor):
        if other != subject:
            verdict = _row(comparison.verdicts(board, other), subject)
            sentences.append(report_text.comparison(html.escape(subject), html.escape(other), verdict, count))
    by_ticker = 100.0 * board.skill(subject, 1).sort_values(ascending=False)
    return [
        *_paragraphs(sentences),
        _table(board.table().set_index("forecaster"), _FORMATS),
        line_chart("CRPS skill by horizon", _HORIZONS, skills, " %", reference=0.0),
        bar_chart(f"{subject}: skill one bar ahead, by ticker", _short(by_ticker.index), by_ticker.tolist(), " %"),
        "<h3>By market</h3>",
        _table(board.by_market(subject), _FORMATS),
        f"<h3>All forecasters against {html.escape(competitor)}</h3>",
        "<p>better and worse: tickers with a significant Diebold-Mariano difference one bar ahead; p-values: panel "
        "test over days, at the first and the last horizon.</p>",
        _table(comparison.verdicts(board, competitor), _FORMATS),
    ]


def _calibration(board: Leaderboard, subject: str) -> list[str]:
    groups = comparison.group_coverage(board, subject)
    within = {str(name): {int(width): float(groups[width][name]) for width in groups.columns} for name in groups.index}
    distance = (board.coverage(subject, 90) - 0.9).abs().sort_values()
    coverages = pd.DataFrame({name: comparison.group_coverage(board, name).loc["all"] for name in board.names}).T
    density = comparison.pit_by_bin(board, subject)
    labels = [f"{low:g}-{high:g}" for low, high in pairwise(BIN_EDGES)]
    losses, walk = comparison.level_losses(board, subject), comparison.level_losses(board, board.baseline)
    saved = {f"{h} ahead": 100.0 * (1.0 - losses[h - 1] / walk[h - 1]) for h in (1, 3, HORIZON_COUNT)}
    worst = html.escape(str(distance.index[-1]))
    return [
        *_paragraphs([report_text.coverage(html.escape(subject), within, worst, float(distance.iloc[-1]))]),
        _table(groups.rename(columns=str), "{:.1%}"),
        "<p>The bars show the share of outcomes between neighbouring quantiles over its nominal value. 1 is "
        "calibrated. Higher bars at both ends mean that the forecast is too narrow, higher bars in the middle that it "
        "is too wide.</p>",
        bar_chart("Outcomes between quantiles (PIT), one bar ahead", labels, density.tolist(), "", reference=1.0),
        "<h3>Coverage of all forecasters, one bar ahead</h3>",
        _table(coverages.rename(columns=str), "{:.1%}"),
        line_chart(
            "Reduction of the pinball loss against the baseline, by quantile level", QUANTILE_LEVELS, saved, " %", 0.0
        ),
    ]


def _value(board: Leaderboard, subject: str) -> list[str]:
    directions, margins = comparison.direction_table(board), margin_table(board)
    hits, walk = _row(directions, subject), _row(directions, board.baseline)
    errors = pd.DataFrame({name: comparison.median_errors(board, name) for name in board.names}, index=_HORIZONS).T
    sentences = [
        report_text.direction(html.escape(subject), hits, walk),
        report_text.margin(html.escape(subject), _row(margins, subject)["saved_ratio"]),
    ]
    return [
        *_paragraphs(sentences),
        _table(margins, _FORMATS),
        "<h3>Direction, one bar ahead, with 95 % block-bootstrap intervals</h3>",
        _table(directions, "{:.3f}"),
        "<h3>Mean absolute error of the median over that of the last price, by horizon</h3>",
        "<p>1 is as good as the last price. Forecasters with 1 at all horizons set their median to the last price.</p>",
        _table(errors.rename(columns=str), "{:.4f}"),
    ]


def _residuals(board: Leaderboard, histories: Mapping[str, History], subject: str) -> list[str]:
    tests = diagnostics.residual_table(board, subject)
    is_rejected = (tests < SIGNIFICANT).where(tests.notna())
    rejected = {str(name): float(is_rejected[name].mean()) for name in tests.columns}
    shown = max(board.rows, key=lambda ticker: len(board.rows[ticker].anchored_at))
    lags = diagnostics.correlograms(diagnostics.residuals(board, subject, shown))
    parts = diagnostics.decomposition(histories[shown], SHOWN_BARS)
    curves = {name: parts[name].to_numpy(np.float64) for name in ("value", "trend", "season")}
    shares = diagnostics.explained_shares(parts)
    return [
        *_paragraphs([report_text.residuals(rejected), report_text.parts(html.escape(shown), len(parts), shares)]),
        line_chart(f"{shown}: correlation of residuals by lag", list(range(1, diagnostics.LAGS + 1)), lags, "", 0.0),
        line_chart(f"{shown}: log true range, its trend and its season", list(range(len(parts))), curves, ""),
        "<p>P-values: below 0.05 the hypothesis that the column names is rejected.</p>",
        _table(tests, "{:.3f}"),
    ]


def _row(frame: pd.DataFrame, name: str) -> dict[str, float]:
    """One row of a frame of numbers."""
    return {str(column): float(frame[column][name]) for column in frame.columns}


def _page(title: str, parts: list[str]) -> str:
    return f"<section><h2>{title}</h2>\n" + "\n".join(parts) + "</section>"


def _paragraphs(sentences: list[str]) -> list[str]:
    return [f"<p>{text}</p>" for text in sentences]


def _table(frame: pd.DataFrame, form: str | Mapping[str, str]) -> str:
    """A frame of numbers as an HTML table, with one format for all columns or one for each."""
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in ("", *frame.columns))
    forms = [form if isinstance(form, str) else form[str(column)] for column in frame.columns]
    records = []
    for name, values in zip(frame.index, frame.to_numpy(np.float64), strict=True):
        cells = "".join(f"<td>{one.format(value)}</td>" for one, value in zip(forms, values, strict=True))
        records.append(f"<tr><td>{html.escape(str(name))}</td>{cells}</tr>")
    return f"<table><tr>{head}</tr>\n" + "\n".join(records) + "</table>"


def _short(names: pd.Index[str]) -> list[str]:
    """Tickers, shortened to the width of a bar."""
    return [str(name)[:5] for name in names]
