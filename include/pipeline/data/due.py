"""What is due: which bars to request from a source, and which bars of a response's days were due by the calendar.

Every update requests the last days again, to find revisions, and older days while bars of them are missing. Where next:
``fetching.py`` sends the requests, ``storing.py`` stores the responses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

import pandas as pd

from include.contracts import BarRequest, TickerProfile
from include.market import closings, sessions
from include.market.calendar_definitions import calendars_file
from include.pipeline.data.feeds import Feed, feeds_at
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import expected as expected_store
from include.store import scale_questions as question_store
from include.store.engine import Connection, transaction

GAP_DAYS: Final = timedelta(days=30)
"""How long a missing bar is requested again; Yahoo has filled gaps days later."""
_GAP_HOURS: Final = timedelta(hours=4)
"""How long after the newest due bar a gap alone causes a request. Bars that a response at the end of a session lacked
are available by then. What is still missing is requested again with the next session's first bar."""
_INSTANT: Final = timedelta(microseconds=1)


def due_requests(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> list[BarRequest]:
    """One request for each ticker that is due: by its calendar, a bar newer than the stored ones has closed.

    A request begins ``update_days`` before the newest stored bar. It begins earlier if an older bar is missing, or if
    an older bar was revised within those days, since a revision may be undone. A ticker is also due in the hours
    after its newest bar if an older bar is missing. If the scale of its older bars is in doubt, all are requested. A
    closing bar that the ticker's feed never served before this hour is not due.
    """
    window = timedelta(days=services.settings.market.update_days)
    tickers = [profile.ticker for profile in profiles]
    before = as_of - _INSTANT  # so that a rerun, which finds this hour's bars stored, plans as the hour did
    with transaction(services.engine) as connection:
        newest = bar_store.newest_closed_at(connection, tickers, as_of)
        gaps = expected_store.first_gaps(connection, tickers, as_of - GAP_DAYS, before)
        changed = bar_store.oldest_revised(connection, tickers, as_of - window, as_of)
        feeds = feeds_at(connection, profiles, before)
        shifts = question_store.open_questions(connection, tickers, before, question_store.SHIFT)
        oldest = bar_store.first_opened_at(connection, sorted({question.ticker for question in shifts}), as_of)
    requests = []
    for profile in profiles:
        stored = newest.get(profile.ticker)
        unserved = feeds[profile.ticker].unserved
        due = sessions.last_closed(profile.calendar, as_of, profile.feed_delay_minutes, unserved)
        if due is None:
            continue
        has_recent_gap = profile.ticker in gaps and as_of - due <= _GAP_HOURS
        is_doubtful = profile.ticker in oldest and as_of - due <= _GAP_HOURS
        if stored is None or stored < due or has_recent_gap or is_doubtful:
            since = min(as_of, stored or as_of) - window
            revised = max(changed.get(profile.ticker, since), as_of - GAP_DAYS)
            older = [starts[profile.ticker] for starts in (gaps, oldest) if profile.ticker in starts]
            requests.append(BarRequest(profile, min([since, revised, *older])))
    return requests


def expected_days(connection: Connection, requests: Sequence[BarRequest], as_of: datetime) -> pd.DataFrame:
    """The days that requests cover, with the number of bars on each that were due and that the feed can serve.

    The incomplete day of ``since`` is left out. The feeds are those that the bars known at ``as_of`` show.
    """
    if not requests:
        return pd.DataFrame()
    since = min(request.since for request in requests)
    feeds = feeds_at(connection, [request.profile for request in requests], as_of, since)
    parts = []
    for request in requests:
        profile = request.profile
        what = (profile.calendar, profile.timezone, profile.feed_delay_minutes, request.since)
        parts.append(_days_due(*what, as_of, feeds[profile.ticker], calendars_file()).assign(ticker=profile.ticker))
    return pd.concat(parts, ignore_index=True)


@lru_cache(maxsize=64)
def _days_due(
    calendar: str, timezone: str, delay_minutes: int, since: datetime, as_of: datetime, feed: Feed, _path: Path | None
) -> pd.DataFrame:
    """``expected_days`` of one request; the same for most tickers of a calendar, which a backfill requests singly."""
    grid = sessions.bar_grid(calendar, since, as_of)
    due = grid[grid["closed_at"] + pd.Timedelta(minutes=delay_minutes) <= as_of]
    served = closings.expected_bars(calendar, since, as_of, feed.unserved, feed.opened_at)
    due = due.assign(is_served=due["opened_at"].isin(served["opened_at"]))
    days = due["opened_at"].dt.tz_convert(timezone).dt.date
    is_whole = days > pd.Timestamp(since).tz_convert(timezone).date()
    grouped = due[is_whole].groupby(days[is_whole].rename("day_exchange"))
    summed: pd.DataFrame = grouped.agg(
        first_opened_at=("opened_at", "min"), last_closed_at=("closed_at", "max"), expected_count=("is_served", "sum")
    )
    return summed.reset_index()
