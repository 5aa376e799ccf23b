"""The registry: the tracked tickers, the plan of each hour, and the outcome of each planned ticker.

The first run of an hour stores its plan and later runs read it. So a rerun has the same tickers in the same shards,
whatever was onboarded or retired since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from include.contracts import (
    Freshness,
    OutcomeStatus,
    PlannedTicker,
    Shard,
    Stage,
    TickerProfile,
    TickerStatus,
    TrackedTicker,
    require_utc,
)
from include.store.engine import Connection, execute, fetch_rows, upsert
from include.store.tables import OUTCOME

_PROFILE_COLUMNS = """
    ticker.ticker, ticker.source, ticker.calendar, ticker.timezone,
    ticker.currency, ticker.name, ticker.feed_delay_minutes
"""
_STAGES = [stage.value for stage in Stage]
_PLAN_LOCK = 4_801_967_322
"""Key of the advisory lock for planning: any number that is the same in all processes."""


def upsert_pending(
    connection: Connection,
    entries: Sequence[tuple[str, str, int]],
    reason: str | None,
    at: datetime,
) -> None:
    """Sets tickers, given as (ticker, source, history_days), to pending with a reason; an active one is unchanged."""
    execute(
        connection,
        """
        insert into forecast.ticker as stored (ticker, source, history_days, status, status_reason, status_at)
        select given.ticker, given.source, given.history_days, 'pending', :reason, :at
        from unnest(cast(:tickers as text[]), cast(:sources as text[]), cast(:days as integer[]))
            as given (ticker, source, history_days)
        on conflict (ticker) do update
        set source = excluded.source, history_days = excluded.history_days,
            status = excluded.status, status_reason = excluded.status_reason, status_at = excluded.status_at
        where stored.status <> 'active'
        """,
        {
            "tickers": [ticker for ticker, _, _ in entries],
            "sources": [source for _, source, _ in entries],
            "days": [days for _, _, days in entries],
            "reason": reason,
            "at": require_utc(at, "at"),
        },
    )


def get_tickers(
    connection: Connection,
    tickers: Sequence[str] | None = None,
    statuses: Collection[TickerStatus] | None = None,
) -> list[TrackedTicker]:
    """All tickers that were ever requested, by name; with ``tickers`` or ``statuses``, only those."""
    rows = fetch_rows(
        connection,
        f"""
        select {_PROFILE_COLUMNS}, ticker.status, ticker.status_reason, ticker.history_days
        from forecast.ticker
        where (:is_any_ticker or ticker.ticker = any(cast(:tickers as text[])))
            and (:is_any_status or ticker.status = any(cast(:statuses as text[])))
        order by ticker.ticker
        """,  # noqa: S608  # a constant
        {
            "is_any_ticker": tickers is None,
            "tickers": list(tickers or ()),
            "is_any_status": statuses is None,
            "statuses": [status.value for status in statuses or ()],
        },
    )
    return [
        TrackedTicker(
            ticker=row["ticker"],
            source=row["source"],
            status=TickerStatus(row["status"]),
            status_reason=row["status_reason"],
            history_days=row["history_days"],
            profile=_profile(row) if row["calendar"] is not None else None,
        )
        for row in rows
    ]


def set_status(
    connection: Connection,
    ticker: str,
    status: TickerStatus,
    reason: str | None,
    at: datetime,
) -> None:
    """Sets a ticker's status and reason at ``at`` (UTC); the same values again do not change its time."""
    execute(
        connection,
        """
        update forecast.ticker
        set status = :status, status_reason = :reason, status_at = :at
        where ticker = :ticker
            and (status, status_reason) is distinct from (cast(:status as text), cast(:reason as text))
        """,
        {"ticker": ticker, "status": status.value, "reason": reason, "at": require_utc(at, "at")},
    )


def set_profile(connection: Connection, profile: TickerProfile) -> None:
    """Stores a ticker's profile; a profile from another source than the ticker's has no effect."""
    execute(
        connection,
        """
        update forecast.ticker
        set calendar = :calendar, timezone = :timezone, currency = :currency, name = :name,
            feed_delay_minutes = :feed_delay_minutes
        where ticker = :ticker and source = :source
        """,
        vars(profile),
    )


def activate(connection: Connection, tickers: Sequence[str], as_of: datetime) -> None:
    """Sets tickers to active: hours after ``as_of`` (UTC) plan them. A ticker that is active is not changed."""
    execute(
        connection,
        """
        update forecast.ticker
        set status = 'active', status_reason = null, status_at = :as_of,
            onboarded_as_of = coalesce(onboarded_as_of, :as_of), activated_as_of = :as_of, retired_as_of = null
        where ticker = any(cast(:tickers as text[])) and status <> 'active'
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )


def retire(connection: Connection, tickers: Sequence[str], as_of: datetime) -> list[str]:
    """Sets tickers to retired: hours after ``as_of`` (UTC) omit them, stored rows stay. Returns the changed ones."""
    rows = fetch_rows(
        connection,
        """
        update forecast.ticker
        set status = 'retired', status_reason = null, status_at = :as_of, retired_as_of = :as_of
        where ticker = any(cast(:tickers as text[])) and status <> 'retired'
        returning ticker
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return sorted(row["ticker"] for row in rows)


def plan_hour(
    connection: Connection,
    as_of: datetime,
    shard_count: int,
    shard_minimum_tickers: int,
) -> list[Shard]:
    """The shards of the hour ``as_of`` (UTC); its first run stores them with their tickers. Empty without tickers.

    The plan has the tickers that were activated before ``as_of`` and not retired by then. A plan without tickers stays
    without, whatever was activated since.
    """
    given = {"as_of": require_utc(as_of, "as_of")}
    execute(connection, "select pg_advisory_xact_lock(:number)", {"number": _PLAN_LOCK})  # two first runs: one plan
    if execute(connection, "insert into forecast.planned_hour (as_of) values (:as_of) on conflict do nothing", given):
        tracked = fetch_rows(
            connection,
            """
            select ticker, source from forecast.ticker
            where activated_as_of < :as_of and (retired_as_of is null or retired_as_of > :as_of)
            order by ticker
            """,
            given,
        )
        sources = {row["ticker"]: row["source"] for row in tracked}
        places = deal(sorted(sources), shard_count, shard_minimum_tickers)
        rows = [
            (as_of, ticker, sources[ticker], index, count, Stage.PLANNED.value, OutcomeStatus.PLANNED.value, None)
            for ticker, (index, count) in places.items()
        ]
        upsert(connection, OUTCOME, rows)
    return _planned_shards(connection, as_of)


def deal(tickers: Sequence[str], shard_count: int, shard_minimum_tickers: int) -> dict[str, tuple[int, int]]:
    """Distributes tickers in turn over at most ``shard_count`` shards; ticker -> (shard index, number of shards).

    Each shard has at least ``shard_minimum_tickers`` tickers, unless there is only one shard.
    """
    count = min(shard_count, max(1, len(tickers) // shard_minimum_tickers))
    return {ticker: (position % count, count) for position, ticker in enumerate(tickers)}


def planned_tickers(connection: Connection, shard: Shard) -> list[PlannedTicker]:
    """The planned tickers of a shard, by name, with stage and outcome."""
    rows = fetch_rows(
        connection,
        f"""
        select {_PROFILE_COLUMNS}, outcome.stage, outcome.status, outcome.reason,
            outcome.newest_closed_at, outcome.due_closed_at, outcome.freshness, outcome.session_note,
            outcome.is_refresh
        from forecast.outcome
        inner join forecast.ticker using (ticker)
        where outcome.as_of = :as_of and outcome.shard_index = :index
        order by outcome.ticker
        """,  # noqa: S608  # a constant
        {"as_of": require_utc(shard.as_of, "as_of"), "index": shard.index},
    )
    return [
        PlannedTicker(
            as_of=shard.as_of,
            profile=_profile(row),
            stage=Stage(row["stage"]),
            status=OutcomeStatus(row["status"]),
            reason=row["reason"],
            freshness=_freshness(row),
            is_refresh=row["is_refresh"],
        )
        for row in rows
    ]


def advance(connection: Connection, as_of: datetime, tickers: Sequence[str], stage: Stage) -> None:
    """Sets planned tickers to ``stage``; a later stage is kept. A failed ticker gets the status planned again."""
    execute(
        connection,
        """
        update forecast.outcome
        set stage = case when array_position(:stages, stage) < array_position(:stages, :stage)
                then :stage else stage end,
            status = case when status = 'failed' then 'planned' else status end,
            reason = case when status = 'failed' then null else reason end,
            updated_at = now()
        where as_of = :as_of
            and ticker = any(cast(:tickers as text[]))
            and (array_position(:stages, stage) < array_position(:stages, :stage) or status = 'failed')
        """,
        {"as_of": require_utc(as_of, "as_of"), "tickers": list(tickers), "stage": stage.value, "stages": _STAGES},
    )


def record_outcomes(
    connection: Connection,
    as_of: datetime,
    outcomes: Mapping[str, tuple[OutcomeStatus, str | None]],
) -> int:
    """Stores the outcome of planned tickers and the reason; the count of rows that changed."""
    return execute(
        connection,
        """
        update forecast.outcome as stored
        set status = given.status, reason = given.reason, updated_at = now()
        from unnest(cast(:tickers as text[]), cast(:statuses as text[]), cast(:reasons as text[]))
            as given (ticker, status, reason)
        where stored.as_of = :as_of
            and stored.ticker = given.ticker
            and (stored.status, stored.reason) is distinct from (given.status, given.reason)
        """,
        {
            "as_of": require_utc(as_of, "as_of"),
            "tickers": list(outcomes),
            "statuses": [status.value for status, _ in outcomes.values()],
            "reasons": [reason for _, reason in outcomes.values()],
        },
    )


def hour_summary(connection: Connection, as_of: datetime) -> dict[OutcomeStatus, int]:
    """Number of the hour's tickers by status; statuses without a ticker are absent."""
    rows = fetch_rows(
        connection,
        """
        select status, count(*) as tickers from forecast.outcome
        where as_of = :as_of
        group by status
        order by status
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return {OutcomeStatus(row["status"]): row["tickers"] for row in rows}


def hour_results(connection: Connection, as_of: datetime) -> dict[str, dict[str, str]]:
    """The hour's outcomes: status -> ticker -> reason, which may be empty; tickers by name."""
    rows = fetch_rows(
        connection,
        """
        select status, ticker, coalesce(reason, '') as reason from forecast.outcome
        where as_of = :as_of
        order by ticker
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    results: dict[str, dict[str, str]] = {}
    for row in rows:
        results.setdefault(row["status"], {})[row["ticker"]] = row["reason"]
    return results


def _planned_shards(connection: Connection, as_of: datetime) -> list[Shard]:
    rows = fetch_rows(
        connection,
        """
        select distinct shard_index, shard_count from forecast.outcome
        where as_of = :as_of
        order by shard_index
        """,
        {"as_of": as_of},
    )
    return [Shard(as_of=as_of, index=row["shard_index"], count=row["shard_count"]) for row in rows]


def _freshness(row: Mapping[str, Any]) -> Freshness | None:
    if row["freshness"] is None:
        return None
    return Freshness(row["newest_closed_at"], row["due_closed_at"], TickerStatus(row["freshness"]), row["session_note"])


def _profile(row: Mapping[str, Any]) -> TickerProfile:
    return TickerProfile(
        ticker=row["ticker"],
        source=row["source"],
        calendar=row["calendar"],
        timezone=row["timezone"],
        currency=row["currency"],
        name=row["name"],
        feed_delay_minutes=row["feed_delay_minutes"],
    )
