"""What the learning rivals read, trees and networks alike: volatility at several speeds, season, path ahead.

Pure. Everything is in units of the HAR scale or of the ticker's own volatility, so that tickers can share a model.
Where next: ``boosting.py``; ``include/pipeline/rivals.py`` for LSTM and TCN.
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
"""Returns count as at most this many times the usual: one bad tick is no lesson."""

_SESSION_AVERAGES = 2  # index of the regressor that is the average return over five sessions
_SIGNED_INPUTS = (8, 9, 10)


@dataclass(frozen=True)
class RivalInputs:
    """One ticker's inputs: ``of_bar`` [n, inputs], ``of_path`` [n, H, inputs], and the HAR ``scale`` [n, H]."""

    of_bar: FloatArray
    of_path: FloatArray
    scale: FloatArray

    @property
    def width(self) -> int:
        """Inputs of a bar and one path together."""
        return int(self.of_bar.shape[1] + self.of_path.shape[2])

    @property
    def is_signed(self) -> BoolArray:
        """Which inputs of a bar change their sign when all prices go the other way. [inputs]."""
        return np.isin(np.arange(self.of_bar.shape[1]), _SIGNED_INPUTS)


def rival_inputs(history: History, fold: Fold) -> RivalInputs:
    """The inputs at every bar of a ticker, by what the fold's cutoff knew of its season and its HAR weights.

    Of a bar: eight log averages over the five-session one; the last move and its two averages, over their usual size;
    place in the session, weekday, the session's length. Of a path: its horizon, the log of its seasonal shape, whether
    it crosses a gap, and the log of its scale over the usual.
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
    return RivalInputs(np.stack(of_bar, axis=1), np.stack(of_path, axis=2), scale)
