"""One ticker's history from its source into Postgres: bars, point in time, and their feature rows.

A backfill tells of years at once, and each bar counts as known since its feed told it: nobody had looked. Where
somebody has looked, a second backfill must not tell hours that are over what they did not know.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from include.contracts import BarRequest, TickerFailure, TickerProfile
from include.pipeline import featuring, fetching
from include.pipeline.services import Services
from include.store import forecasts as forecast_store
from include.store.engine import Connection


def backfill(services: Services, profile: TickerProfile, since: datetime, as_of: datetime) -> TickerFailure | None:
    """Stores the bars from ``since`` on that are known at ``as_of``, and their features; else why there are none."""
    request = BarRequest(profile, since)
    fetched = services.sources[profile.source].fetch_bars([request], as_of)
    if fetched.failures:
        return fetched.failures[0]

    def dated(connection: Connection, bars: pd.DataFrame) -> pd.Series[Any]:
        return _known_at(bars["closed_at"], profile, as_of, forecast_store.newest_read_at(connection, profile.ticker))

    if not fetching.keep(services.engine, [request], fetched, as_of, dated):
        reason = f"{profile.source} has no bar since {since:%Y-%m-%d}"
        return TickerFailure(profile.ticker, reason, is_retryable=False)
    featuring.save_history_features(services.engine, profile, as_of)
    return None


def _known_at(
    closed_at: pd.Series[Any], profile: TickerProfile, as_of: datetime, looked_at: datetime | None
) -> pd.Series[Any]:
    """From when on each bar counts as known: what an hour could have seen and did not, it did not know."""
    told_at = closed_at + timedelta(minutes=profile.feed_delay_minutes)
    if looked_at is None:
        return told_at
    return told_at.where(told_at > looked_at, max(as_of, looked_at + timedelta(microseconds=1)))
