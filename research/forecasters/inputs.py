"""The inputs of the trees and networks: volatility at several half-lives, season, and the path ahead.

Pure functions. All inputs are relative to the HAR scale or to the ticker's volatility, so that one model fits all
tickers. Where next: ``boosting.py``, ``networks.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.contracts import HORIZON_COUNT
from include.evaluation.har import har_regressors, har_scale
from include.evaluation.history import BoolArray, FloatArray, History
from include.evaluation.volatility import FLOOR, moving_average, path_shape, seasonal_shape
from include.evaluation.walkforward import Fold

MOVE_LIMIT = 8.0
"""Limit of a return over its usual size: one bad tick must not dominate."""

_SESSION_AVERAGES = 2  # index of the regressor that is the average return over five sessions
_SIGNED_INPUTS = (8, 9, 10)


@dataclass(frozen=True)
class ForecasterInputs:
    """One ticker's inputs: ``of_bar`` [n, inputs], ``of_path`` [n, H, inputs], and the HAR ``scale`` [n, H]."""

    of_bar: FloatArray
    of_path: FloatArray
    scale: FloatArray

    @property
    def width(self) -> int:
        """Number of inputs of a bar and one path together."""
        return int(self.of_bar.shape[1] + self.of_path.shape[2])

    @property
    def is_signed(self) -> BoolArray:
        """Which inputs of a bar change sign if all log returns change sign. [inputs]."""
        return np.isin(np.arange(self.of_bar.shape[1]), _SIGNED_INPUTS)


def forecaster_inputs(history: History, fold: Fold) -> ForecasterInputs:
    """The inputs at each bar of a ticker. Seasonal shape and HAR weights are those known at the fold's cutoff.

    Of a bar: logs of eight moving averages over the five-session average; the last return and its two moving averages,
    over their usual size; slot in the session, weekday, length of the session. Of a path: horizon, log of its seasonal
    shape, whether it crosses a gap, and log of its scale over the usual scale.
    """
    scale = har_scale(history, fold)
    shape = seasonal_shape(np.abs(history.log_return), history, fold.cutoff)
    averages = np.maximum(har_regressors(history, fold.cutoff, shape), FLOOR)
    usual = averages[:, _SESSION_AVERAGES]
    ahead = path_shape(shape, history)
    move = np.clip(history.log_return / (usual * shape[history.key]), -MOVE_LIMIT, MOVE_LIMIT)
    of_bar = [
        *np.log(averages / usual[:, np.newaxis]).T,
        move,
        moving_average(move, history.session_bars),
        moving_average(move, 5.0 * history.session_bars),
        history.bars["slot"].to_numpy(np.float64) / history.slot_count,
        history.bars["weekday"].to_numpy(np.float64) / 7.0,
        history.slot_count / 24.0,
    ]
    horizon = np.broadcast_to(np.arange(1.0, HORIZON_COUNT + 1.0) / HORIZON_COUNT, scale.shape)
    relative = np.log(scale / (usual[:, np.newaxis] * ahead))
    of_path = [horizon, np.log(ahead), history.has_gap.astype(np.float64), relative]
    return ForecasterInputs(np.stack(of_bar, axis=1), np.stack(of_path, axis=2), scale)
