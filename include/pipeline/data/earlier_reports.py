"""What a company's earlier reports say of its next one: the day, the side of the session, and how sure the day is.

Most companies report on the same weekday of the same week as a year before. So the next day is expected 52 weeks after
the report of a year ago. Such an estimate counts only where no source names a day. ``docs/nights.md`` (Estimates) has
the measurements. Standard library only. Where next: ``pipeline/earnings.py``, which stores the estimates, and
``reports.py`` for the nights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from include.earnings import ESTIMATE, FILED, EarningsDate, ReportTiming

YEAR: Final = timedelta(weeks=52)
"""From a report to the one of a year later, on the same weekday."""
QUARTER: Final = timedelta(weeks=13)
APART: Final = timedelta(days=45)
"""Days that are less apart are about the same report."""
LEAST_REPORTS: Final = 4
"""Reports of one year. With fewer, nothing is estimated."""
_NEWEST_AGE: Final = timedelta(days=140)
"""If the newest known report is older, its company's reports are no longer read, or it reports otherwise."""

_CHECKS: Final = 4
_LEAST_CHECKS: Final = 2
SURE: Final = 0.7
"""Probability of an estimated day that is also 13 weeks after the last report, or whose rule was right before."""
UNSURE: Final = 0.33
"""Probability of another estimated day."""

_NEWEST_REPORTS: Final = 8
_LEAST_ON_SIDE: Final = 2
_LEAST_SHARE: Final = 2 / 3


def past_days(reports: Sequence[EarningsDate], today: date) -> list[date]:
    """The days before ``today`` on which the company has reported, oldest first, one for each report.

    ``reports``: what is known at an instant, oldest first. Of several days of one report the one of a filing counts,
    else the last.
    """
    found: list[EarningsDate] = []
    for item in reports:
        if not item.is_confirmed or item.source == ESTIMATE or item.reported_on >= today:
            continue
        if not found or item.reported_on - found[-1].reported_on >= APART:
            found.append(item)
        elif item.source == FILED or found[-1].source != FILED:
            found[-1] = item
    return [item.reported_on for item in found]


def usual_side(reports: Sequence[EarningsDate], today: date) -> ReportTiming:
    """The side of two thirds of the company's newest reports before ``today``; unknown without at least two on it."""
    past = [
        item.timing
        for item in reports
        if item.reported_on < today and item.timing is not ReportTiming.UNKNOWN and item.source != ESTIMATE
    ][-_NEWEST_REPORTS:]
    ((side, count),) = Counter(past).most_common(1) or ((ReportTiming.UNKNOWN, 0),)
    return side if count >= max(_LEAST_ON_SIDE, _LEAST_SHARE * len(past)) else ReportTiming.UNKNOWN


def estimated_report(
    ticker: str, reports: Sequence[EarningsDate], today: date, known_at: datetime
) -> EarningsDate | None:
    """The company's next report by its earlier ones, known from ``known_at`` (UTC) on; None if nothing can be said.

    ``reports``: what is known at that instant, oldest first. ``today``: the day on the exchange's clock. Nothing is
    said if a source names a day that is still to come, or one that is about the same report.
    """
    days = past_days(reports, today)
    if len(days) < LEAST_REPORTS or today - days[-1] > _NEWEST_AGE:
        return None
    day = _day_after(days, today)
    if day is None or not outlasts(day, reports):
        return None
    return EarningsDate(ticker, day, usual_side(reports, today), is_confirmed=False, source=ESTIMATE, known_at=known_at)


def outlasts(day: date, reports: Sequence[EarningsDate]) -> bool:
    """Whether an estimate of ``day`` still counts: every day that a source names is that of an earlier report."""
    return all(item.reported_on + APART <= day for item in reports if item.source != ESTIMATE)


def probability_of_day(day: date, days: Sequence[date]) -> float:
    """How likely (0..1) the company reports on the estimated ``day``, after its reports on ``days``, oldest first.

    The day is sure if it is also 13 weeks after the last report, or if the same rule would have named the days of the
    last reports: of four, or of two or three if no more can be checked.
    """
    checked = range(max(LEAST_REPORTS, len(days) - _CHECKS), len(days))
    is_right = [_day_after(days[:place], days[place - 1]) == days[place] for place in checked]
    has_been_right = len(is_right) >= _LEAST_CHECKS and all(is_right)
    return SURE if has_been_right or (days and day - days[-1] == QUARTER) else UNSURE


def _day_after(days: Sequence[date], today: date) -> date | None:
    """The first day from ``today`` on that is a year after a report and belongs to no report that is out."""
    earliest = max(days[-1] + APART, today)
    return next((day + YEAR for day in days if day + YEAR >= earliest), None)
