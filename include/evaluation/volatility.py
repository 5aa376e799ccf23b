"""How far prices move, and when: seasonal shapes, moving averages, and forecasts that are a scale times a fixed shape.

Pure numpy and pandas. EWMA and seasonal EWMA are ``leaderboard.Forecaster``s made of these; ``har.py`` and
``garch.py`` build on the same parts. A shape is learnt once a fold, from what had closed by the cutoff.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.history import BoolArray, FloatArray, History
from include.evaluation.walkforward import Fold

EWMA_HALF_LIFE_BARS = 40.0
"""Half-life of the plain average. RiskMetrics' 0.94, a half-life of 11, loses to it on hourly bars."""

SEASONAL_HALF_LIFE_SESSIONS = 3.0
"""Half-life of the deseasonalised average. 1 to 5 sessions lie within 0.2 % of each other."""

SHAPE_SESSIONS = 500
"""Sessions that a seasonal shape is learnt from."""

SHAPE_SHRINKAGE = 5.0
"""Average bars added to each entry's own, so that one seen twice is not believed."""

LEAST_SCORES = 60
"""Fewer standardised returns of a kind (with a gap, without) than this borrow the quantiles of both kinds."""

FLOOR = 1e-6
"""Least scale (0.01 basis points): a constant price gives no division by 0."""

_MEDIAN = QUANTILE_LEVELS.index(0.5)


def seasonal_shape(magnitude: FloatArray, history: History, cutoff: np.datetime64) -> FloatArray:
    """Mean magnitude of each seasonal entry's bars over that of all bars, from bars closed by the cutoff. [entries].

    The mean over bars is 1; all are 1 while the price never moved.
    """
    end = int(np.searchsorted(history.closed_at, cutoff, side="right"))
    rows = slice(max(end - int(SHAPE_SESSIONS * history.session_bars), 1), max(end, 1))
    size = int(max(history.key.max(initial=0), history.next_key.max(initial=0))) + 1
    key, values = history.key[rows], magnitude[rows]
    mean = float(values.mean()) if len(values) else 0.0
    if mean <= 0.0:
        return np.ones(size)
    sums = np.bincount(key, values, size) + SHAPE_SHRINKAGE * mean
    return np.asarray(sums / (np.bincount(key, minlength=size) + SHAPE_SHRINKAGE) / mean, dtype=np.float64)


def path_shape(shape: FloatArray, history: History) -> FloatArray:
    """Root of the summed squared shapes of the 1..H bars ahead of each bar. [n, H]."""
    return np.asarray(np.sqrt(np.cumsum(shape[history.next_key] ** 2, axis=1)), dtype=np.float64)


def moving_average(values: FloatArray, half_life: float) -> FloatArray:
    """Exponentially weighted mean up to and including each row; weights halve every ``half_life`` rows. [n].

    The first row, which has no return, counts as unknown.
    """
    known = pd.Series(values).where(np.arange(len(values)) > 0)
    return known.ewm(halflife=half_life, ignore_na=True).mean().fillna(0.0).to_numpy(np.float64)


def scaled_quantiles(scale: FloatArray, history: History, fold: Fold, *, has_kinds: bool = True) -> FloatArray:
    """The scale of each test row times empirical quantiles of earlier outcomes over their own scales. [m, H, Q].

    Quantiles are learnt by horizon from what may teach, apart for paths with and without a session gap if
    ``has_kinds``; they enclose a median of 0. NaN with fewer than two outcomes.

    Source: filtered historical simulation, Barone-Adesi, Giannopoulos and Vosper, Journal of Futures Markets (1999).
    """
    rows, is_teaching = fold.test_rows(history), fold.is_teaching(history)
    scale = np.maximum(scale, FLOOR)
    answers = np.full((rows.stop - rows.start, HORIZON_COUNT, len(QUANTILE_LEVELS)), np.nan)
    for column in range(HORIZON_COUNT):
        taught = is_teaching[:, column] & np.isfinite(scale[:, column])
        scores = history.outcome[taught, column] / scale[taught, column]
        kinds = history.has_gap[:, column] if has_kinds else np.zeros(len(history), dtype=np.bool_)
        for kind in (False, True):
            unit = _unit_quantiles(scores, kinds[taught] == kind)
            asked = np.flatnonzero(kinds[rows] == kind)
            answers[asked, column] = scale[rows][asked, column, np.newaxis] * unit
    return answers


def _unit_quantiles(scores: FloatArray, is_own: BoolArray) -> FloatArray:
    """Quantiles of the standardised returns of a kind, or of all if it has too few. [Q]."""
    own = scores[is_own] if int(is_own.sum()) >= LEAST_SCORES else scores
    if len(own) < 2:
        return np.full(len(QUANTILE_LEVELS), np.nan)
    quantiles = np.quantile(own, QUANTILE_LEVELS)
    quantiles[:_MEDIAN] = np.minimum(quantiles[:_MEDIAN], 0.0)
    quantiles[_MEDIAN + 1 :] = np.maximum(quantiles[_MEDIAN + 1 :], 0.0)
    quantiles[_MEDIAN] = 0.0
    return np.asarray(quantiles, dtype=np.float64)


def ewma(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Root of the exponentially weighted mean of squared returns, times the root of the horizon.

    Source: J.P. Morgan/Reuters, RiskMetrics Technical Document (1996).
    """
    roots = np.sqrt(np.arange(1, HORIZON_COUNT + 1))
    answers = {}
    for ticker, history in histories.items():
        level = np.sqrt(moving_average(history.log_return**2, EWMA_HALF_LIFE_BARS))
        answers[ticker] = scaled_quantiles(level[:, np.newaxis] * roots, history, fold, has_kinds=False)
    return answers


def seasonal_ewma(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Exponentially weighted mean of the absolute returns over their seasonal shape, times the shape of the bars ahead.

    Source: the multiplicative intraday pattern of Andersen and Bollerslev, Journal of Empirical Finance (1997).
    """
    answers = {}
    for ticker, history in histories.items():
        magnitude = np.abs(history.log_return)
        shape = seasonal_shape(magnitude, history, fold.cutoff)
        level = moving_average(magnitude / shape[history.key], SEASONAL_HALF_LIFE_SESSIONS * history.session_bars)
        answers[ticker] = scaled_quantiles(level[:, np.newaxis] * path_shape(shape, history), history, fold)
    return answers
