"""One ticker's history from its source into Postgres: bars, point in time, and their feature rows.

A backfill tells of years at once, and each bar counts as known since its feed told it, or told the one that confirmed
it: nobody had looked. Where somebody has looked, by an hour or by an earlier backfill, a second one must not tell the
past what it did not know: what is stored stays as it is, and what it changes or adds there is known from now on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from include.contracts import BarRequest, TickerFailure, TickerProfile
from include.pipeline import featuring, fetching
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import forecasts as forecast_store
from include.store.engine import Connection


def backfill(services: Services, profile: TickerProfile, since: datetime, as_of: datetime) -> TickerFailure | None:
    """Stores the bars from ``since`` on that are known at ``as_of``, and their features; else why there are none."""
    request = BarRequest(profile, since)
    fetched = services.sources[profile.source].fetch_bars([request], as_of)
    if fetched.failures:
        return fetched.failures[0]

    def dated(connection: Connection, bars: pd.DataFrame) -> pd.Series[Any]:
        stored = bar_store.load_bars(connection, [profile.ticker], as_of)["opened_at"]
        looked_at = forecast_store.newest_read_at(connection, profile.ticker)
        return _known_at(bars, profile.feed_delay_minutes, as_of, stored, looked_at)

    if not fetching.keep(services.engine, [request], fetched, as_of, dated):
        reason = f"{profile.source} has no bar since {since:%Y-%m-%d}"
        return TickerFailure(profile.ticker, reason, is_retryable=False)
    featuring.save_history_features(services.engine, profile, as_of)
    return None


def _known_at(
    bars: pd.DataFrame, delay_minutes: int, as_of: datetime, stored: pd.Series[Any], looked_at: datetime | None
) -> pd.Series[Any]:
    """From when on each bar counts as known.

    What an hour could have seen and did not, it did not know; nor what differs from the bar that is ``stored`` (those
    are given by when they opened) and that may have been read since.
    """
    told_at = bars["confirmed_at"] + timedelta(minutes=delay_minutes)
    is_late = bars["opened_at"].isin(stored)
    if looked_at is None:
        return told_at.mask(is_late, as_of)
    return told_at.mask(is_late | (told_at <= looked_at), max(as_of, looked_at + timedelta(microseconds=1)))
