"""``known_at``: from which instant on a fetched bar or dividend counts as known.

* An hour knows what it fetches from its ``as_of`` on (``HourKnownAt``).
* A backfill fetches the history of years in one answer. Each bar counts as known since the source could have served
  it: when the bar that confirmed it closed, plus the feed's delay (``BackfillKnownAt``). This must not change the past.
  If an hour or an earlier backfill has read the ticker before, whatever the new backfill adds to or changes in that
  past counts as known from now on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import pandas as pd

from include.contracts import Dividend


class KnownAt(Protocol):
    """Gives the instant, UTC, from which on a fetched bar or dividend counts as known."""

    def of_bars(self, bars: pd.DataFrame) -> pd.Series[Any]:
        """``known_at`` of each accepted bar; ``bars`` has the column ``confirmed_at``."""

    def of_dividend(self, dividend: Dividend) -> datetime:
        """``known_at`` of one dividend."""


@dataclass(frozen=True)
class HourKnownAt:
    """Everything that an hour fetches is known from its ``as_of`` on."""

    as_of: datetime

    def of_bars(self, bars: pd.DataFrame) -> pd.Series[Any]:
        """``as_of`` for each bar."""
        return pd.Series(self.as_of, index=bars.index, dtype="datetime64[us, UTC]")

    def of_dividend(self, dividend: Dividend) -> datetime:  # noqa: ARG002  # the protocol's
        """``as_of``."""
        return self.as_of


@dataclass(frozen=True)
class BackfillKnownAt:
    """What a backfill fetches of one ticker is known since its source could have served it.

    ``stored_opened_at``: when the bars opened that were stored before this backfill. ``last_read_at``: the newest
    instant as of which an hour or a forecast has read the ticker's bars; None if none has.
    """

    as_of: datetime
    delay_minutes: int
    stored_opened_at: pd.Series[Any]
    last_read_at: datetime | None

    def of_bars(self, bars: pd.DataFrame) -> pd.Series[Any]:
        """When the bar that confirmed it could be served; from now on for bars that would change what was read."""
        served_at = bars["confirmed_at"] + timedelta(minutes=self.delay_minutes)
        would_change_past = bars["opened_at"].isin(self.stored_opened_at)
        if self.last_read_at is not None:
            would_change_past |= served_at <= self.last_read_at
        return served_at.mask(would_change_past, self._from_now_on)

    def of_dividend(self, dividend: Dividend) -> datetime:
        """When the ex-date's first bar opened, plus the delay; from now on if that would change what was read."""
        served_at = dividend.ex_at + timedelta(minutes=self.delay_minutes)
        is_stored = not self.stored_opened_at.empty and dividend.ex_at <= self.stored_opened_at.max()
        would_change_past = is_stored or (self.last_read_at is not None and served_at <= self.last_read_at)
        return self._from_now_on if would_change_past else min(served_at, self.as_of)

    @property
    def _from_now_on(self) -> datetime:
        """``as_of``, or just after the last read if that is later."""
        if self.last_read_at is None:
            return self.as_of
        return max(self.as_of, self.last_read_at + timedelta(microseconds=1))
