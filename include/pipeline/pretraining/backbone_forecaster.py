"""The backbone as a forecaster for ``evaluation/leaderboard.py``: it forecasts as an hour does, without a database.

Where next: ``evaluation/leaderboard.py`` for what a forecaster is, ``pretrain.py`` for how the network is trained.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from include.evaluation.history import FloatArray, History, InstantArray
from include.evaluation.walkforward import Fold
from include.features.frame import build_features, lookback_bars
from include.features.windows import Series, make_series
from include.model.calibration import calibrate, factors_of, interval_scores, widen_calm
from include.model.predict import predict_windows
from include.model.shard import ShardState

CALIBRATION_ROWS = 400
"""Matured forecasts of a ticker from which its width factors are computed, as in an hour."""


def series_of(history: History, newest_rows: int | None = None) -> Series:
    """The arrays of a history, or of its newest ``newest_rows`` rows only; the values are the same bits either way."""
    bars = history.bars
    if newest_rows is not None:
        bars = bars.iloc[-(lookback_bars(int(history.slot_count.max(initial=0))) + newest_rows) :]
    return make_series(build_features(bars), bars)


class BackboneForecaster:
    """A ``leaderboard.Forecaster``: one network for all tickers, calibrated as in an hour.

    Its widths are calibrated on each ticker's past, and forecasts of calm hours are widened. Without calibration the
    forecasts are the network's. With an untrained state they are those of the scale alone. What comes before the
    ticker's factors is cached between folds.
    """

    def __init__(self, state: ShardState, *, is_calibrated: bool = True) -> None:
        self._state = state
        self._is_calibrated = is_calibrated
        self._cached: dict[str, tuple[InstantArray, FloatArray]] = {}

    def __call__(self, histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
        """Quantiles at the fold's bars, NaN where there are not enough bars for a window."""
        return {ticker: self._forecast(history, fold) for ticker, history in histories.items()}

    def _forecast(self, history: History, fold: Fold) -> FloatArray:
        wanted = fold.test_rows(history)
        first = max(wanted.start - CALIBRATION_ROWS, 0) if self._is_calibrated else wanted.start
        raw = self._raw(history, np.arange(first, wanted.stop))
        if not self._is_calibrated:
            return raw
        scores = interval_scores(raw, history.outcome[first : wanted.stop])
        matured = matured_scores(scores, history.closed_at, history.target_at, first, wanted)
        return calibrate(raw[wanted.start - first :], factors_of(matured))

    def _raw(self, history: History, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
        """Log-return quantiles at these rows before the ticker's factors, from the cache where it has them."""
        wanted = history.closed_at[rows]
        shape = (self._state.config.horizon_count, len(self._state.config.quantile_levels))
        cached_at, cached = self._cached.get(history.ticker, (wanted[:0], np.empty((0, *shape))))
        missing = np.setdiff1d(wanted, cached_at)
        if len(missing):
            reach = len(history) - int(np.searchsorted(history.closed_at, missing[0]))
            series = series_of(history, reach + self._state.config.context_bars)
            place = np.searchsorted(series.closed_at, missing)
            is_there = place < len(series.closed_at)
            is_there[is_there] = series.closed_at[place[is_there]] == missing[is_there]
            fresh = np.full((len(missing), *shape), np.nan)
            scale = series.scale[place[is_there]].astype(np.float64)[..., np.newaxis]
            found = predict_windows(self._state, series.x, place[is_there]) * scale
            fresh[is_there] = widen_calm(found, series.level[place[is_there]]) if self._is_calibrated else found
            cached_at, cached = np.concatenate([cached_at, missing]), np.concatenate([cached, fresh])
            order = np.argsort(cached_at)
            cached_at, cached = cached_at[order], cached[order]
            self._cached[history.ticker] = cached_at, cached
        return cached[np.searchsorted(cached_at, wanted)]


def matured_scores(
    scores: FloatArray, closed_at: InstantArray, target_at: InstantArray, first: int, wanted: slice
) -> FloatArray:
    """The newest scores before each wanted row, NaN where the outcome was not known when its bar closed. [m, n, H, 2].

    ``closed_at`` [N] and ``target_at`` [N, H] are those of all rows, ``scores`` those of the rows from ``first`` on.
    """
    rows = np.arange(wanted.start, wanted.stop)[:, np.newaxis]
    past = rows + np.arange(-CALIBRATION_ROWS, 0)
    known = target_at[np.maximum(past, first)] <= closed_at[rows][..., np.newaxis]  # NaT: false
    is_used = known & (past >= first)[..., np.newaxis]
    return np.where(is_used[..., np.newaxis], scores[np.maximum(past, first) - first], np.nan)
