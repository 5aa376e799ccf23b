"""From when on what a source tells counts as known: in an hour from its instant on, in a backfill since it was told.

A backfill tells of years at once, and each bar counts as known since its feed told it, or told the one that confirmed
it: nobody had looked. Where somebody has looked, by an hour or by an earlier backfill, a second one must not tell the
past what it did not know: what is stored stays as it is, and what it changes or adds there is known from now on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import pandas as pd

from include.contracts import Dividend


class Dating(Protocol):
    """Says from when on bars and dividends were known, UTC."""

    def of_bars(self, bars: pd.DataFrame) -> pd.Series[Any]:
        """For each bar that the gate believed (``confirmed_at`` is there)."""

    def of_dividend(self, dividend: Dividend) -> datetime:
        """For one dividend."""


@dataclass(frozen=True)
class AsOf:
    """Everything is known from ``as_of`` on: what an hour sees."""

    as_of: datetime

    def of_bars(self, bars: pd.DataFrame) -> pd.Series[Any]:
        """``as_of`` for each."""
        return pd.Series(self.as_of, index=bars.index, dtype="datetime64[us, UTC]")

    def of_dividend(self, dividend: Dividend) -> datetime:  # noqa: ARG002  # the protocol's
        """``as_of``."""
        return self.as_of


@dataclass(frozen=True)
class SinceTold:
    """What a backfill tells of one ticker.

    ``stored``: when the bars opened that an earlier run stored. ``looked_at``: the newest instant as of which the
    ticker's bars were read for an hour or a forecast; None if never.
    """

    as_of: datetime
    delay_minutes: int
    stored: pd.Series[Any]
    looked_at: datetime | None

    def of_bars(self, bars: pd.DataFrame) -> pd.Series[Any]:
        """Since the feed told of what confirmed it; from now on what could have been seen, and what is stored."""
        told_at = bars["confirmed_at"] + timedelta(minutes=self.delay_minutes)
        is_late = bars["opened_at"].isin(self.stored)
        if self.looked_at is not None:
            is_late |= told_at <= self.looked_at
        return told_at.mask(is_late, self._now_at)

    def of_dividend(self, dividend: Dividend) -> datetime:
        """Since the first session without it opened; from now on where bars of it were told before."""
        told_at = dividend.ex_at + timedelta(minutes=self.delay_minutes)
        is_stored = not self.stored.empty and dividend.ex_at <= self.stored.max()
        is_late = is_stored or (self.looked_at is not None and told_at <= self.looked_at)
        return self._now_at if is_late else min(told_at, self.as_of)

    @property
    def _now_at(self) -> datetime:
        if self.looked_at is None:
            return self.as_of
        return max(self.as_of, self.looked_at + timedelta(microseconds=1))
