"""The types about companies' reports that packages exchange: on which day a company reports, as known at an instant.

Standard library only. Where next: ``market/source.py`` for where the dates come from, ``store/earnings.py`` for how a
date that moves is kept, ``model/events.py`` for what a report does to a forecast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

FILED: Final = "edgar"
"""Source of a report's day that a filing says. Such a day is confirmed and past."""
ESTIMATE: Final = "estimate"
"""Source of a day that was reckoned from a company's earlier reports. It counts only where no source names a day."""


class ReportTiming(StrEnum):
    """The side of the session on which a company reports. Its minute is not known."""

    BEFORE_OPEN = "before_open"
    AFTER_CLOSE = "after_close"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class EarningsDate:
    """One statement of a source about a report: its day on the exchange's clock, and from when on (UTC) it is known.

    ``is_confirmed``: the company has named the day; else it is an estimate. ``is_expected``: False says that from
    ``known_at`` on the source no longer names this day, because the report has moved.
    """

    ticker: str
    reported_on: date
    timing: ReportTiming
    is_confirmed: bool
    source: str
    known_at: datetime
    is_expected: bool = True
