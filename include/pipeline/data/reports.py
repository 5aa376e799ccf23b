"""The nights in which companies are expected to report, as known at an instant, each with its probability.

A source's day says little of the side of the session, and Yahoo's minute is not believed. So the side comes from the
company's newest reports, unless the source gives it. Where no source names a day, an estimate from earlier reports
counts, with its own probability. Where next: ``store/earnings.py`` for the days, ``earlier_reports.py`` for estimates,
``model/events.py`` for what a night with a report does to a forecast.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

import pandas as pd

from include.contracts import TickerProfile, require_utc
from include.earnings import ESTIMATE, EarningsDate, ReportTiming
from include.market.grid import ALWAYS_OPEN, CURRENCIES
from include.market.sessions import bar_grid
from include.pipeline.data.earlier_reports import outlasts, past_days, probability_of_day, usual_side
from include.store.earnings import known_earnings
from include.store.engine import Connection

NAMED_DAY: Final = 0.95
"""Probability of a day that is confirmed, or the only one named. Days seen 7 days ahead held in 96 to 99 %, days seen
8 to 14 days ahead in 94 to 96 %."""
UNKNOWN_SIDE: Final = 0.45
"""Probability of each of the two nights of such a day if its side is unknown."""

_NEXT: Final = timedelta(days=10)
_LAST: Final = timedelta(days=1)
"""A night counts until so long after its session has opened, for forecasts from a close before it."""
PAST: Final = timedelta(days=800)
"""Eight quarterly reports and some weeks."""
_RANGE: Final = timedelta(days=21)
"""Estimated days that are less apart are about one report."""


@dataclass(frozen=True)
class ReportNight:
    """A night in which a company may report.

    ``opens_at``: open (UTC) of the session whose first bar spans the report. ``probability``: from 0 to 1, that the
    report comes in this night. ``timing``: the side of ``reported_on``, a day on the exchange's clock, as it is
    believed. ``text``: the same in words.
    """

    opens_at: datetime
    probability: float
    timing: ReportTiming
    reported_on: date
    text: str


@dataclass(frozen=True)
class Sessions:
    """The sessions around an instant, in order: their days on the exchange's clock, and their opens (UTC)."""

    days: tuple[date, ...]
    opens: tuple[datetime, ...]

    def open_after(self, day: date, timing: ReportTiming) -> datetime | None:
        """The open of the first session whose first bar spans a report on this side of ``day``; None for none here."""
        find = bisect_left if timing is ReportTiming.BEFORE_OPEN else bisect_right
        place = find(self.days, day)
        return self.opens[place] if place < len(self.opens) else None


def report_nights(
    connection: Connection, profiles: Sequence[TickerProfile], as_of: datetime
) -> dict[str, tuple[ReportNight, ...]]:
    """Each ticker's nights with a report that may come, as known at ``as_of`` (UTC), in order; others are absent.

    They open at the latest 10 days after ``as_of``. Costs one query. Currencies and crypto have none.

    Raises:
        DataContractError: ``as_of`` is naive, or a profile's calendar is not known.
    """
    moment = require_utc(as_of, "as_of")
    companies = {profile.ticker: profile for profile in profiles if profile.calendar not in {ALWAYS_OPEN, CURRENCIES}}
    dates = known_earnings(connection, list(companies), moment, (moment - PAST).date())
    sessions_of = cache(lambda calendar: sessions_around(calendar, moment, moment))
    found = {
        ticker: nights_of(reports, sessions_of(companies[ticker].calendar), moment) for ticker, reports in dates.items()
    }
    return {ticker: nights for ticker, nights in found.items() if nights}


def sessions_around(calendar: str, since_at: datetime, until_at: datetime) -> Sessions:
    """The sessions that matter from ``since_at`` to ``until_at`` (UTC). At least one has opened before the first.

    No exchange is closed for 14 days.
    """
    grid = bar_grid(calendar, since_at - timedelta(days=14), until_at + _RANGE + timedelta(days=14))
    firsts = grid[grid["is_session_first"]]
    days = tuple(pd.DatetimeIndex(firsts["session_date"]).date)
    return Sessions(days, tuple(pd.DatetimeIndex(firsts["opened_at"]).to_pydatetime()))


def nights_of(reports: Sequence[EarningsDate], sessions: Sessions, as_of: datetime) -> tuple[ReportNight, ...]:
    """The nights of one company's reports that are known at ``as_of`` (UTC), oldest first."""
    today = as_of.date()
    usual = usual_side(reports, today)
    past = past_days(reports, today)
    valid = [item for item in reports if item.source != ESTIMATE or outlasts(item.reported_on, reports)]
    found: dict[datetime, list[ReportNight]] = defaultdict(list)
    for group in _groups([item for item in valid if _is_ahead(item, sessions, as_of)]):
        is_estimate = group[0].source == ESTIMATE
        probability = probability_of_day(group[0].reported_on, past) if is_estimate else NAMED_DAY
        for night in _group_nights(group, probability, usual, sessions):
            if as_of - _LAST < night.opens_at <= as_of + _NEXT:
                found[night.opens_at].append(night)
    return tuple(_joined(found[opens_at]) for opens_at in sorted(found))


def _is_ahead(item: EarningsDate, sessions: Sessions, as_of: datetime) -> bool:
    """Whether the last night that may have the report is not over."""
    last = ReportTiming.BEFORE_OPEN if item.timing is ReportTiming.BEFORE_OPEN else ReportTiming.AFTER_CLOSE
    opens_at = sessions.open_after(item.reported_on, last)
    return opens_at is not None and opens_at > as_of - _LAST


def _groups(ahead: Sequence[EarningsDate]) -> Iterator[list[EarningsDate]]:
    """The days ahead by report: each confirmed day alone, and estimated days that are close together."""
    group: list[EarningsDate] = []
    for item in ahead:
        is_same = group and not item.is_confirmed and item.reported_on - group[0].reported_on < _RANGE
        if group and not is_same:
            yield group
            group = []
        if item.is_confirmed:
            yield [item]
        else:
            group.append(item)
    if group:
        yield group


def _group_nights(
    group: Sequence[EarningsDate], probability: float, usual: ReportTiming, sessions: Sessions
) -> Iterator[ReportNight]:
    """The nights of one report that is expected on one of these days; ``probability``: of a day that stands alone."""
    days = [item for item in group if item.reported_on in sessions.days] or list(group)
    share = probability if len(days) == 1 else 1 / len(days)
    for item in days:
        timing = usual if item.timing is ReportTiming.UNKNOWN else item.timing
        is_unknown = timing is ReportTiming.UNKNOWN
        sides = (ReportTiming.BEFORE_OPEN, ReportTiming.AFTER_CLOSE) if is_unknown else (timing,)
        likely = share * UNKNOWN_SIDE / NAMED_DAY if is_unknown else share
        for side in sides:
            opens_at = sessions.open_after(item.reported_on, side)
            if opens_at is not None:
                yield ReportNight(opens_at, likely, timing, item.reported_on, _text(days, item, timing))


def _joined(nights: Sequence[ReportNight]) -> ReportNight:
    """One night from those that open at the same time: the likeliest, with the sum of the probabilities."""
    likeliest = max(nights, key=lambda night: night.probability)
    total = min(NAMED_DAY, sum(night.probability for night in nights))
    return ReportNight(likeliest.opens_at, total, likeliest.timing, likeliest.reported_on, likeliest.text)


_SIDES: Final[Mapping[ReportTiming, str]] = {
    ReportTiming.BEFORE_OPEN: "before the open",
    ReportTiming.AFTER_CLOSE: "after the close",
    ReportTiming.UNKNOWN: "before the open or after the close",
}


def _text(days: Sequence[EarningsDate], item: EarningsDate, timing: ReportTiming) -> str:
    """The report in words: ``report after the close of 30 Jan``."""
    estimated = "" if item.is_confirmed else " (estimated)"
    if item.source == ESTIMATE:
        estimated = " (estimated from earlier reports)"
    if len(days) > 1:
        first, last = (_day(days[place].reported_on) for place in (0, -1))
        return f"report between {first} and {last}, {_SIDES[timing]}{estimated}"
    if timing is ReportTiming.UNKNOWN:
        return f"report on {_day(item.reported_on)}, {_SIDES[timing]}{estimated}"
    return f"report {_SIDES[timing]} of {_day(item.reported_on)}{estimated}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
