"""Readings and features that later ones have superseded, and that no hour from an instant on can read."""

from __future__ import annotations

from datetime import datetime

from include.contracts import require_utc
from include.store.engine import Connection, execute


def remove_superseded(connection: Connection, until: datetime) -> int:
    """Removes the rows of bars and features that were superseded before ``until`` (UTC); the count of rows.

    A run as of ``until`` or later reads the same as before.
    """
    moment = {"until": require_utc(until, "until")}
    bar_count = execute(connection, "delete from forecast.bar_revision where superseded_at < :until", moment)
    feature_count = execute(
        connection,
        """
        delete from forecast.feature as older
        using forecast.feature as newer
        where newer.ticker = older.ticker and newer.closed_at = older.closed_at
            and newer.known_at > older.known_at and newer.known_at < :until
        """,
        moment,
    )
    return bar_count + feature_count
