"""When an answer of Yahoo was made, by the answer itself, and which bars were complete by then.

An answer can come from a cache. One that is 7 minutes old shows the bar that has closed meanwhile as it stood before
its close. So a bar is complete only if the answer was made after the bar's close plus the feed's delay.

The strong evidence is the headers ``Date`` and ``Age``. A cache keeps the server's ``Date``; some caches write their
own. So the answer was made at ``Date`` minus ``Age``, or at ``Date`` if the answer shows a trade after the first of
these. The weak evidence is the newest trade. It proves that the bars before it are complete. It proves nothing else: a
ticker without trades has an old one although the answer is fresh. So it decides only where the headers cannot: there
are none, they are earlier than a trade in the answer, or they are hours later than ``as_of``, as in a replay of the
past. The newest bar is then in doubt if the newest trade lies before its close. In the first hour it is left out; in
the second it is believed, since a ticker without trades looks just like that. Later it is left out again, until there
is a newer trade: then the answer is more likely days old. Such a cache is not recognised if its answer is one to three
hours old. An answer that names neither its date nor a trade is judged by ``as_of`` alone.

No rule here reads this machine's clock, so that a replay of a past hour gets what the hour got. Where next:
``yahoo.py``, which leaves the other bars out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import pandas as pd

_LIVE: Final = timedelta(hours=1)
"""An answer whose date is later than ``as_of`` by more than this belongs to a replay of the past."""
_DOUBT: Final = (timedelta(hours=1), timedelta(hours=2))
"""How long after it was due a bar in doubt is believed."""


@dataclass(frozen=True)
class AnswerTimes:
    """The instants that an answer names, UTC; None for one that it does not name.

    ``made_at``: when the server made it. ``traded_at``: when the newest trade was made. ``newest_row_at``: when the
    newest row opened.
    """

    made_at: datetime | None = None
    traded_at: datetime | None = None
    newest_row_at: datetime | None = None

    def latest(self, as_of: datetime) -> datetime:
        """When the answer was made; where it does not say so, its newest trade or row; at the latest ``as_of``."""
        shown = max((at for at in (self.traded_at, self.newest_row_at) if at is not None), default=as_of)
        return min(self.made_at or shown, as_of)

    def complete(self, closed_at: pd.Series[Any], delay: timedelta, as_of: datetime) -> pd.Series[Any]:
        """Whether each bar with this close was complete in the answer; ``delay`` is the feed's. Boolean, same index."""
        if self.made_at is not None and self.made_at <= as_of + _LIVE:
            return closed_at + delay <= self.made_at
        if self.traded_at is None:
            return closed_at + delay <= as_of
        shown = max(self.traded_at, self.newest_row_at or self.traded_at)
        waited = as_of - (closed_at + delay)
        return (closed_at <= shown) | ((waited >= _DOUBT[0]) & (waited < _DOUBT[1]))


def times_of(headers: Mapping[str, str | None], chart: Mapping[str, Any], until: datetime) -> AnswerTimes:
    """The instants that an answer names, from its HTTP headers and its content. Rows after ``until`` are ignored."""
    described, seconds = chart.get("meta"), chart.get("timestamp")
    traded_at = _instant(described.get("regularMarketTime")) if isinstance(described, dict) else None
    rows = [at for at in map(_instant, seconds if isinstance(seconds, list) else ()) if at is not None and at <= until]
    newest_row_at = max(rows, default=None)
    shown = max((at for at in (traded_at, newest_row_at) if at is not None), default=None)
    return AnswerTimes(_made_at(headers, shown), traded_at, newest_row_at)


def _made_at(headers: Mapping[str, str | None], shown: datetime | None) -> datetime | None:
    """``Date`` minus ``Age``, or ``Date`` if the answer shows a trade after that; None if it shows one after both."""
    try:
        date = parsedate_to_datetime(headers.get("Date") or "")
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        return None
    candidates = (date - _age(headers.get("Age")), date)
    return next((at for at in candidates if shown is None or at >= shown), None)


def _age(text: str | None) -> timedelta:
    """The header ``Age``; none at all if it cannot be read."""
    try:
        return timedelta(seconds=max(0.0, float(text or 0)))
    except (ValueError, OverflowError):
        return timedelta(0)


def _instant(seconds: object) -> datetime | None:
    """The instant so many seconds after 1970; None if it cannot be one."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
