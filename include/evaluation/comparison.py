"""A leaderboard read from every side: significance, coverage by group, direction, and the price error.

Pure. Each function returns a frame to print or to put into a report. Where next: ``leaderboard.py`` for the answers,
``significance.py``, ``reliability.py`` and ``direction.py`` for the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation import metrics
from include.evaluation.direction import (
    Estimate,
    break_even_cost,
    direction_hits,
    forecast_mean,
    rank_correlation,
)
from include.evaluation.history import FloatArray, InstantArray
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.reliability import coverage_by_group, groups_of, pit, pit_densities
from include.evaluation.significance import Difference, diebold_mariano, panel_test

_MEDIAN = QUANTILE_LEVELS.index(0.5)


def ticker_tests(board: Leaderboard, name: str, against: str, horizon: int = 1) -> pd.DataFrame:
    """Diebold-Mariano of two forecasters' CRPS, a row a ticker: skill, statistic, p_value, is_better, is_worse."""
    column = horizon - 1
    skills = board.skill(name, horizon, against)
    lines = {}
    for ticker in board.rows:
        test = diebold_mariano(board.losses[name][ticker][:, column], board.losses[against][ticker][:, column], horizon)
        lines[ticker] = {"skill": skills[ticker], **_columns(test)}
    return pd.DataFrame.from_dict(lines, orient="index")


def panel_tests(board: Leaderboard, name: str, against: str, horizon: int = 1) -> pd.DataFrame:
    """The panel test over days of two forecasters' CRPS: a row for all tickers and one a market."""
    markets = {"all": list(board.rows)}
    for ticker, rows in board.rows.items():
        markets.setdefault(rows.market, []).append(ticker)
    lines = {market: _columns(_panel(board, name, against, horizon, own)) for market, own in markets.items()}
    frame = pd.DataFrame.from_dict(lines, orient="index")
    frame.insert(0, "tickers", [len(own) for own in markets.values()])
    return frame


def verdicts(board: Leaderboard, against: str) -> pd.DataFrame:
    """How each forecaster stands against one of them, at horizon 1 and over all: wins, losses and the panel's word.

    ``better`` and ``worse`` count tickers with a significant difference at horizon 1; ``p_value_1`` and ``p_value_7``
    are those of the panel test over days, at the first and the last horizon.
    """
    lines = {}
    for name in board.names:
        if name == against:
            continue
        tests = ticker_tests(board, name, against)
        skills = board.mean_skill(name, against)
        lines[name] = {
            "skill_1": skills[0],
            "skill_mean": skills.mean(),
            "better": int(tests["is_better"].sum()),
            "worse": int(tests["is_worse"].sum()),
            "p_value_1": _panel(board, name, against, 1, list(board.rows)).p_value,
            "p_value_7": _panel(board, name, against, HORIZON_COUNT, list(board.rows)).p_value,
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def group_coverage(board: Leaderboard, name: str, horizon: int = 1) -> pd.DataFrame:
    """Coverage of each interval by volatility tercile and overnight: the mean over the tickers that have such rows."""
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
    """How often outcomes fell between neighbouring quantiles, over how often they should: 1 is right. [Q + 1]."""
    column = horizon - 1
    values = [
        pit(rows.outcome[:, column], board.quantiles[name][ticker][:, column]) for ticker, rows in board.rows.items()
    ]
    return pit_densities(np.concatenate(values))


def level_losses(board: Leaderboard, name: str) -> FloatArray:
    """Mean pinball loss by horizon and level in basis points, each ticker counting the same. [H, Q]."""
    parts = [
        np.nanmean(metrics.pinball_loss(rows.outcome, board.quantiles[name][ticker]), axis=0)
        for ticker, rows in board.rows.items()
    ]
    return np.asarray(np.mean(parts, axis=0) * metrics.BASIS_POINTS, dtype=np.float64)


def median_errors(board: Leaderboard, name: str) -> FloatArray:
    """Mean absolute error of the median over that of the last close, by horizon: 1 is as good, less is better. [H]."""
    ratios = []
    for ticker, rows in board.rows.items():
        error = np.abs(rows.outcome - board.quantiles[name][ticker][..., _MEDIAN])
        met = np.isfinite(error)
        ratios.append(np.where(met, error, 0.0).sum(axis=0) / np.where(met, np.abs(rows.outcome), 0.0).sum(axis=0))
    return np.asarray(np.mean(ratios, axis=0), dtype=np.float64)


def direction_table(board: Leaderboard, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Direction hits, RankIC and break-even cost in basis points at horizon 1, with intervals, a row a forecaster.

    The rule whose cost breaks even holds one unit of each ticker for a bar, long or short by the forecast's mean.
    """
    instants, outcome = _wide(board, [rows.outcome[:, 0] for rows in board.rows.values()])
    lines = {}
    for name in board.names if names is None else names:
        means = [forecast_mean(answers[:, 0]) for answers in board.quantiles[name].values()]
        _, forecast = _wide(board, means)
        flat = np.broadcast_to(instants[:, np.newaxis], forecast.shape).ravel()
        cost = break_even_cost(np.sign(forecast), outcome, instants)
        lines[name] = {
            **_interval("hits", direction_hits(forecast.ravel(), outcome.ravel(), flat), 1.0),
            **_interval("rank_ic", rank_correlation(forecast, outcome, instants), 1.0),
            **_interval("cost_bp", cost, metrics.BASIS_POINTS),
        }
    return pd.DataFrame.from_dict(lines, orient="index")


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
    """One column a ticker on the instants of all of them, NaN where a ticker has no bar. [n], [n, tickers]."""
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
