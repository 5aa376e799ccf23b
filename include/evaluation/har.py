"""Seasonal HAR: the strongest baseline without a network.

It is a regression, fitted anew for each fold and horizon. The target is the absolute h-bar log return over the seasonal
shape of the h bars ahead. The regressors are moving averages of the deseasonalised absolute return and true range, with
half-lives from two sevenths of a session to twenty sessions. The weights cannot be negative. The fitted value is the
*scale* of the horizon's return. The forecast is the scale times empirical quantiles of standardised outcomes, which are
estimated separately for paths with and without a session gap. Pure numpy and pandas. Where next: ``volatility.py`` for
the parts.

Source: Corsi, A Simple Approximate Long-Memory Model of Realized Volatility, Journal of Financial Econometrics (2009);
absolute returns and ranges as in Ghysels, Santa-Clara and Valkanov, Journal of Econometrics (2006).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from include.contracts import HORIZON_COUNT
from include.evaluation.history import FloatArray, History
from include.evaluation.nonnegative import nonnegative_least_squares
from include.evaluation.volatility import (
    FLOOR,
    moving_average,
    path_shape,
    scaled_quantiles,
    seasonal_shape,
)
from include.evaluation.walkforward import Fold

HALF_LIVES_SESSIONS = (2.0 / 7.0, 1.0, 5.0, 20.0)
"""Half-lives of the moving averages, in sessions: two bars of a session of seven, a day, a week, a month."""

WARM_UP_SESSIONS = 20
"""Sessions at the start of a history that are left out of the training set: the longest average is not settled yet."""

PRODUCT_BARS = 2000
"""Newest bars that an hour's baseline is fitted to. With 2,000 the CRPS is 0.05 % higher than with all bars, with 1,100
0.3 %."""

LEAST_ROWS = 100
"""Smallest training set. With fewer rows the scale is the moving average of returns with a half-life of one session."""


def har(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Quantiles of the seasonal HAR by ticker, [m, H, Q]; a ``leaderboard.Forecaster``."""
    return {ticker: scaled_quantiles(har_scale(history, fold), history, fold) for ticker, history in histories.items()}


def har_scale(history: History, fold: Fold) -> FloatArray:
    """Expected absolute log return over the next 1..H bars, at each bar. [n, H].

    Weights and seasonal shapes are fitted to what was known at the fold's cutoff, and used for all rows.
    """
    shape = seasonal_shape(np.abs(history.log_return), history, fold.cutoff)
    ahead = path_shape(shape, history)
    regressors = har_regressors(history, fold.cutoff, shape)
    weights = _weights(regressors, history, fold, ahead)
    level = np.zeros_like(ahead)
    for column, weight in zip(regressors.T, weights, strict=True):  # one by one: the last bits of a matrix product
        level += column[:, np.newaxis] * weight  # depend on the number of rows
    return np.maximum(level * ahead, FLOOR)


def har_regressors(history: History, cutoff: np.datetime64, shape: FloatArray) -> FloatArray:
    """Moving averages of the deseasonalised absolute return, then of the true range scaled to the same mean. [n, 8].

    Only bars up to ``cutoff`` enter the true range's shape and its scaling.
    """
    size, true_range = np.abs(history.log_return), history.true_range
    range_shape = seasonal_shape(true_range, history, cutoff)
    past = history.closed_at <= cutoff  # later bars in the unit would leak into the forecast
    total = float(true_range[past].sum())
    unit = float(size[past].sum()) / total if total > 0.0 else 1.0
    deseasonalised = (size / shape[history.key], unit * true_range / range_shape[history.key])
    lives = [life * history.session_bars for life in HALF_LIVES_SESSIONS]
    return np.stack([moving_average(values, life) for values in deseasonalised for life in lives], axis=1)


def _weights(regressors: FloatArray, history: History, fold: Fold, ahead: FloatArray) -> FloatArray:
    """Non-negative weights of each horizon's regression. [8, H].

    Targets and regressors are divided by the row's slowest average (weighted least squares). Otherwise a month with
    high volatility would outweigh a year with low volatility.
    """
    weights = np.zeros((regressors.shape[1], HORIZON_COUNT))
    is_warm = np.arange(len(history)) >= WARM_UP_SESSIONS * history.session_bars
    level = np.maximum(regressors[:, len(HALF_LIVES_SESSIONS) - 1], FLOOR)
    mask = fold.training_mask(history) & is_warm[:, np.newaxis]
    for column in range(HORIZON_COUNT):
        rows = mask[:, column]
        if int(rows.sum()) < LEAST_ROWS:
            weights[1, column] = 1.0
            continue
        target = np.abs(history.outcome[rows, column]) / ahead[rows, column] / level[rows]
        weights[:, column] = nonnegative_least_squares(regressors[rows] / level[rows, np.newaxis], target)
    return weights


def har_quantiles(history: History) -> FloatArray:
    """The seasonal HAR's forecast at the newest bar, fitted to all outcomes known at its close. [H, Q].

    Log-return quantiles in ascending order; NaN if the history is too short. All bars of ``history`` are used; an hour
    passes its ``PRODUCT_BARS`` newest ones.
    """
    newest = history.closed_at[-1]
    fold = Fold(index=0, cutoff=newest, since=newest, until=newest + np.timedelta64(1, "us"))
    return np.asarray(scaled_quantiles(har_scale(history, fold), history, fold)[-1], dtype=np.float64)
