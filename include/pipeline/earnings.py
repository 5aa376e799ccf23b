"""Days of companies' reports: what the sources name is stored, once a day and when a ticker is onboarded.

A source that cannot be reached means that nothing new is known; it fails no onboarding and no hour. Where no source
names a coming day, one is estimated from the earlier reports. Where next: ``store/earnings.py`` for how a date that
moves is kept, ``data/earlier_reports.py`` for the estimates, ``data/reports.py`` for how forecasts read the days.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from structlog.contextvars import bound_contextvars

from include.contracts import TickerFailure, TickerProfile, TickerStatus
from include.earnings import EarningsDate
from include.errors import HourcastError, MarketUnavailableError
from include.market.source import SIMULATED, EarningsReport, EarningsSource
from include.pipeline.data.earlier_reports import estimated_report
from include.pipeline.data.reports import PAST
from include.pipeline.services import Services
from include.store import earnings as store
from include.store import registry
from include.store.engine import transaction

_LOG: Final = logging.getLogger(__name__)

WITHOUT_REPORTS: Final = timedelta(days=30)
"""How long a ticker without reports, such as a fund, is not requested again where that costs a request."""

_FORECAST: Final = (TickerStatus.ACTIVE, TickerStatus.STALE, TickerStatus.FAILED)
"""Tickers that hours fetch."""


def update_all(services: Services, as_of: datetime) -> dict[str, int]:
    """Updates the reports of every ticker that hours fetch; counts, see ``update_earnings``.

    Raises:
        MarketUnavailableError: all requests failed, for reasons that may pass; try again.
    """
    with transaction(services.engine) as connection:
        tracked = registry.get_tickers(connection, statuses=_FORECAST)
    counts = update_earnings(services, [item.profile for item in tracked if item.profile is not None], as_of)
    if counts["failed"] and not counts["read"]:
        message = f"the reports of {counts['failed']} tickers could not be read; the log says why. Try again later."
        raise MarketUnavailableError(message)
    return counts


def update_earnings(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> dict[str, int]:
    """Stores the reports that the tickers' sources name at ``as_of`` (UTC), where it is new.

    Then estimates what no source names. Returns counts: tickers requested and read, days changed, failures, whose
    reasons are logged, and estimates changed. A failure of a source is never an exception. What was read for ``as_of``
    or later is not read again where that costs requests.
    """
    groups: dict[str, list[TickerProfile]] = defaultdict(list)
    for profile in profiles:
        groups[profile.source].append(profile)
    counts = Counter({"requested": 0, "read": 0, "changed": 0, "failed": 0})
    for name, group in sorted(groups.items()):
        source = services.sources.get(name)
        if isinstance(source, EarningsSource):
            counts.update(_update(services, source, group, as_of))
    counts["estimated"] = _estimate(services, profiles, as_of)
    return dict(counts)


def _estimate(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> int:
    """Stores the days that follow from earlier reports where no source names one; the count of changes.

    The simulated market names all of its days, and they follow no calendar.
    """
    real = {profile.ticker: profile for profile in profiles if profile.source != SIMULATED}
    with transaction(services.engine) as connection:
        made_at = store.estimation_instants(connection, list(real), as_of)
        tickers_at: dict[datetime, list[str]] = defaultdict(list)
        for ticker, instant in made_at.items():
            tickers_at[instant].append(ticker)
        estimates: list[EarningsDate] = []
        for instant, tickers in sorted(tickers_at.items()):
            known = store.known_earnings(connection, tickers, instant, (instant - PAST).date())
            for ticker, reports in sorted(known.items()):
                today = instant.astimezone(ZoneInfo(real[ticker].timezone)).date()
                estimate = estimated_report(ticker, reports, today, instant)
                estimates += [estimate] if estimate else []
        return store.save_estimates(connection, estimates, made_at)


def _update(
    services: Services, source: EarningsSource, profiles: Sequence[TickerProfile], as_of: datetime
) -> dict[str, int]:
    with transaction(services.engine) as connection:
        readings = store.load_readings(connection, [profile.ticker for profile in profiles])
        due = [item for item in profiles if not source.is_earnings_costly or _is_due(readings.get(item.ticker), as_of)]
        with_past = store.tickers_with_unread_past(connection, [profile.ticker for profile in due], as_of)
    report = _fetch(source, due, as_of, with_past)
    read_at = {
        ticker: max(as_of, report.made_at.get(ticker, as_of))
        for ticker in report.answered
        if not (source.is_earnings_costly and _is_doubtful(ticker, report, readings.get(ticker)))
    }
    with transaction(services.engine) as connection:
        changed_count = store.save_earnings(connection, report.dates, read_at)
        store.save_readings(connection, read_at, report.past_of, read_at.keys() - report.without_reports)
    for failure in report.failures:
        with bound_contextvars(ticker=failure.ticker):
            _LOG.warning("reports: %s", failure.reason)
    return {"requested": len(due), "read": len(read_at), "changed": changed_count, "failed": len(report.failures)}


def _fetch(
    source: EarningsSource, profiles: Sequence[TickerProfile], as_of: datetime, with_past: set[str]
) -> EarningsReport:
    """The source's report; failures of all tickers where it raises one of Hourcast's errors."""
    try:
        return source.fetch_earnings(profiles, as_of, with_past)
    except HourcastError as error:
        failures = tuple(TickerFailure(each.ticker, f"{each.ticker}: {error}", is_retryable=True) for each in profiles)
        return EarningsReport(dates=(), answered=frozenset(), failures=failures)


def _is_due(reading: store.EarningsReading | None, as_of: datetime) -> bool:
    """Whether the ticker is requested: not twice for an instant, and seldom if it never reports."""
    if reading is None:
        return True
    return reading.read_at < (as_of if reading.has_reports else as_of - WITHOUT_REPORTS)


def _is_doubtful(ticker: str, report: EarningsReport, reading: store.EarningsReading | None) -> bool:
    """Whether an answer is not believed: it is older than the last one, or a company has no reports any more."""
    if reading is None:
        return False
    is_older = report.made_at.get(ticker, reading.read_at) < reading.read_at
    return is_older or (reading.has_reports and ticker in report.without_reports)
