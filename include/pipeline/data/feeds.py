"""What each ticker's stored bars show of its feed, as known at an instant: which closing bars it never serves.

Nothing of this is stored: it is found anew from the bars that were known at the instant, so that an hour that is run
again finds the same. Where next: ``market/closings.py`` for how a closing is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd

from include.contracts import TickerProfile
from include.market import closings, sessions
from include.market.closings import Closing
from include.market.grid import ALWAYS_OPEN
from include.store import expected as expected_store
from include.store.engine import Connection

HISTORY: Final = timedelta(days=30)
"""How far back bars are read to find closings: the newest 10 sessions of a usual length, and holidays between them.
Sessions that are rarer than that, such as half days, are in ``calendars.toml`` if Yahoo serves them in part."""


@dataclass(frozen=True)
class Feed:
    """One ticker's feed: when its newest bars opened (UTC, in order), and what it never serves.

    ``unserved``: closing bars. ``empty_days``: sessions that were only assumed and had no bar; days since 1970. Feeds
    are equal if these two are.
    """

    opened_at: pd.Series[Any] = field(compare=False)
    unserved: frozenset[Closing] = frozenset()
    empty_days: tuple[int, ...] = ()

    def describe(self) -> str | None:
        """Words for people about the closing bars that are never served; None if there are none."""
        if not self.unserved:
            return None
        return f"the feed never serves {' and '.join(str(closing) for closing in sorted(self.unserved))}"


WHOLE: Final = Feed(pd.Series(dtype="datetime64[us, UTC]"))
"""A feed of which no bar is stored, so that nothing is known to be left out."""
_NO_PLACES: Final = np.empty(0, dtype=np.int64)


def feeds_at(
    connection: Connection, profiles: Sequence[TickerProfile], as_of: datetime, since: datetime | None = None
) -> dict[str, Feed]:
    """The feeds of these tickers by what was known at ``as_of`` (UTC).

    Bars are read from 30 days before ``as_of`` on, or from ``since`` where a calendar's sessions after that are
    assumed. Closings are found in the bars of the 30 days. A market that never closes has none.
    """
    start = as_of - HISTORY
    closing = [profile for profile in profiles if profile.calendar != ALWAYS_OPEN]
    oldest = min([start, *(_first_assumed(calendar, since) for calendar in {p.calendar for p in closing} if since)])
    rows = expected_store.known_openings(connection, [profile.ticker for profile in closing], oldest, as_of)
    instants, places = pd.DatetimeIndex(rows["opened_at"]).asi8, rows.groupby("ticker").indices
    feeds = dict.fromkeys((profile.ticker for profile in profiles), WHOLE)
    found: dict[tuple[str, str, bytes], Feed] = {}  # most tickers of an exchange have bars at the same times
    for profile in closing:
        mine = places.get(profile.ticker, _NO_PLACES)
        key = (profile.calendar, profile.source, instants[mine].tobytes())
        if key not in found:
            found[key] = _feed(profile, rows["opened_at"].iloc[mine], start)
        feeds[profile.ticker] = found[key]
    return feeds


def _feed(profile: TickerProfile, opened_at: pd.Series[Any], start: datetime) -> Feed:
    unserved = closings.unserved_closings(profile.calendar, profile.source, opened_at[opened_at >= start])
    return Feed(opened_at, unserved, closings.empty_days(profile.calendar, opened_at))


def _first_assumed(calendar: str, since: datetime) -> datetime:
    """The later of ``since`` and the end of the last day for which the calendar's holidays are known."""
    return max(since, datetime.combine(sessions.published_until(calendar), time(), UTC))
