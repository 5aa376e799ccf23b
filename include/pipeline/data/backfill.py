"""One ticker's history from its source into Postgres: point-in-time bars and their feature rows.

Where next: ``known_at.py`` for the instant from which on each bar of a history counts as known.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from structlog.contextvars import bound_contextvars

from include.contracts import BarRequest, TickerFailure, TickerProfile
from include.pipeline.data import featuring, nights, storing
from include.pipeline.data.known_at import BackfillKnownAt
from include.pipeline.services import Services
from include.store import bars as bar_store
from include.store import forecasts as forecast_store
from include.store.engine import Connection, transaction

_LOG: Final = logging.getLogger(__name__)


def backfill(services: Services, profile: TickerProfile, since: datetime, as_of: datetime) -> TickerFailure | None:
    """Stores the bars from ``since`` on known at ``as_of``, their features, and the last weeks' prices of nights.

    Returns a failure if there are no bars. Without the nights a ticker is refreshed from its first hour's night on.
    """
    request = BarRequest(profile, since)
    fetched = services.sources[profile.source].fetch_bars([request], as_of)
    if fetched.failures:
        return fetched.failures[0]

    def known_at(connection: Connection) -> BackfillKnownAt:
        stored = bar_store.load_bars(connection, [profile.ticker], as_of)["opened_at"]
        last_read_at = forecast_store.newest_read_at(connection, profile.ticker)
        return BackfillKnownAt(as_of, profile.feed_delay_minutes, stored, last_read_at)

    if not storing.keep(services.engine, [request], fetched, as_of, known_at):
        reason = _why_none(services, profile, len(fetched.bars), since)
        return TickerFailure(profile.ticker, reason, is_retryable=False)
    featuring.save_history_features(services.engine, profile, as_of)
    if problem := nights.backfill(services, profile, as_of):
        with bound_contextvars(ticker=profile.ticker):
            _LOG.warning("%s: the prices of its past nights are not known: %s", profile.ticker, problem)
    return None


def _why_none(services: Services, profile: TickerProfile, bar_count: int, since: datetime) -> str:
    """Why no bar of a history was stored: there was none, or the checks rejected them all."""
    if not bar_count:
        return f"{profile.source} has no bar since {since:%Y-%m-%d}"
    with transaction(services.engine) as connection:
        counts = bar_store.count_rejections(connection, profile.ticker)
    found = ", ".join(f"{reason} ({count})" for reason, count in counts.items()) or "outdated"
    return f"none of the {bar_count} bars of {profile.source} since {since:%Y-%m-%d} passed the checks: {found}"
