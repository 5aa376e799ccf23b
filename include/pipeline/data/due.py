"""What is due: which bars to request from a source, and which bars of a response's days were due by the calendar.

Every update requests the last days again, to find revisions, and older days while bars of them are missing. Where next:
``fetching.py`` sends the requests, ``storing.py`` stores the responses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pandas as pd

from include.contracts import BarRequest, TickerProfile
from include.market import sessions
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import expected as expected_store
from include.store.engine import transaction

GAP_DAYS: Final = timedelta(days=30)
"""How long a missing bar is requested again; Yahoo has filled gaps days later."""
_GAP_HOURS: Final = timedelta(hours=4)
"""How long after the newest due bar a gap alone causes a request. Bars that a response at the end of a session lacked
are available by then. What is still missing is requested again with the next session's first bar."""


def due_requests(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> list[BarRequest]:
    """One request for each ticker that is due: by its calendar, a bar newer than the stored ones has closed.

    A request begins ``update_days`` before the newest stored bar. It begins earlier if an older bar is missing, or if
    an older bar was revised within those days, since a revision may be undone. A ticker is also due in the hours
    after its newest bar if an older bar is missing.
    """
    window = timedelta(days=services.settings.market.update_days)
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, tickers, as_of)
        gaps = expected_store.first_gaps(connection, tickers, as_of - GAP_DAYS)
        changed = bar_store.oldest_revised(connection, tickers, as_of - window, as_of)
    requests = []
    for profile in profiles:
        stored = newest.get(profile.ticker)
        due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes)
        if due is None:
            continue
        has_recent_gap = profile.ticker in gaps and as_of - due <= _GAP_HOURS
        if stored is None or stored < due or has_recent_gap:
            since = min(as_of, stored or as_of) - window
            revised = max(changed.get(profile.ticker, since), as_of - GAP_DAYS)
            requests.append(BarRequest(profile, min(since, revised, gaps.get(profile.ticker, since))))
    return requests


def expected_days(requests: Sequence[BarRequest], as_of: datetime) -> pd.DataFrame:
    """The days that requests cover, with the bars due on each; the incomplete day of ``since`` is left out."""
    days_of: dict[tuple[str, str, int, datetime], pd.DataFrame] = {}
    parts = []
    for request in requests:
        profile = request.profile
        key = (profile.calendar, profile.timezone, profile.feed_delay_minutes, request.since)
        if key not in days_of:
            days_of[key] = _days_due(*key, as_of)
        parts.append(days_of[key].assign(ticker=profile.ticker))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _days_due(calendar: str, timezone: str, delay_minutes: int, since: datetime, as_of: datetime) -> pd.DataFrame:
    grid = sessions.bar_grid(calendar, since, as_of)
    due = grid[grid["closed_at"] + pd.Timedelta(minutes=delay_minutes) <= as_of]
    days = due["opened_at"].dt.tz_convert(timezone).dt.date
    is_whole = days > pd.Timestamp(since).tz_convert(timezone).date()
    grouped = due[is_whole].groupby(days[is_whole].rename("day_exchange"))
    summed: pd.DataFrame = grouped.agg(
        first_opened_at=("opened_at", "min"), last_closed_at=("closed_at", "max"), expected_count=("opened_at", "size")
    )
    return summed.reset_index()
