"""How fresh a ticker's bars are: what is late, what went stale, and what is given up until it comes back.

A ticker that lacks its newest bar is late; one that missed whole sessions gets no forecast and is stale, then failed.
It is asked for all the same in every hour in which a bar is due, and is active again with its first new bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.contracts import TickerProfile, TickerStatus
from include.market import sessions
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import freshness as freshness_store
from include.store.engine import transaction


@dataclass(frozen=True)
class Freshness:
    """A ticker's newest bar, the newest that was due (UTC, closed at; None for none), and where its life stands."""

    newest_at: datetime | None
    due_at: datetime | None
    status: TickerStatus

    @property
    def late_reason(self) -> str | None:
        """Says that the newest bar is missing; None where it is there."""
        if self.due_at is None or (self.newest_at is not None and self.newest_at >= self.due_at):
            return None
        return f"late: the bar that closed at {self.due_at.isoformat()} has not come"

    @property
    def status_reason(self) -> str | None:
        """Why the ticker is not active; None where it is."""
        if self.status is TickerStatus.ACTIVE or self.newest_at is None:
            return None
        return f"stale: the newest bar closed at {self.newest_at.isoformat()}; it comes back by itself with the next"


def look(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> dict[str, Freshness]:
    """How fresh each ticker is by what is known at ``as_of``."""
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, [profile.ticker for profile in profiles], as_of)
    return {profile.ticker: _judge(services, profile, newest.get(profile.ticker), as_of) for profile in profiles}


def mark(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> None:
    """Writes down which of the tickers are active, stale and failed."""
    found = look(services, profiles, as_of)
    statuses = {ticker: (item.status, item.status_reason) for ticker, item in found.items()}
    with transaction(services.engine) as connection:
        freshness_store.set_freshness(connection, as_of, statuses)


def _judge(services: Services, profile: TickerProfile, newest: datetime | None, as_of: datetime) -> Freshness:
    market = services.settings.market
    due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes)
    if newest is None:
        return Freshness(None, due, TickerStatus.ACTIVE)
    missed = sessions.missed_sessions(profile.calendar, newest, as_of, profile.feed_delay_minutes)
    if missed >= market.failed_after_sessions:
        return Freshness(newest, due, TickerStatus.FAILED)
    if missed >= market.stale_after_sessions:
        return Freshness(newest, due, TickerStatus.STALE)
    return Freshness(newest, due, TickerStatus.ACTIVE)
