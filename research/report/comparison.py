"""Comparisons of a leaderboard's forecasters: significance, coverage by group, direction, and price error.

Pure functions. Most return a frame for a report or a terminal. Where next: ``evaluation/leaderboard.py`` for the
forecasts, ``significance.py``, ``reliability.py`` and ``direction.py`` for the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation import metrics
from include.evaluation.history import FloatArray, InstantArray
from include.evaluation.leaderboard import Leaderboard
from research.report.direction import (
    Estimate,
    break_even_cost,
    direction_hits,
    forecast_mean,
    rank_correlation,
)
from research.report.reliability import coverage_by_group, groups_of, pit, pit_densities
from research.report.significance import Difference, diebold_mariano, panel_test

_MEDIAN = QUANTILE_LEVELS.index(0.5)


def ticker_tests(board: Leaderboard, name: str, against: str, horizon: int = 1) -> pd.DataFrame:
    """Diebold-Mariano test of two forecasters' CRPS, one row for each ticker.

    Columns: skill, statistic, p_value, is_better, is_worse, count.
    """
    column = horizon - 1
    skills = board.skill(name, horizon, against)
    records = {}
    for ticker in board.rows:
        test = diebold_mariano(board.losses[name][ticker][:, column], board.losses[against][ticker][:, column], horizon)
        records[ticker] = {"skill": skills[ticker], **_columns(test)}
    return pd.DataFrame.from_dict(records, orient="index")


def panel_tests(board: Leaderboard, name: str, against: str, horizon: int = 1) -> pd.DataFrame:
    """The panel test over days of two forecasters' CRPS: one row for all tickers and one for each market."""
    markets = {"all": list(board.rows)}
    for ticker, rows in board.rows.items():
        markets.setdefault(rows.market, []).append(ticker)
    records = {market: _columns(_panel(board, name, against, horizon, part)) for market, part in markets.items()}
    frame = pd.DataFrame.from_dict(records, orient="index")
    frame.insert(0, "tickers", [len(part) for part in markets.values()])
    return frame


def verdicts(board: Leaderboard, against: str) -> pd.DataFrame:
    """Each forecaster compared with ``against``, one row each.

    ``skill_1`` and ``skill_mean``: skill at horizon 1 and mean over horizons. ``better`` and ``worse``: numbers of
    tickers with a significant difference at horizon 1. ``p_value_1`` and ``p_value_7``: the panel test over days at the
    first and at the last horizon.
    """
    records = {}
    for name in board.names:
        if name == against:
            continue
        tests = ticker_tests(board, name, against)
        skills = board.mean_skill(name, against)
        records[name] = {
            "skill_1": skills[0],
            "skill_mean": skills.mean(),
            "better": int(tests["is_better"].sum()),
            "worse": int(tests["is_worse"].sum()),
            "p_value_1": _panel(board, name, against, 1, list(board.rows)).p_value,
            "p_value_7": _panel(board, name, against, HORIZON_COUNT, list(board.rows)).p_value,
        }
    return pd.DataFrame.from_dict(records, orient="index")


def group_coverage(board: Leaderboard, name: str, horizon: int = 1) -> pd.DataFrame:
    """Coverage of each interval by group (volatility tercile, overnight), as the mean over tickers with such rows."""
    column = horizon - 1
    frames = [
        coverage_by_group(
            rows.outcome[:, column],
            board.quantiles[name][ticker][:, column],
            groups_of(rows.tercile, rows.has_gap[:, column]),
        )
        for ticker, rows in board.rows.items()
    ]
    return pd.concat(frames).groupby(level=0, sort=False).mean()


def pit_by_bin(board: Leaderboard, name: str, horizon: int = 1) -> FloatArray:
    """Share of outcomes between neighbouring quantiles over its nominal value; 1 is calibrated. [Q + 1]."""
    column = horizon - 1
    values = [
        pit(rows.outcome[:, column], board.quantiles[name][ticker][:, column]) for ticker, rows in board.rows.items()
    ]
    return pit_densities(np.concatenate(values))


def level_losses(board: Leaderboard, name: str) -> FloatArray:
    """Mean pinball loss by horizon and level in basis points, as the mean over tickers. [H, Q]."""
    parts = [
        np.nanmean(metrics.pinball_loss(rows.outcome, board.quantiles[name][ticker]), axis=0)
        for ticker, rows in board.rows.items()
    ]
    return np.asarray(np.mean(parts, axis=0) * metrics.BASIS_POINTS, dtype=np.float64)


def median_errors(board: Leaderboard, name: str) -> FloatArray:
    """Mean absolute error of the median over that of the last close, by horizon; below 1 is better. [H]."""
    ratios = []
    for ticker, rows in board.rows.items():
        error = np.abs(rows.outcome - board.quantiles[name][ticker][..., _MEDIAN])
        is_known = np.isfinite(error)
        walk_error = np.where(is_known, np.abs(rows.outcome), 0.0)
        ratios.append(np.where(is_known, error, 0.0).sum(axis=0) / walk_error.sum(axis=0))
    return np.asarray(np.mean(ratios, axis=0), dtype=np.float64)


def direction_table(board: Leaderboard, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Direction hits, RankIC and break-even cost in basis points at horizon 1, with 95 % intervals.

    One row for each forecaster. The cost is that of a rule that holds one unit of each ticker for one bar, long or
    short by the sign of the forecast's mean.
    """
    instants, outcome = _wide(board, [rows.outcome[:, 0] for rows in board.rows.values()])
    records = {}
    for name in board.names if names is None else names:
        means = [forecast_mean(forecasts[:, 0]) for forecasts in board.quantiles[name].values()]
        _, forecast = _wide(board, means)
        flat = np.broadcast_to(instants[:, np.newaxis], forecast.shape).ravel()
        cost = break_even_cost(np.sign(forecast), outcome, instants)
        records[name] = {
            **_interval("hits", direction_hits(forecast.ravel(), outcome.ravel(), flat), 1.0),
            **_interval("rank_ic", rank_correlation(forecast, outcome, instants), 1.0),
            **_interval("cost_bp", cost, metrics.BASIS_POINTS),
        }
    return pd.DataFrame.from_dict(records, orient="index")


def _panel(board: Leaderboard, name: str, against: str, horizon: int, tickers: Sequence[str]) -> Difference:
    column = horizon - 1
    return panel_test(
        [board.losses[name][ticker][:, column] for ticker in tickers],
        [board.losses[against][ticker][:, column] for ticker in tickers],
        [board.rows[ticker].anchored_at for ticker in tickers],
        horizon,
    )


def _columns(test: Difference) -> dict[str, float | bool | int]:
    return {
        "statistic": test.statistic,
        "p_value": test.p_value,
        "is_better": test.is_better,
        "is_worse": test.is_worse,
        "count": test.count,
    }


def _wide(board: Leaderboard, columns: Sequence[FloatArray]) -> tuple[InstantArray, FloatArray]:
    """All instants [n], and the columns aligned to them [n, tickers]; NaN where a ticker has no bar."""
    instants = np.unique(np.concatenate([rows.anchored_at for rows in board.rows.values()]))
    wide = np.full((len(instants), len(columns)), np.nan)
    for place, (rows, values) in enumerate(zip(board.rows.values(), columns, strict=True)):
        wide[np.searchsorted(instants, rows.anchored_at), place] = values
    return instants, wide


def _interval(name: str, estimate: Estimate, unit: float) -> dict[str, float]:
    return {
        name: estimate.value * unit,
        f"{name}_low": estimate.low * unit,
        f"{name}_high": estimate.high * unit,
    }
