"""Simulated tickers for measurements: some series with features, and as many copies of them as are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from include.evaluation.history import History
from include.features.windows import Series, latest_window, window_ends
from include.model.train import TrainingArrays
from include.pipeline.histories import simulated_histories
from include.pipeline.own import series_of

AS_OF = datetime(2025, 3, 31, 15, 35, tzinfo=UTC)
"""A Monday, 11:35 in New York."""
HISTORY_DAYS = 729
DISTINCT_TICKERS = 16
"""Series that are really computed; further tickers are copies of these, in memory of their own."""


@dataclass(frozen=True)
class Lesson:
    """One ticker as an hour's fine-tuning and forecast see it: its newest rows, and the newest window ``[T, F]``."""

    arrays: TrainingArrays
    window: npt.NDArray[np.float32]


def histories(count: int) -> list[History]:
    """Bars of so many tickers, two years back from ``AS_OF``, one ticker in four round the clock."""
    return list(simulated_histories(count, AS_OF - timedelta(days=HISTORY_DAYS), AS_OF).values())


def lessons(count: int, rows: int, context_bars: int) -> list[Lesson]:
    """Lessons of the newest ``rows`` rows."""
    return [_lesson(history, rows, context_bars) for history in histories(count)]


def copies(distinct: Sequence[Lesson], count: int) -> list[Lesson]:
    """So many lessons, those given over and over, each in memory of its own as if it had been read."""
    return [_copy(distinct[k % len(distinct)]) for k in range(count)]


def _lesson(history: History, rows: int, context_bars: int) -> Lesson:
    whole = series_of(history, rows)  # and some more: it counts bars, with those that features look back over
    series = Series(**{field.name: getattr(whole, field.name)[-rows:] for field in fields(whole)})
    ends = window_ends(series, context_bars)
    return Lesson(
        TrainingArrays(series.x, series.y, series.has_target, ends), np.array(latest_window(series, context_bars))
    )


def _copy(lesson: Lesson) -> Lesson:
    own = lesson.arrays
    return Lesson(
        TrainingArrays(own.x.copy(), own.y.copy(), own.has_target.copy(), own.window_ends.copy()), lesson.window.copy()
    )
