"""Volatility forecasts: seasonal shapes, moving averages, and quantiles that are a scale times a fixed distribution.

Pure numpy and pandas. EWMA and seasonal EWMA are ``leaderboard.Forecaster``s; ``har.py`` uses the same parts. A
seasonal shape is estimated once for each fold, from the bars that closed by the cutoff.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.history import BoolArray, FloatArray, History
from include.evaluation.walkforward import Fold

EWMA_HALF_LIFE_BARS = 40.0
"""Half-life of the average without season. RiskMetrics' 0.94, a half-life of 11 bars, is worse on hourly bars."""

SEASONAL_HALF_LIFE_SESSIONS = 3.0
"""Half-life of the deseasonalised average. With 1 to 5 sessions the CRPS differs by less than 0.2 %."""

SHAPE_SESSIONS = 500
"""Newest sessions from which a seasonal shape is estimated."""

SHAPE_SHRINKAGE = 5.0
"""Average bars that are added to those of each entry: an entry with few bars stays near 1."""

LEAST_SCORES = 60
"""Minimum number of standardised returns with (or without) a gap. With fewer, the quantiles of both kinds are used."""

FLOOR = 1e-6
"""Smallest scale (0.01 basis points): with a constant price, nothing is divided by 0."""

_MEDIAN = QUANTILE_LEVELS.index(0.5)


def seasonal_shape(magnitude: FloatArray, history: History, cutoff: np.datetime64) -> FloatArray:
    """Mean magnitude of each seasonal entry over the mean of all bars, from bars closed by the cutoff. [entries].

    All entries are 1 as long as the price has not moved.
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
    """Root of the summed squared shapes of the next 1..H bars, at each bar. [n, H]."""
    return np.asarray(np.sqrt(np.cumsum(shape[history.next_key] ** 2, axis=1)), dtype=np.float64)


def moving_average(values: FloatArray, half_life: float) -> FloatArray:
    """Exponentially weighted mean up to and including each row; weights halve every ``half_life`` rows. [n].

    The first row has no return and is left out; the result there is 0.
    """
    known = pd.Series(values).where(np.arange(len(values)) > 0)
    return known.ewm(halflife=half_life, ignore_na=True).mean().fillna(0.0).to_numpy(np.float64)


def scaled_quantiles(scale: FloatArray, history: History, fold: Fold, *, has_kinds: bool = True) -> FloatArray:
    """The scale of each test row times empirical quantiles of standardised outcomes (outcome / scale). [m, H, Q].

    The quantiles are estimated by horizon from the training set, separately for paths with and without a session gap
    if ``has_kinds``. Their median is set to 0. NaN with fewer than two outcomes.

    Source: filtered historical simulation, Barone-Adesi, Giannopoulos and Vosper, Journal of Futures Markets (1999).
    """
    rows, mask = fold.test_rows(history), fold.training_mask(history)
    scale = np.maximum(scale, FLOOR)
    forecasts = np.full((rows.stop - rows.start, HORIZON_COUNT, len(QUANTILE_LEVELS)), np.nan)
    for column in range(HORIZON_COUNT):
        training = mask[:, column] & np.isfinite(scale[:, column])
        scores = history.outcome[training, column] / scale[training, column]
        kinds = history.has_gap[:, column] if has_kinds else np.zeros(len(history), dtype=np.bool_)
        for kind in (False, True):
            unit = _unit_quantiles(scores, kinds[training] == kind)
            places = np.flatnonzero(kinds[rows] == kind)
            forecasts[places, column] = scale[rows][places, column, np.newaxis] * unit
    return forecasts


def _unit_quantiles(scores: FloatArray, is_of_kind: BoolArray) -> FloatArray:
    """Quantiles of the standardised returns of a kind, or of all if it has too few. Median 0. [Q]."""
    chosen = scores[is_of_kind] if int(is_of_kind.sum()) >= LEAST_SCORES else scores
    if len(chosen) < 2:
        return np.full(len(QUANTILE_LEVELS), np.nan)
    quantiles = np.quantile(chosen, QUANTILE_LEVELS)
    quantiles[:_MEDIAN] = np.minimum(quantiles[:_MEDIAN], 0.0)
    quantiles[_MEDIAN + 1 :] = np.maximum(quantiles[_MEDIAN + 1 :], 0.0)
    quantiles[_MEDIAN] = 0.0
    return np.asarray(quantiles, dtype=np.float64)


def ewma(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Quantiles with an EWMA scale, by ticker, [m, H, Q]; a ``leaderboard.Forecaster``.

    The scale is the root of the exponentially weighted mean of squared returns, times the root of the horizon.

    Source: J.P. Morgan/Reuters, RiskMetrics Technical Document (1996).
    """
    roots = np.sqrt(np.arange(1, HORIZON_COUNT + 1))
    forecasts = {}
    for ticker, history in histories.items():
        level = np.sqrt(moving_average(history.log_return**2, EWMA_HALF_LIFE_BARS))
        forecasts[ticker] = scaled_quantiles(level[:, np.newaxis] * roots, history, fold, has_kinds=False)
    return forecasts


def seasonal_ewma(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Quantiles with a seasonal EWMA scale, by ticker, [m, H, Q]; a ``leaderboard.Forecaster``.

    The scale is the exponentially weighted mean of deseasonalised absolute returns, times the shape of the bars ahead.

    Source: the multiplicative intraday pattern of Andersen and Bollerslev, Journal of Empirical Finance (1997).
    """
    forecasts = {}
    for ticker, history in histories.items():
        magnitude = np.abs(history.log_return)
        shape = seasonal_shape(magnitude, history, fold.cutoff)
        level = moving_average(magnitude / shape[history.key], SEASONAL_HALF_LIFE_SESSIONS * history.session_bars)
        forecasts[ticker] = scaled_quantiles(level[:, np.newaxis] * path_shape(shape, history), history, fold)
    return forecasts
