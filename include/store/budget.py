"""The request rate of a source, shared by all processes through Postgres.

A token bucket of size one: each request reserves the next free instant, 1 / per_second seconds after the previous one,
whichever process made that. A repeated request reserves an instant only while no other request waits for one, so the
first requests of all processes come before it. If the source refuses a request of one process, all of them stop. Times
are by the database's clock. No connection is held while a process waits.
"""

from __future__ import annotations

import time
from datetime import timedelta
from random import SystemRandom
from typing import Final

from include.errors import MarketUnavailableError
from include.store.engine import Connection, Engine, execute, fetch_rows, transaction

_NO_QUEUE: Final = timedelta(0)
_SHORTEST_PAUSE_SECONDS: Final = 0.05

_random = SystemRandom()


class RequestBudget:
    """The budget of one source. Safe to use from several threads.

    ``longest_wait_seconds`` limits the queue: a request that would have to wait longer fails at once.
    """

    def __init__(self, engine: Engine, source: str, per_second: float, longest_wait_seconds: float = 60.0) -> None:
        self._engine = engine
        self._source = source
        self._interval = timedelta(seconds=1.0 / per_second)
        self._longest = timedelta(seconds=longest_wait_seconds)

    def wait_for_turn(self, *, is_repeat: bool = False) -> float:
        """Waits for a free instant and returns 0.0; returns at once the seconds left while the source is blocked.

        A repeated request waits until no other one is queued, but at most ``longest_wait_seconds``; then it queues too.

        Raises:
            MarketUnavailableError: the queue is too long.
            StoreUnavailableError: Postgres cannot be reached.
        """
        wait, blocked = self._try_without_queue() if is_repeat else (None, 0.0)
        if wait is None and blocked <= 0:
            wait, blocked = self._try(self._longest)
        if blocked > 0:
            return blocked
        if wait is None:
            message = (
                f"{self._source}: requests are queued for more than {self._longest.total_seconds():.0f} s; "
                "there are too many workers for its rate limit."
            )
            raise MarketUnavailableError(message)
        return self._sleep_until(wait)

    def _try_without_queue(self) -> tuple[float | None, float]:
        """As ``_try``, again and again while other requests are queued, for at most the longest wait."""
        ends_at = time.monotonic() + self._longest.total_seconds()
        wait, blocked = self._try(_NO_QUEUE)
        while wait is None and blocked <= 0 and time.monotonic() < ends_at:
            time.sleep(max(_SHORTEST_PAUSE_SECONDS, self._interval.total_seconds() * _random.uniform(0.25, 0.5)))
            wait, blocked = self._try(_NO_QUEUE)
        return wait, blocked

    def _try(self, longest: timedelta) -> tuple[float | None, float]:
        """Seconds until the reserved instant, None if the queue is longer than ``longest``; seconds of a block."""
        with transaction(self._engine) as connection:
            wait = self._take(connection, longest)
            return wait, self._blocked_for(connection) if wait is None else 0.0

    def _sleep_until(self, wait: float) -> float:
        """Waits for the reserved instant; the seconds left of a block that began meanwhile."""
        if wait <= 0:
            return 0.0
        time.sleep(wait)
        with transaction(self._engine) as connection:  # another process may have blocked the source meanwhile
            return self._blocked_for(connection)

    def block(self, seconds: float) -> None:
        """Blocks the source for all processes for ``seconds``; a block that ends later is kept."""
        with transaction(self._engine) as connection:
            execute(
                connection,
                """
                insert into forecast.request_budget as stored (source, next_at, reopens_at, block_count)
                values (:source, clock_timestamp(), clock_timestamp() + :pause, 1)
                on conflict (source) do update
                set reopens_at = greatest(stored.reopens_at, excluded.reopens_at),
                    block_count = stored.block_count + 1
                """,
                {"source": self._source, "pause": timedelta(seconds=seconds)},
            )

    def _take(self, connection: Connection, longest: timedelta) -> float | None:
        """Seconds until the reserved instant; None if none was reserved."""
        rows = fetch_rows(
            connection,
            """
            insert into forecast.request_budget as stored (source, next_at, request_count)
            values (:source, clock_timestamp() + :interval, 1)
            on conflict (source) do update
            set next_at = greatest(stored.next_at, clock_timestamp()) + :interval,
                request_count = stored.request_count + 1,
                wait_seconds = stored.wait_seconds
                    + extract(epoch from greatest(stored.next_at, clock_timestamp()) - clock_timestamp())
            where stored.reopens_at <= clock_timestamp()
                and stored.next_at <= clock_timestamp() + :longest
            returning extract(epoch from next_at - :interval - clock_timestamp()) as wait
            """,
            {"source": self._source, "interval": self._interval, "longest": longest},
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
