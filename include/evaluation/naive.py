"""The random walk as a ``leaderboard.Forecaster``.

Pure numpy. Where next: ``volatility.py`` and ``har.py`` for the other baselines.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from include.contracts import HORIZON_COUNT, QUANTILE_LEVELS
from include.evaluation.baselines import BAR_LIMIT, random_walk_quantiles
from include.evaluation.history import FloatArray, History
from include.evaluation.walkforward import Fold

_MEDIAN = QUANTILE_LEVELS.index(0.5)


def random_walk(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """``baselines.random_walk_quantiles`` at each test bar, by ticker, [m, H, Q]: the baseline that an hour stores."""
    return {ticker: _walks(history, fold.test_rows(history)) for ticker, history in histories.items()}


def _walks(history: History, rows: slice) -> FloatArray:
    """Random-walk quantiles at each row, [m, H, Q]. Rows whose newest 1,000 bars have no hole are computed together."""
    result = np.empty((rows.stop - rows.start, HORIZON_COUNT, len(QUANTILE_LEVELS)))
    ends = np.arange(rows.start, rows.stop)
    starts = ends - BAR_LIMIT + 1
    is_whole = (starts >= 0) & (history.bar_number[ends] - history.bar_number[np.maximum(starts, 0)] == BAR_LIMIT - 1)
    if is_whole.any():
        windows = sliding_window_view(np.log(history.close), BAR_LIMIT)[starts[is_whole]]
        for horizon in range(1, HORIZON_COUNT + 1):
            returns = windows[:, horizon:] - windows[:, :-horizon]
            result[is_whole, horizon - 1] = np.quantile(returns, QUANTILE_LEVELS, axis=1).T
        result[..., :_MEDIAN] = np.minimum(result[..., :_MEDIAN], 0.0)
        result[..., _MEDIAN + 1 :] = np.maximum(result[..., _MEDIAN + 1 :], 0.0)
        result[..., _MEDIAN] = 0.0
    for place in np.flatnonzero(~is_whole):
        past = slice(max(ends[place] + 1 - BAR_LIMIT, 0), ends[place] + 1)
        result[place] = random_walk_quantiles(history.close[past], history.bar_number[past])
    return result
