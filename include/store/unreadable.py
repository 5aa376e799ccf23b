"""Marks on model versions whose weights an hour could not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.contracts import ModelRef, require_utc
from include.store.engine import Connection, execute, fetch_rows


@dataclass(frozen=True)
class PassedOver:
    """A version that could not be read when the hour's version was made: its ``as_of`` (UTC) and the reason.

    ``made_kind`` is the kind of the hour's version, and ``parent_at`` the instant of its parent (UTC; None if that
    is no version of the ticker).
    """

    ticker: str
    as_of: datetime
    reason: str
    made_kind: str
    parent_at: datetime | None


def mark_unreadable(connection: Connection, found: Sequence[tuple[ModelRef, str]], as_of: datetime) -> int:
    """Marks versions as unreadable from ``as_of`` (UTC) on, with the reason; the count of new marks."""
    return execute(
        connection,
        """
        update forecast.model_version as stored
        set unreadable_at = :as_of, unreadable_reason = found.reason
        from unnest(cast(:tickers as text[]), cast(:versions as text[]), cast(:reasons as text[]))
            as found (ticker, model_version, reason)
        where stored.ticker = found.ticker and stored.model_version = found.model_version
            and stored.unreadable_at is null
        """,
        {
            "as_of": require_utc(as_of, "as_of"),
            "tickers": [ref.ticker for ref, _ in found],
            "versions": [ref.model_version for ref, _ in found],
            "reasons": [reason for _, reason in found],
        },
    )


def mark_readable(connection: Connection, refs: Sequence[ModelRef]) -> int:
    """Removes the marks of versions that can be read again; the count of marks."""
    return execute(
        connection,
        """
        update forecast.model_version as stored
        set unreadable_at = null, unreadable_reason = null
        from unnest(cast(:tickers as text[]), cast(:versions as text[])) as found (ticker, model_version)
        where stored.ticker = found.ticker and stored.model_version = found.model_version
            and stored.unreadable_at is not null
        """,
        {"tickers": [ref.ticker for ref in refs], "versions": [ref.model_version for ref in refs]},
    )


def passed_over(connection: Connection, tickers: Sequence[str], as_of: datetime) -> list[PassedOver]:
    """The versions newer than the parent of the hour's version that this hour could not read, newest first."""
    rows = fetch_rows(
        connection,
        """
        select lost.ticker, lost.as_of, lost.unreadable_reason as reason, made.kind as made_kind,
            parent.as_of as parent_at
        from forecast.model_version as lost
        inner join forecast.model_version as made
            on made.ticker = lost.ticker and made.as_of = :as_of and made.as_of > lost.as_of
        left join forecast.model_version as parent
            on parent.ticker = made.ticker and parent.model_version = made.parent_version
        where lost.ticker = any(:tickers) and lost.unreadable_at = :as_of
            and (parent.as_of is null or parent.as_of <= lost.as_of)
        order by lost.as_of desc, lost.ticker
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return [PassedOver(**row) for row in rows]
