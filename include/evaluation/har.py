"""Seasonal HAR: the strongest rival that needs no network, and the scale that a network can start from.

The size of a horizon's return, divided by the seasonal shape of the bars ahead, is regressed on moving averages of the
deseasonalised absolute return and true range, of half-lives from two bars in seven to twenty sessions, with weights
that cannot be negative; refitted every fold. The forecast is that scale times empirical standardised quantiles, kept
apart for paths with and without a session gap. Pure numpy and pandas. Where next: ``volatility.py`` for the parts.

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
"""Half-lives of the moving averages: two bars of a session of seven, a day, a week, a month."""

WARM_UP_SESSIONS = 20
"""Sessions at the start of a history that teach nothing: the longest average has hardly begun."""

PRODUCT_BARS = 2000
"""Newest bars that an hour's twin forecast learns from: 2,000 cost 0.05 % of CRPS against all of them, 1,100 0.3 %."""

LEAST_ROWS = 100
"""Fewer rows that teach than this, and the scale is the average of one session's half-life."""


def har(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Forecasts of the seasonal HAR, a ``leaderboard.Forecaster``."""
    return {ticker: scaled_quantiles(har_scale(history, fold), history, fold) for ticker, history in histories.items()}


def har_scale(history: History, fold: Fold) -> FloatArray:
    """Expected size of the absolute log return over the next 1..H bars, at every bar. [n, H], in log-return units.

    Weights and seasonal shapes are those learnt by the fold's cutoff, for the rows before it too.
    """
    shape = seasonal_shape(np.abs(history.log_return), history, fold.cutoff)
    ahead = path_shape(shape, history)
    regressors = har_regressors(history, fold.cutoff, shape)
    weights = _weights(regressors, history, fold, ahead)
    level = np.zeros_like(ahead)
    for column, weight in zip(regressors.T, weights, strict=True):  # in a fixed order: a matrix product's last bits
        level += column[:, np.newaxis] * weight  # depend on how many rows there are
    return np.maximum(level * ahead, FLOOR)


def har_regressors(history: History, cutoff: np.datetime64, shape: FloatArray) -> FloatArray:
    """Moving averages of the deseasonalised absolute return, then of the true range in the same unit. [n, 8]."""
    size, reach = np.abs(history.log_return), history.true_range
    reach_shape = seasonal_shape(reach, history, cutoff)
    past = history.closed_at <= cutoff  # a unit that minded later bars would tell of them
    total = float(reach[past].sum())
    unit = float(size[past].sum()) / total if total > 0.0 else 1.0
    calm = (size / shape[history.key], unit * reach / reach_shape[history.key])
    lives = [life * history.session_bars for life in HALF_LIVES_SESSIONS]
    return np.stack([moving_average(values, life) for values in calm for life in lives], axis=1)


def _weights(regressors: FloatArray, history: History, fold: Fold, ahead: FloatArray) -> FloatArray:
    """Non-negative weights of each horizon's regression. [8, H].

    Rows are divided by their slowest average, so that a wild month does not drown a calm year.
    """
    weights = np.zeros((regressors.shape[1], HORIZON_COUNT))
    is_warm = np.arange(len(history)) >= WARM_UP_SESSIONS * history.session_bars
    level = np.maximum(regressors[:, len(HALF_LIVES_SESSIONS) - 1], FLOOR)
    is_teaching = fold.is_teaching(history) & is_warm[:, np.newaxis]
    for column in range(HORIZON_COUNT):
        taught = is_teaching[:, column]
        if int(taught.sum()) < LEAST_ROWS:
            weights[1, column] = 1.0
            continue
        target = np.abs(history.outcome[taught, column]) / ahead[taught, column] / level[taught]
        weights[:, column] = nonnegative_least_squares(regressors[taught] / level[taught, np.newaxis], target)
    return weights


def har_quantiles(history: History) -> FloatArray:
    """What the seasonal HAR says at the newest bar, having learnt from every outcome known by then. [H, Q].

    Log-return quantiles in order; NaN with too little history to say anything. It reads all of ``history``, so give it
    its ``PRODUCT_BARS`` newest bars.
    """
    newest = history.closed_at[-1]
    fold = Fold(index=0, cutoff=newest, since=newest, until=newest + np.timedelta64(1, "us"))
    return np.asarray(scaled_quantiles(har_scale(history, fold), history, fold)[-1], dtype=np.float64)
