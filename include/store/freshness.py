"""How fresh each ticker's bars were in an hour, what follows from it, and which forecasts the hour refreshes.

``registry.py`` stores the statuses that a person's requests lead to (onboarding, retiring).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from include.contracts import Freshness, TickerStatus, require_utc
from include.store.engine import Connection, execute, fetch_rows


def record_freshness(connection: Connection, as_of: datetime, found: Mapping[str, Freshness]) -> int:
    """Stores with an hour's plan how fresh its tickers' bars are; the count of rows that changed."""
    return execute(
        connection,
        """
        update forecast.outcome as stored
        set newest_closed_at = given.newest_closed_at, due_closed_at = given.due_closed_at,
            freshness = given.freshness, session_note = given.session_note, updated_at = now()
        from unnest(
            cast(:tickers as text[]), cast(:newest as timestamptz[]), cast(:due as timestamptz[]),
            cast(:statuses as text[]), cast(:notes as text[])
        ) as given (ticker, newest_closed_at, due_closed_at, freshness, session_note)
        where stored.as_of = :as_of
            and stored.ticker = given.ticker
            and (stored.newest_closed_at, stored.due_closed_at, stored.freshness, stored.session_note)
                is distinct from (given.newest_closed_at, given.due_closed_at, given.freshness, given.session_note)
        """,
        {
            "as_of": require_utc(as_of, "as_of"),
            "tickers": list(found),
            "newest": [item.newest_at for item in found.values()],
            "due": [item.due_at for item in found.values()],
            "statuses": [item.status.value for item in found.values()],
            "notes": [item.note for item in found.values()],
        },
    )


def set_freshness(
    connection: Connection,
    as_of: datetime,
    statuses: Mapping[str, tuple[TickerStatus, str | None]],
) -> int:
    """Sets tickers that were onboarded to active, stale or failed, with the reason; the count of those that changed.

    A ticker whose status changed after ``as_of`` is left unchanged, so that a rerun of an old hour changes nothing.
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


def record_refreshes(connection: Connection, as_of: datetime, tickers: Collection[str]) -> int:
    """Stores with an hour's plan which tickers' forecasts it refreshes without a new bar; the count of changed rows."""
    return execute(
        connection,
        """
        update forecast.outcome set is_refresh = true, updated_at = now()
        where as_of = :as_of and ticker = any(cast(:tickers as text[])) and not is_refresh
        """,
        {"as_of": require_utc(as_of, "as_of"), "tickers": sorted(tickers)},
    )


def unfetched_count(connection: Connection, as_of: datetime) -> int | None:
    """Number of the hour's tickers that wait for their bars; None if the hour has no plan."""
    rows = fetch_rows(
        connection,
        """
        select
            (select count(*) from forecast.outcome as o
             where o.as_of = h.as_of and o.stage = 'planned' and o.status = 'planned') as tickers
        from forecast.planned_hour as h where h.as_of = :as_of
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return int(rows[0]["tickers"]) if rows else None


def newest_hour_after(connection: Connection, as_of: datetime, within: timedelta) -> datetime | None:
    """The newest planned hour (UTC), if one was planned at most ``within`` after ``as_of`` (UTC); None otherwise."""
    (row,) = fetch_rows(
        connection,
        """
        select max(as_of) as newest_at from forecast.planned_hour
        where as_of > :as_of
        having min(as_of) <= cast(:as_of as timestamptz) + :within
        union all
        select null
        limit 1
        """,
        {"as_of": require_utc(as_of, "as_of"), "within": within},
    )
    newest_at: datetime | None = row["newest_at"]
    return newest_at
