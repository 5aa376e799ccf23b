"""How often a source may be asked, kept in Postgres, so that several workers together keep to one pace.

A token bucket that holds one token: every request takes the next free instant, 1 / per_second after the one before it,
whichever process took that. A rate limit that one process runs into stops all of them. Postgres' clock counts, and no
connection is held while a turn is waited for. It knows no request and no ticker.
"""

from __future__ import annotations

import time
from datetime import timedelta

from include.errors import MarketUnavailableError
from include.store.engine import Connection, Engine, execute, fetch_rows, transaction


class RequestBudget:
    """The budget of one source. Safe to use from several threads.

    ``longest_wait_seconds`` bounds the queue: whoever would have to wait longer is turned away at once.
    """

    def __init__(self, engine: Engine, source: str, per_second: float, longest_wait_seconds: float = 60.0) -> None:
        self._engine = engine
        self._source = source
        self._interval = timedelta(seconds=1.0 / per_second)
        self._longest = timedelta(seconds=longest_wait_seconds)

    def wait_for_turn(self) -> float:
        """Returns 0.0 when a request may be made; at once, with the seconds that are left, while nobody may ask.

        Raises:
            MarketUnavailableError: the queue is too long.
            StoreUnavailableError: Postgres cannot be asked.
        """
        with transaction(self._engine) as connection:
            wait = self._take(connection)
            blocked = self._blocked_for(connection) if wait is None else 0.0
        if blocked > 0:
            return blocked
        if wait is None:
            message = (
                f"{self._source}: requests are queued for more than {self._longest.total_seconds():.0f} s; "
                "there are too many workers for its pace."
            )
            raise MarketUnavailableError(message)
        if wait <= 0:
            return 0.0
        time.sleep(wait)
        with transaction(self._engine) as connection:  # another process may have been refused meanwhile
            return self._blocked_for(connection)

    def block(self, seconds: float) -> None:
        """Stops every process for so long; a longer stop that is in force already stays."""
        with transaction(self._engine) as connection:
            execute(
                connection,
                """
                insert into forecast.request_budget as stored (source, next_at, reopens_at)
                values (:source, clock_timestamp(), clock_timestamp() + :pause)
                on conflict (source) do update
                set reopens_at = greatest(stored.reopens_at, excluded.reopens_at)
                """,
                {"source": self._source, "pause": timedelta(seconds=seconds)},
            )

    def _take(self, connection: Connection) -> float | None:
        """Seconds until the turn that was taken; None where none was."""
        rows = fetch_rows(
            connection,
            """
            insert into forecast.request_budget as stored (source, next_at)
            values (:source, clock_timestamp() + :interval)
            on conflict (source) do update
            set next_at = greatest(stored.next_at, clock_timestamp()) + :interval
            where stored.reopens_at <= clock_timestamp()
                and stored.next_at <= clock_timestamp() + :longest
            returning extract(epoch from next_at - :interval - clock_timestamp()) as wait
            """,
            {"source": self._source, "interval": self._interval, "longest": self._longest},
        )
        return max(0.0, float(rows[0]["wait"])) if rows else None

    def _blocked_for(self, connection: Connection) -> float:
        (row,) = fetch_rows(
            connection,
            """
            select extract(epoch from greatest(reopens_at, clock_timestamp()) - clock_timestamp()) as seconds
            from forecast.request_budget
            where source = :source
            """,
            {"source": self._source},
        )
        return max(0.0, float(row["seconds"]))
