"""A method of ``model/zoo`` as a forecaster for ``evaluation/leaderboard.py``, without calibration.

Where next: ``backbone_forecaster.py`` for the same with the Transformer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.history import FloatArray, History
from include.evaluation.walkforward import Fold
from include.features.windows import Series
from include.pipeline.pretraining.backbone_forecaster import series_of


class WindowForecaster(Protocol):
    """What forecasts from windows of inputs, such as a ``methods.TrainedMethod``."""

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """``[N, H, Q]``: forecasts in scaled units at the rows ``ends`` of ``x [n, F]``; NaN without a full window."""


class SharedSeries:
    """The arrays of each ticker's newest bars, computed once for all forecasters of a fold."""

    def __init__(self, context_bars: int) -> None:
        self._context_bars = context_bars
        self._kept: dict[str, tuple[History, int, Series]] = {}

    def of(self, history: History, start: int) -> Series:
        """The arrays of a history from a window before the row ``start`` on."""
        kept = self._kept.get(history.ticker)
        if kept is None or kept[0] is not history or kept[1] != start:
            kept = (history, start, series_of(history, len(history) - start + self._context_bars))
            self._kept[history.ticker] = kept
        return kept[2]


class MethodForecaster:
    """A ``leaderboard.Forecaster``: one trained method for all tickers; its quantiles times the scale.

    With ``every`` n above 1 only every n-th bar is forecast, which costs less; the others are NaN.
    """

    def __init__(self, method: WindowForecaster, shared: SharedSeries, every: int = 1) -> None:
        self._method = method
        self._shared = shared
        self._every = every

    def __call__(self, histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        """Quantiles at the fold's bars, NaN where there are not enough bars for a window."""
        return {ticker: self._forecast(history, fold.test_rows(history)) for ticker, history in histories.items()}

    def _forecast(self, history: History, wanted: slice) -> FloatArray:
        result = np.full((wanted.stop - wanted.start, HORIZON_COUNT, len(QUANTILE_LEVELS)), np.nan)
        if not len(result):
            return result
        series = self._shared.of(history, wanted.start)
        _, rows, ends = np.intersect1d(
            history.closed_at[wanted], series.closed_at, assume_unique=True, return_indices=True
        )
        rows, ends = rows[:: self._every], ends[:: self._every].astype(np.int64)
        scale = series.scale[ends].astype(np.float64)[..., np.newaxis]
        result[rows] = self._method.quantiles(series.x, ends) * scale
        return result
