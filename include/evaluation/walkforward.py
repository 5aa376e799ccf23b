"""Walk-forward: which rows may teach a forecaster, and which it is judged on. Ordered by time, never shuffled.

Pure. The test period is cut into folds; before each, a forecaster may learn anew from everything that was over by then.
*Purge*: a row teaches horizon h only if its target bar had closed by the cutoff. *Embargo*: the cutoff lies some hours
before the fold, so that nothing learnt overlaps what is judged. Where next: ``leaderboard.py``.
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
    """Number ``index`` of a walk: learn from what had closed at ``cutoff``, forecast at the bars in [since, until).

    Instants are datetime64[us], UTC.
    """

    index: int
    cutoff: np.datetime64
    since: np.datetime64
    until: np.datetime64

    def test_rows(self, history: History) -> slice:
        """The rows to forecast from: bars that closed in [since, until)."""
        first, end = np.searchsorted(history.closed_at, np.array([self.since, self.until]))
        return slice(int(first), int(end))

    def is_teaching(self, history: History) -> BoolArray:
        """Whether each row's outcome may be learnt from: its target bar had closed by the cutoff. [n, H]."""
        return np.asarray(history.target_at <= self.cutoff, dtype=np.bool_)  # NaT compares false


def make_folds(
    since: datetime, until: datetime, fold_days: int = FOLD_DAYS, embargo_hours: int = EMBARGO_HOURS
) -> list[Fold]:
    """The folds that fill [since, until) in order, without overlap; the last one may be shorter.

    Raises:
        DataContractError: an empty period, a fold of no days, a negative embargo, or a naive datetime.
    """
    first, end = require_utc(since, "since"), require_utc(until, "until")
    if first >= end or fold_days < 1 or embargo_hours < 0:
        message = f"No folds of {fold_days} days fill {first} to {end} with an embargo of {embargo_hours} hours."
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
    """An aware datetime as the arrays hold it: UTC, microseconds, without a zone."""
    return np.datetime64(require_utc(value, "value").astimezone(UTC).replace(tzinfo=None), "us")
