"""What is known of companies' reports at each instant: named by a source, estimated from earlier ones, or nothing.

The nights and their widths are made by the product's own functions. Where next: ``earnings_trial.py`` for the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from include.contracts import HORIZON_COUNT
from include.earnings import FILED, EarningsDate, ReportTiming
from include.evaluation.history import FloatArray
from include.market.grid import NEW_YORK
from include.market.source import YAHOO
from include.model.events import widen
from include.pipeline.data.earlier_reports import APART, estimated_report
from include.pipeline.data.reports import PAST, Sessions, nights_of, sessions_around
from include.pipeline.models.ahead import reported_bars
from research.night.blind import Blind

ANNOUNCED_BEFORE = timedelta(days=14)
"""How long before its day a report is named by a source."""
FILED_AT = time(4, 20)
"""When (UTC) the day after a report its filing is known: the run of ``filings_etl``."""
ESTIMATED_AT = time(2, 5)
"""When (UTC) estimates are made: the run of ``earnings_dates``."""
_ZONE = ZoneInfo("America/New_York")

Named = Callable[[int], bool]
"""Whether the report at this place of a company's list is named by the source in advance."""


def nothing_named(place: int) -> bool:
    """No report is named in advance."""
    del place
    return False


def all_named(place: int) -> bool:
    """Every report is named in advance."""
    del place
    return True


def half_named(place: int) -> bool:
    """Every second report is named in advance."""
    return place % 2 == 0


@dataclass(frozen=True)
class Knowledge:
    """What is known in one case. ``named``: which reports a source names; ``has_estimates``: estimates count."""

    named: Named
    has_estimates: bool


def read_days(paths: Sequence[Path]) -> dict[str, list[EarningsDate]]:
    """The reports by ticker, oldest first, of CSV files with the columns ticker, reported_on and timing.

    Each is known from the night after its day on, as by its filing. Of days that are less than 45 days apart the one
    in the earlier file counts.
    """
    found: dict[str, list[EarningsDate]] = {}
    for path in paths:
        table = pd.read_csv(path, dtype="str")
        for ticker, day, timing in zip(table["ticker"], table["reported_on"], table["timing"], strict=True):
            item = _filed(ticker, date.fromisoformat(day), ReportTiming(timing))
            known = found.setdefault(ticker, [])
            if all(abs(item.reported_on - other.reported_on) >= APART for other in known):
                known.append(item)
    return {ticker: sorted(items, key=lambda item: item.reported_on) for ticker, items in sorted(found.items())}


def _filed(ticker: str, day: date, timing: ReportTiming) -> EarningsDate:
    known_at = datetime.combine(day + timedelta(days=1), FILED_AT, UTC)
    return EarningsDate(ticker, day, timing, is_confirmed=True, source=FILED, known_at=known_at)


def known_days(reports: Sequence[EarningsDate], named: Named) -> list[EarningsDate]:
    """What is said of a company's reports: each once it is filed, and those that the source names also in advance.

    The source names the day alone, as Yahoo does.
    """
    ahead = [
        replace(
            item,
            timing=ReportTiming.UNKNOWN,
            source=YAHOO,
            known_at=datetime.combine(item.reported_on - ANNOUNCED_BEFORE, time(0), UTC),
        )
        for place, item in enumerate(reports)
        if named(place)
    ]
    return sorted([*ahead, *reports], key=lambda item: (item.reported_on, item.known_at))


def at(said: Sequence[EarningsDate], as_of: datetime) -> list[EarningsDate]:
    """What is known at ``as_of`` (UTC), oldest first: of each day the newest word."""
    since = (as_of - PAST).date()
    newest = {item.reported_on: item for item in said if item.known_at <= as_of and item.reported_on >= since}
    return list(newest.values())


def estimate_of(ticker: str, said: Sequence[EarningsDate], day: date) -> EarningsDate | None:
    """The estimate that the daily run of this day has made, which is before New York's first bar."""
    made_at = datetime.combine(day, ESTIMATED_AT, UTC)
    return estimated_report(ticker, at(said, made_at), made_at.astimezone(_ZONE).date(), made_at)


def widths_of(ticker: str, blind: Blind, said: Sequence[EarningsDate], *, has_estimates: bool) -> FloatArray:
    """How many times as wide each bar ahead is at each of the ticker's bars, 1 without a report. [m, H].

    The last bars, whose bars ahead are not recorded, have 1.
    """
    result = np.ones((len(blind), HORIZON_COUNT))
    closes = [_utc(instant) for instant in blind.closed_at]
    if not closes:
        return result
    sessions = sessions_around(NEW_YORK, closes[0], closes[-1])
    estimate = cache(lambda day: estimate_of(ticker, said, day))
    for place, as_of in enumerate(closes[: -HORIZON_COUNT or None]):
        known = at(said, as_of)
        guess = estimate(as_of.date()) if has_estimates else None
        known += [guess] if guess else []
        targets = closes[place + 1 : place + 1 + HORIZON_COUNT]
        nights = nights_of(sorted(known, key=lambda item: item.reported_on), sessions, as_of)
        for _, bar, width in reported_bars(nights, [as_of, *targets[:-1]], targets):
            result[place, bar] = max(result[place, bar], width)
    return result


def widened_by(blind: Blind, quantiles: FloatArray, widths: FloatArray) -> FloatArray:
    """The forecasts with the bars ahead this many times as wide. [m, H, Q]."""
    result = quantiles.copy()
    for row in np.flatnonzero((widths > 1.0).any(axis=1)):
        result[row] = widen(quantiles[row], blind.bar_variance[row], widths[row])
    return result


def day_errors(
    reports: Mapping[str, Sequence[EarningsDate]], name_day: Callable[[Sequence[EarningsDate], date], date | None]
) -> Iterator[tuple[str, int, date]]:
    """Ticker, error in sessions (above 0: too late) and day of each report for which ``name_day`` names one.

    ``name_day`` gets the reports known two days after the report before, and that day.
    """
    sessions = _sessions_of(reports)
    for ticker, items in reports.items():
        for place in range(1, len(items)):
            today = items[place - 1].reported_on + timedelta(days=2)
            known = at(items[:place], datetime.combine(today, time(12), UTC))
            named = name_day(known, today)
            if named is not None:
                yield ticker, sessions(named) - sessions(items[place].reported_on), items[place].reported_on


def _sessions_of(reports: Mapping[str, Sequence[EarningsDate]]) -> Callable[[date], int]:
    """The number of a day's session, or of the next one."""
    every = [item.reported_on for items in reports.values() for item in items]
    ends = (datetime.combine(day, time(0), UTC) for day in (min(every), max(every) + timedelta(days=400)))
    sessions: Sessions = sessions_around(NEW_YORK, *ends)
    numbers = np.array(sessions.days, dtype="datetime64[D]")
    return lambda day: int(np.searchsorted(numbers, np.datetime64(day)))


def _utc(instant: np.datetime64) -> datetime:
    at_instant: datetime = instant.astype("datetime64[us]").item()
    return at_instant.replace(tzinfo=UTC)
