"""Onboarding requests: the stage and the result of each requested ticker.

A request is identified by the id of its run; a second request with the same id changes nothing. The ticker's status
is in ``registry.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from include.contracts import Shard, require_utc
from include.store.engine import Connection, execute, fetch_rows
from include.store.registry import deal


class RequestStage(StrEnum):
    """The last completed stage of a requested ticker, in order."""

    REQUESTED = "requested"
    VALIDATED = "validated"
    BACKFILLED = "backfilled"
    TRAINED = "trained"
    FORECAST = "forecast"

    @property
    def rank(self) -> int:
        """Position in the order of the stages, 0 first."""
        return list(RequestStage).index(self)


_STAGES = [stage.value for stage in RequestStage]


@dataclass(frozen=True)
class RequestTicker:
    """One ticker of one request; ``result`` is None while it is in progress, ``shard_index`` until it is planned."""

    request_id: str
    ticker: str
    as_of: datetime
    source: str | None
    history_days: int
    stage: RequestStage
    result: str | None
    reason: str | None
    shard_index: int | None


def open_ticker(
    connection: Connection,
    request_id: str,
    ticker: str,
    *,
    as_of: datetime,
    source: str | None,
    history_days: int,
    requested_by: str | None = None,
) -> None:
    """Stores one ticker of a request (``as_of`` in UTC; ``requested_by`` a person); an existing one is not changed."""
    execute(
        connection,
        """
        insert into forecast.onboarding (request_id, ticker, as_of, source, history_days, requested_by)
        values (:request_id, :ticker, :as_of, :source, :history_days, :requested_by)
        on conflict do nothing
        """,
        {
            "request_id": request_id,
            "ticker": ticker,
            "as_of": require_utc(as_of, "as_of"),
            "source": source,
            "history_days": history_days,
            "requested_by": requested_by,
        },
    )


def in_progress(connection: Connection, within: timedelta) -> set[str]:
    """Tickers of requests in progress: those without a result whose row changed within the last ``within``.

    The time is measured by the database's clock, because it is about running processes and not about an as_of.
    """
    rows = fetch_rows(
        connection,
        """
        select distinct ticker
        from forecast.onboarding
        where result is null and updated_at > now() - cast(:within as interval)
        """,
        {"within": f"{within.total_seconds()} seconds"},
    )
    return {str(row["ticker"]) for row in rows}


def request_tickers(connection: Connection, request_id: str, shard_index: int | None = None) -> list[RequestTicker]:
    """The tickers of a request, or of one of its shards, by name."""
    rows = fetch_rows(
        connection,
        """
        select request_id, ticker, as_of, source, history_days, stage, result, reason, shard_index
        from forecast.onboarding
        where request_id = :request_id
            and (cast(:shard_index as integer) is null or shard_index = :shard_index)
        order by ticker
        """,
        {"request_id": request_id, "shard_index": shard_index},
    )
    return [RequestTicker(**{**row, "stage": RequestStage(row["stage"])}) for row in rows]


def plan_request(
    connection: Connection,
    request_id: str,
    as_of: datetime,
    shard_count: int,
    shard_minimum_tickers: int,
) -> list[Shard]:
    """Distributes the request's validated tickers without a result over shards; the shards, the same on a rerun."""
    moment = require_utc(as_of, "as_of")
    waiting = [
        item.ticker
        for item in request_tickers(connection, request_id)
        if item.stage is RequestStage.VALIDATED and item.result is None and item.shard_index is None
    ]
    planned = _planned_shards(connection, request_id, moment)
    places = deal(waiting, planned[0].count if planned else shard_count, 1 if planned else shard_minimum_tickers)
    execute(
        connection,
        """
        update forecast.onboarding as stored
        set shard_index = given.shard_index, shard_count = :shard_count, updated_at = now()
        from unnest(cast(:tickers as text[]), cast(:indexes as integer[])) as given (ticker, shard_index)
        where stored.request_id = :request_id and stored.ticker = given.ticker
        """,
        {
            "request_id": request_id,
            "tickers": list(places),
            "indexes": [index for index, _ in places.values()],
            "shard_count": planned[0].count if planned else max((count for _, count in places.values()), default=1),
        },
    )
    return _planned_shards(connection, request_id, moment)


def advance(connection: Connection, request_id: str, tickers: Sequence[str], stage: RequestStage) -> None:
    """Sets tickers of a request to ``stage``; a ticker that is further is not changed."""
    execute(
        connection,
        """
        update forecast.onboarding
        set stage = :stage, updated_at = now()
        where request_id = :request_id
            and ticker = any(cast(:tickers as text[]))
            and array_position(:stages, stage) < array_position(:stages, :stage)
        """,
        {"request_id": request_id, "tickers": list(tickers), "stage": stage.value, "stages": _STAGES},
    )


def remark(connection: Connection, request_id: str, reasons: Mapping[str, str]) -> None:
    """Stores a reason beside tickers of a request that are still in progress; the same reason changes nothing."""
    if not reasons:
        return
    execute(
        connection,
        """
        update forecast.onboarding as stored
        set reason = given.reason, updated_at = now()
        from unnest(cast(:tickers as text[]), cast(:reasons as text[])) as given (ticker, reason)
        where stored.request_id = :request_id
            and stored.ticker = given.ticker
            and stored.result is null
            and stored.reason is distinct from given.reason
        """,
        {"request_id": request_id, "tickers": list(reasons), "reasons": list(reasons.values())},
    )


def close(connection: Connection, request_id: str, ticker: str, result: str, reason: str | None) -> None:
    """Stores the result of a request's ticker and the reason; the same result again changes nothing."""
    execute(
        connection,
        """
        update forecast.onboarding
        set result = :result, reason = :reason, updated_at = now()
        where request_id = :request_id
            and ticker = :ticker
            and (result, reason) is distinct from (cast(:result as text), cast(:reason as text))
        """,
        {"request_id": request_id, "ticker": ticker, "result": result, "reason": reason},
    )


def _planned_shards(connection: Connection, request_id: str, as_of: datetime) -> list[Shard]:
    rows = fetch_rows(
        connection,
        """
        select distinct shard_index, shard_count from forecast.onboarding
        where request_id = :request_id and shard_index is not null
        order by shard_index
        """,
        {"request_id": request_id},
    )
    return [Shard(as_of=as_of, index=row["shard_index"], count=row["shard_count"]) for row in rows]


def tickers_without_model(connection: Connection, as_of: datetime, minimum_bars: int) -> list[str]:
    """Active tickers, by name, with a fallback in the hour and features of at least ``minimum_bars`` bars."""
    rows = fetch_rows(
        connection,
        """
        select outcome.ticker
        from forecast.outcome
        inner join forecast.ticker on ticker.ticker = outcome.ticker and ticker.status = 'active'
        cross join lateral (
            select count(*) as bars
            from (
                select distinct feature.closed_at from forecast.feature
                where feature.ticker = outcome.ticker and feature.known_at <= :as_of
                limit :minimum
            ) as counted
        ) as history
        where outcome.as_of = :as_of and outcome.status = 'fallback' and history.bars >= :minimum
        order by outcome.ticker
        """,
        {"as_of": require_utc(as_of, "as_of"), "minimum": minimum_bars},
    )
    return [row["ticker"] for row in rows]
