"""A leaderboard as four pages of HTML: what is beaten, what is kept, what it is worth, what is left over.

Pure text: one page without scripts or files beside it. Where next: ``include/pipeline/evaluate.py`` writes it down.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation import comparison, diagnostics, words
from include.evaluation.charts import bar_chart, line_chart
from include.evaluation.decision import margin_table
from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.metrics import INTERVAL_COLUMNS
from include.evaluation.reliability import BIN_EDGES
from include.evaluation.significance import SIGNIFICANT

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
    board: Leaderboard, histories: Mapping[str, History], subject: str, rival: str, since: datetime, until: datetime
) -> str:
    """The whole report: ``subject`` is the forecaster that it is about, ``rival`` the strongest simple one."""
    title = f"How good are the forecasts? {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    pages = [
        _page("1. What is beaten", _beaten(board, subject, rival)),
        _page("2. What is promised, and kept", _kept(board, subject)),
        _page("3. Which way, and what it is worth", _worth(board, subject)),
        _page("4. What is left over", _left_over(board, histories, subject)),
    ]
    head = f"<meta charset='utf-8'><title>{html.escape(title)}</title><style>{_STYLE}</style>"
    return (
        f"<!doctype html>\n<html lang='en'><head>{head}</head><body><h1>{title}</h1>\n"
        + "\n".join(pages)
        + "</body></html>\n"
    )


def _beaten(board: Leaderboard, subject: str, rival: str) -> list[str]:
    skills = {name: 100.0 * board.mean_skill(name) for name in board.names if name != board.baseline}
    count = len(board.rows)
    sentences = [words.method(sum(len(rows.anchored_at) for rows in board.rows.values()), count)]
    for other in (board.baseline, rival):
        if other != subject:
            verdict = _row(comparison.verdicts(board, other), subject)
            sentences.append(words.standing(html.escape(subject), html.escape(other), verdict, count))
    by_ticker = 100.0 * board.skill(subject, 1).sort_values(ascending=False)
    return [
        *_paragraphs(sentences),
        _table(board.table().set_index("forecaster"), _FORMATS),
        line_chart("CRPS skill by horizon", _HORIZONS, skills, " %", reference=0.0),
        bar_chart(f"{subject}: skill one bar ahead, by ticker", _short(by_ticker.index), by_ticker.tolist(), " %"),
        "<h3>By market</h3>",
        _table(board.by_market(subject), _FORMATS),
        f"<h3>Everyone against {html.escape(rival)}</h3>",
        "<p>better and worse: tickers with a significant Diebold-Mariano difference one bar ahead; p-values: panel "
        "test over days, at the first and the last horizon.</p>",
        _table(comparison.verdicts(board, rival), _FORMATS),
    ]


def _kept(board: Leaderboard, subject: str) -> list[str]:
    groups = comparison.group_coverage(board, subject)
    within = {str(name): {int(width): float(groups[width][name]) for width in groups.columns} for name in groups.index}
    distance = (board.coverage(subject, 90) - 0.9).abs().sort_values()
    everyone = pd.DataFrame({name: comparison.group_coverage(board, name).loc["all"] for name in board.names}).T
    density = comparison.pit_by_bin(board, subject)
    labels = [f"{low:g}-{high:g}" for low, high in pairwise(BIN_EDGES)]
    losses, walk = comparison.level_losses(board, subject), comparison.level_losses(board, board.baseline)
    saved = {f"{h} ahead": 100.0 * (1.0 - losses[h - 1] / walk[h - 1]) for h in (1, 3, HORIZON_COUNT)}
    worst = html.escape(str(distance.index[-1]))
    return [
        *_paragraphs([words.promise(html.escape(subject), within, worst, float(distance.iloc[-1]))]),
        _table(groups.rename(columns=str), "{:.1%}"),
        "<p>The bars show how often outcomes fell between neighbouring quantiles, over how often they should have: 1 "
        "is right, more at both ends means too narrow, more in the middle too wide.</p>",
        bar_chart("Outcomes between quantiles (PIT), one bar ahead", labels, density.tolist(), "", reference=1.0),
        "<h3>Coverage of everyone, one bar ahead</h3>",
        _table(everyone.rename(columns=str), "{:.1%}"),
        line_chart("Pinball loss saved, by quantile level: where the skill lives", QUANTILE_LEVELS, saved, " %", 0.0),
    ]


def _worth(board: Leaderboard, subject: str) -> list[str]:
    directions, margins = comparison.direction_table(board), margin_table(board)
    own, walk = _row(directions, subject), _row(directions, board.baseline)
    errors = pd.DataFrame({name: comparison.median_errors(board, name) for name in board.names}, index=_HORIZONS).T
    sentences = [
        words.direction(html.escape(subject), own, walk),
        words.margin(html.escape(subject), _row(margins, subject)["saved_ratio"]),
    ]
    return [
        *_paragraphs(sentences),
        _table(margins, _FORMATS),
        "<h3>Direction, one bar ahead, with 95 % block-bootstrap intervals</h3>",
        _table(directions, "{:.3f}"),
        "<h3>Mean absolute error of the median over that of the last price, by horizon</h3>",
        "<p>1 is as good as the last price. Those that are 1 throughout put their median there on purpose.</p>",
        _table(errors.rename(columns=str), "{:.4f}"),
    ]


def _left_over(board: Leaderboard, histories: Mapping[str, History], subject: str) -> list[str]:
    tests = diagnostics.residual_table(board, subject)
    is_rejected = (tests < SIGNIFICANT).where(tests.notna())
    rejected = {str(name): float(is_rejected[name].mean()) for name in tests.columns}
    shown = max(board.rows, key=lambda ticker: len(board.rows[ticker].anchored_at))
    lags = diagnostics.correlograms(diagnostics.residuals(board, subject, shown))
    parts = diagnostics.decomposition(histories[shown], SHOWN_BARS)
    curves = {name: parts[name].to_numpy(np.float64) for name in ("value", "trend", "season")}
    shares = diagnostics.explained_shares(parts)
    return [
        *_paragraphs([words.leftovers(rejected), words.parts(html.escape(shown), len(parts), shares)]),
        line_chart(f"{shown}: correlation of residuals by lag", list(range(1, diagnostics.LAGS + 1)), lags, "", 0.0),
        line_chart(f"{shown}: log true range, its trend and its season", list(range(len(parts))), curves, ""),
        "<p>P-values; below 0.05 the hypothesis in the column's name is rejected.</p>",
        _table(tests, "{:.3f}"),
    ]


def _row(frame: pd.DataFrame, name: str) -> dict[str, float]:
    """One row of a frame of numbers."""
    return {str(column): float(frame[column][name]) for column in frame.columns}


def _page(title: str, parts: list[str]) -> str:
    return f"<section><h2>{title}</h2>\n" + "\n".join(parts) + "</section>"


def _paragraphs(words: list[str]) -> list[str]:
    return [f"<p>{text}</p>" for text in words]


def _table(frame: pd.DataFrame, form: str | Mapping[str, str]) -> str:
    """A frame of numbers as an HTML table, by one format or by one a column."""
    head = "".join(f"<th>{html.escape(str(column))}</th>" for column in ("", *frame.columns))
    forms = [form if isinstance(form, str) else form[str(column)] for column in frame.columns]
    lines = []
    for name, values in zip(frame.index, frame.to_numpy(np.float64), strict=True):
        cells = "".join(f"<td>{one.format(value)}</td>" for one, value in zip(forms, values, strict=True))
        lines.append(f"<tr><td>{html.escape(str(name))}</td>{cells}</tr>")
    return f"<table><tr>{head}</tr>\n" + "\n".join(lines) + "</table>"


def _short(names: pd.Index[str]) -> list[str]:
    """Tickers short enough to stand below a bar."""
    return [str(name)[:5] for name in names]
