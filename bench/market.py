"""Simulated tickers for measurements: some series with features, and copies of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from include.evaluation.history import History
from include.features.windows import Series, latest_window, window_ends
from include.model.train import TrainingArrays
from include.pipeline.data.histories import simulated_histories
from include.pipeline.pretraining.backbone_forecaster import series_of

AS_OF = datetime(2025, 3, 31, 15, 35, tzinfo=UTC)
"""A Monday, 11:35 in New York."""
HISTORY_DAYS = 729
DISTINCT_TICKERS = 16
"""Series that are computed; further tickers are copies of these in separate memory."""


@dataclass(frozen=True)
class TickerArrays:
    """One ticker's arrays in an hour: its newest rows for fine-tuning, and the newest window ``[T, F]`` to forecast."""

    training: TrainingArrays
    window: npt.NDArray[np.float32]


def histories(count: int) -> list[History]:
    """Bars of ``count`` tickers over two years before ``AS_OF``; every fourth ticker trades round the clock."""
    return list(simulated_histories(count, AS_OF - timedelta(days=HISTORY_DAYS), AS_OF).values())


def ticker_arrays(count: int, rows: int, context_bars: int) -> list[TickerArrays]:
    """The arrays of ``count`` tickers with their newest ``rows`` rows."""
    return [_arrays(history, rows, context_bars) for history in histories(count)]


def copies(distinct: Sequence[TickerArrays], count: int) -> list[TickerArrays]:
    """``count`` copies of the given arrays, in turn, each in separate memory as if it had been read."""
    return [_copy(distinct[k % len(distinct)]) for k in range(count)]


def _arrays(history: History, rows: int, context_bars: int) -> TickerArrays:
    whole = series_of(history, rows)  # it may have more rows, because it counts the bars of the look-back
    series = Series(**{field.name: getattr(whole, field.name)[-rows:] for field in fields(whole)})
    ends = window_ends(series, context_bars)
    return TickerArrays(
        TrainingArrays(series.x, series.y, series.has_target, ends), np.array(latest_window(series, context_bars))
    )


def _copy(arrays: TickerArrays) -> TickerArrays:
    training = TrainingArrays(**{name: part.copy() for name, part in vars(arrays.training).items()})
    return TickerArrays(training, arrays.window.copy())
