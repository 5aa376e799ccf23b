"""How fresh a ticker's bars are: late, stale or failed.

A ticker whose newest due bar is missing is late. After whole sessions without a bar it is stale and gets no forecast;
after more of them it is failed. It is still requested in every hour in which a bar is due, and becomes active again
with its first new bar. A closing bar that the ticker's feed never serves makes it neither late nor stale. An hour
judges this once, after its fetch; the later stages read the stored judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from include.contracts import Freshness, TickerProfile, TickerStatus
from include.market import sessions
from include.pipeline.data.feeds import WHOLE, Feed, feeds_at
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import freshness as freshness_store
from include.store.engine import transaction


def update_freshness(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> None:
    """Judges each ticker by what is known at ``as_of``; stores it for the hour, and which tickers are active."""
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, [profile.ticker for profile in profiles], as_of)
        feeds = feeds_at(connection, [profile for profile in profiles if _is_late(profile, newest, as_of)], as_of)
        found = {
            profile.ticker: _judge(
                services, profile, newest.get(profile.ticker), as_of, feeds.get(profile.ticker, WHOLE)
            )
            for profile in profiles
        }
        freshness_store.record_freshness(connection, as_of, found)
        statuses = {ticker: (item.status, item.status_reason) for ticker, item in found.items()}
        freshness_store.set_freshness(connection, as_of, statuses)


def _is_late(profile: TickerProfile, newest: Mapping[str, datetime], as_of: datetime) -> bool:
    """Whether the newest bar of the calendar is missing, be it served or not."""
    due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes)
    return due is not None and profile.ticker in newest and newest[profile.ticker] < due


def _judge(
    services: Services, profile: TickerProfile, newest: datetime | None, as_of: datetime, feed: Feed
) -> Freshness:
    market = services.settings.market
    due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes, feed.unserved)
    if newest is None:
        return Freshness(None, due, TickerStatus.ACTIVE)
    note = feed.describe() if due is None or newest >= due else sessions.assumption(profile.calendar, as_of)
    missed = sessions.missed_sessions(profile.calendar, newest, as_of, profile.feed_delay_minutes)
    if missed >= market.failed_after_sessions:
        return Freshness(newest, due, TickerStatus.FAILED, note)
    if missed >= market.stale_after_sessions:
        return Freshness(newest, due, TickerStatus.STALE, note)
    return Freshness(newest, due, TickerStatus.ACTIVE, note)
