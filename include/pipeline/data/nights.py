"""The prices of the night: which are requested, how they are stored, and what is believed of them at an instant.

Between two sessions a forecast can start from a price of extended hours in place of the last close. Which calendars
have such hours, and at which times a night is refreshed, is data (``market/extended_hours.py``). An hour requests the
5-minute closes once for each ticker and refresh, and stores those that it needs. What is believed follows from the
stored closes that were known at the hour, so that an hour that runs again believes the same. A problem with a night's
prices never fails a ticker: its forecast of the last close stays. Where next: ``market/believed.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from include.contracts import BarRequest, TickerProfile
from include.market.believed import BelievedPrice, believed_price, needed_closes
from include.market.extended_gate import reject_closes
from include.market.extended_hours import Night, night_of, refreshes_between
from include.market.sessions import last_closed
from include.market.source import ExtendedReport, ExtendedSource
from include.pipeline.data.feeds import Feed, feeds_at
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import extended as extended_store
from include.store import forecasts as forecast_store
from include.store.engine import Connection, transaction

_BEFORE_CLOSE = timedelta(minutes=65)
"""How long before the session's close a request begins: the 5-minute close at the end of the newest bar shows the scale
of the prices, and on half days a feed may not serve the last bar."""
_INDEX_MARK = "^"
"""First letter of an index's ticker. An index is computed in regular hours only."""
HISTORY = timedelta(days=59)
"""How far back an onboarding requests 5-minute closes; Yahoo keeps them for 60 days."""
_HISTORY_BARS = 600
"""Bars read to check the scale of a history's closes: those of 60 days in sessions of up to ten bars."""


@dataclass(frozen=True)
class NightPrice:
    """The price that a refreshed forecast starts from, and the night that it belongs to."""

    night: Night
    believed: BelievedPrice


def night_at(services: Services, profile: TickerProfile, as_of: datetime) -> Night | None:
    """The refresh that ``as_of`` is for a ticker; None for none."""
    if profile.ticker.startswith(_INDEX_MARK):
        return None
    return night_of(profile.calendar, as_of, services.settings.schedule.night_refreshes)


def why_blind(believed_at: datetime | None) -> str:
    """Why a night's forecast is not refreshed where nothing failed; ``believed_at`` is its last price's time (UTC)."""
    if believed_at is None:
        return "no refresh: no price of extended hours is known since the close"
    return f"no refresh: no price newer than that of {believed_at:%H:%M} UTC is known"


def fetch(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> dict[str, str]:
    """Fetches and stores the closes of the night for the tickers with a refresh at ``as_of``; why others have none.

    Without a request: tickers whose newest bar is not the one that ended the session, and tickers whose source has no
    extended hours. The result has, by ticker, the reason of a request that failed.
    """
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, [profile.ticker for profile in profiles], as_of)
        nights = _nights(services, connection, profiles, newest, as_of)
    groups: dict[str, list[BarRequest]] = defaultdict(list)
    for profile in profiles:
        if profile.ticker in nights:
            since = nights[profile.ticker].closed_at - _BEFORE_CLOSE
            groups[profile.source].append(BarRequest(profile, since))
    problems: dict[str, str] = {}
    for name, requests in groups.items():
        source = services.sources.get(name)
        if isinstance(source, ExtendedSource):
            report = source.fetch_extended(requests, as_of)
            problems |= {failure.ticker: failure.reason for failure in report.failures}
            refreshes = {request.profile.ticker: [(as_of, nights[request.profile.ticker])] for request in requests}
            _keep(services, requests, report, as_of, refreshes)
    return problems


def backfill(services: Services, profile: TickerProfile, as_of: datetime) -> str | None:
    """Stores what refreshes of the last weeks would have known of one ticker's nights; the reason of a failure.

    Each close is known since the source could have served it. If an hour has read the ticker's past before, what is
    added to that past is known from now on.
    """
    source = services.sources.get(profile.source)
    schedule = services.settings.schedule
    since = as_of - HISTORY
    refreshes = [
        (at, night)
        for at in refreshes_between(profile.calendar, since, as_of, schedule.night_refreshes, schedule.schedule_minute)
        if (night := night_at(services, profile, at)) is not None
    ]
    if present := night_at(services, profile, as_of):
        refreshes.append((as_of, present))
    if not refreshes or not isinstance(source, ExtendedSource):
        return None
    request = BarRequest(profile, since)
    report = source.fetch_extended([request], as_of)
    if report.failures:
        return report.failures[0].reason
    _keep(services, [request], report, as_of, {profile.ticker: refreshes}, is_history=True)
    return None


def believed_at(
    services: Services,
    connection: Connection,
    profiles: Sequence[TickerProfile],
    newest: Mapping[str, datetime],
    as_of: datetime,
) -> dict[str, NightPrice]:
    """By ticker, the price of the night that is believed at ``as_of``; tickers without one are absent.

    ``newest``: when each ticker's newest bar closed (UTC). A night counts only if that bar ended the session before it.
    """
    wanted = _nights(services, connection, profiles, newest, as_of)
    if not wanted:
        return {}
    closes = extended_store.closes_since(connection, {t: night.starts_at for t, night in wanted.items()}, as_of)
    found = {}
    for ticker, rows in closes.groupby("ticker"):
        night = wanted[str(ticker)]
        believed = believed_price(rows[["closed_at", "close"]], night)
        if believed is not None:
            found[str(ticker)] = NightPrice(night, believed)
    return found


def _nights(
    services: Services,
    connection: Connection,
    profiles: Sequence[TickerProfile],
    newest: Mapping[str, datetime],
    as_of: datetime,
) -> dict[str, Night]:
    """The refresh of each ticker that has one at ``as_of`` and whose newest bar is the last served of the session."""
    found = {
        profile.ticker: night
        for profile in profiles
        if profile.ticker in newest and (night := night_at(services, profile, as_of)) is not None
    }
    short = [item for item in profiles if item.ticker in found and newest[item.ticker] < found[item.ticker].closed_at]
    feeds = feeds_at(connection, short, as_of) if short else {}
    return {
        ticker: night for ticker, night in found.items() if newest[ticker] == _served_until(night, feeds.get(ticker))
    }


def _served_until(night: Night, feed: Feed | None) -> datetime | None:
    """When the last bar before the night closed that the feed serves, UTC."""
    return last_closed(night.calendar, night.closed_at, 0, feed.unserved) if feed else night.closed_at


def _keep(
    services: Services,
    requests: Sequence[BarRequest],
    report: ExtendedReport,
    as_of: datetime,
    refreshes: Mapping[str, Sequence[tuple[datetime, Night]]],
    *,
    is_history: bool = False,
) -> None:
    """Checks a response's closes and stores those that the refreshes need, and all that were refused."""
    profiles = {request.profile.ticker: request.profile for request in requests}
    with transaction(services.engine) as connection:
        stored = bar_store.load_bars(connection, list(profiles), as_of, bar_limit=_HISTORY_BARS if is_history else 1)
        accepted, rejected = reject_closes(
            report.closes, report.splits, profiles, stored[["ticker", "closed_at", "close"]], as_of
        )
        extended_store.save_rejected(connection, rejected, as_of)
        parts = []
        for ticker, rows in accepted.groupby("ticker"):
            profile = profiles[str(ticker)]
            delay = timedelta(minutes=profile.feed_delay_minutes)
            needed = needed_closes(rows, refreshes[profile.ticker], delay)
            known_at = _served_at(connection, profile, needed, as_of) if is_history else as_of
            parts.append(needed.assign(known_at=known_at))
        if parts:
            extended_store.save_closes(connection, pd.concat(parts, ignore_index=True))


def _served_at(connection: Connection, profile: TickerProfile, closes: pd.DataFrame, as_of: datetime) -> pd.Series[Any]:
    """From when on a history's closes are known (UTC): when they could be served, or now if hours have read that."""
    served_at = closes["closed_at"] + timedelta(minutes=profile.feed_delay_minutes)
    read_at = forecast_store.newest_read_at(connection, profile.ticker)
    if read_at is None:
        return served_at
    return served_at.mask(served_at <= read_at, max(as_of, read_at + timedelta(microseconds=1)))
