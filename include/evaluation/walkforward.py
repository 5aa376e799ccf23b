"""Walk-forward evaluation: the training rows and the test rows of each fold. Rows are in time order, never shuffled.

Pure functions. The test period is cut into folds. Before each fold a forecaster may be trained again on all outcomes
known by then. *Purge*: a row is in the training set of horizon h only if its target bar closed by the cutoff.
*Embargo*: the cutoff is some hours before the fold, so that training and test targets do not overlap. Where next:
``leaderboard.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from include.contracts import require_utc
from include.errors import DataContractError
from include.evaluation.history import BoolArray, History

FOLD_DAYS = 7
EMBARGO_HOURS = 24


@dataclass(frozen=True)
class Fold:
    """Fold number ``index``: train on what had closed by ``cutoff``, forecast at the bars that close in [since, until).

    Instants are datetime64[us], UTC.
    """

    index: int
    cutoff: np.datetime64
    since: np.datetime64
    until: np.datetime64

    def test_rows(self, history: History) -> slice:
        """The rows at which forecasts are made: bars that closed in [since, until)."""
        first, end = np.searchsorted(history.closed_at, np.array([self.since, self.until]))
        return slice(int(first), int(end))

    def training_mask(self, history: History) -> BoolArray:
        """Whether each outcome is in the training set: its target bar had closed by the cutoff. [n, H]."""
        return np.asarray(history.target_at <= self.cutoff, dtype=np.bool_)  # NaT compares false


def make_folds(
    since: datetime, until: datetime, fold_days: int = FOLD_DAYS, embargo_hours: int = EMBARGO_HOURS
) -> list[Fold]:
    """The folds of [since, until), in order and without overlap; the last one may be shorter.

    Raises:
        DataContractError: the period is empty, a fold has no days, the embargo is negative, or a datetime is naive.
    """
    first, end = require_utc(since, "since"), require_utc(until, "until")
    if first >= end or fold_days < 1 or embargo_hours < 0:
        message = (
            f"{first} to {end} cannot be cut into folds of {fold_days} days with an embargo of {embargo_hours} hours."
        )
        raise DataContractError(message)
    starts = [first]
    while starts[-1] + timedelta(days=fold_days) < end:
        starts.append(starts[-1] + timedelta(days=fold_days))
    ends = [*starts[1:], end]
    embargo = timedelta(hours=embargo_hours)
    return [
        Fold(index, instant(start - embargo), instant(start), instant(stop))
        for index, (start, stop) in enumerate(zip(starts, ends, strict=True))
    ]


def instant(value: datetime) -> np.datetime64:
    """An aware datetime as datetime64[us] in UTC, the type of the arrays.

    Raises:
        DataContractError: it is naive.
    """
    return np.datetime64(require_utc(value, "value").astimezone(UTC).replace(tzinfo=None), "us")
