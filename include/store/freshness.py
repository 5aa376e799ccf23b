"""Whether a ticker's data still comes: what moves it between active, stale and failed, and back.

A person's decisions (onboarding, retiring) are ``registry.py``'s; these are the data's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from include.contracts import TickerStatus, require_utc
from include.store.engine import Connection, execute


def set_freshness(
    connection: Connection,
    as_of: datetime,
    statuses: Mapping[str, tuple[TickerStatus, str | None]],
) -> int:
    """Moves tickers that were onboarded between active, stale and failed; the count of those that changed.

    A rerun of an hour older than a ticker's newest change leaves it alone, and so does saying the same again.
    """
    return execute(
        connection,
        """
        update forecast.ticker as stored
        set status = given.status, status_reason = given.reason, status_at = :as_of
        from unnest(cast(:tickers as text[]), cast(:statuses as text[]), cast(:reasons as text[]))
            as given (ticker, status, reason)
        where stored.ticker = given.ticker
            and stored.activated_as_of < :as_of and stored.retired_as_of is null
            and stored.status in ('active', 'stale', 'failed') and stored.status_at <= :as_of
            and (
                stored.status <> given.status
                or (given.status <> 'active' and stored.status_reason is distinct from given.reason)
            )
        """,
        {
            "as_of": require_utc(as_of, "as_of"),
            "tickers": list(statuses),
            "statuses": [status.value for status, _ in statuses.values()],
            "reasons": [reason for _, reason in statuses.values()],
        },
    )
