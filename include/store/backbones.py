"""Backbones pre-trained here: each request, its result, and the backbone in use at an instant.

A request is identified by the id of its run; a second request with the same id changes nothing. The backbone of an
hour is stored with the hour's plan. A rerun of the hour uses the same one, whatever was promoted since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows

_COLUMNS = """
    request_id, as_of, cutoff_at, tickers, simulated_count, seed, present_version,
    model_version, bar_count, code_version, scores, is_promoted, reason, taught_since_at
"""


@dataclass(frozen=True)
class BackboneRow:
    """One request and its result; fields of a step that has not run yet are None.

    Training uses bars that closed before ``cutoff_at``, the scores those from then to ``as_of`` (both UTC).
    ``present_version`` is the backbone that the new one must match; None is the shipped one.
    """

    request_id: str
    as_of: datetime
    cutoff_at: datetime
    tickers: Sequence[str]
    simulated_count: int
    seed: int
    present_version: str | None
    model_version: str | None = None
    bar_count: int | None = None
    code_version: str | None = None
    scores: Mapping[str, Any] | None = None
    is_promoted: bool = False
    reason: str | None = None
    taught_since_at: datetime | None = None
    """Training windows end at bars that closed from then on (UTC); None for no such limit."""


def find_backbone(connection: Connection, request_id: str) -> BackboneRow | None:
    """The request with this id and its result; None if there is no such request."""
    rows = fetch_rows(
        connection,
        f"select {_COLUMNS} from forecast.backbone where request_id = :request_id",  # noqa: S608  # a constant
        {"request_id": request_id},
    )
    return BackboneRow(**rows[0]) if rows else None


def all_backbones(connection: Connection) -> list[BackboneRow]:
    """Every request and its result, in the order of their instants."""
    rows = fetch_rows(
        connection,
        f"select {_COLUMNS} from forecast.backbone order by as_of, request_id",  # noqa: S608  # a constant
    )
    return [BackboneRow(**row) for row in rows]


def open_backbone(connection: Connection, row: BackboneRow) -> None:
    """Stores a new request; an existing one with the same id is not changed."""
    execute(
        connection,
        """
        insert into forecast.backbone
            (request_id, as_of, cutoff_at, taught_since_at, tickers, simulated_count, seed, present_version)
        values (:request_id, :as_of, :cutoff_at, :taught_since_at, cast(:tickers as text[]), :simulated_count, :seed,
            :present_version)
        on conflict do nothing
        """,
        {
            "request_id": row.request_id,
            "as_of": require_utc(row.as_of, "as_of"),
            "cutoff_at": require_utc(row.cutoff_at, "cutoff_at"),
            "taught_since_at": row.taught_since_at and require_utc(row.taught_since_at, "taught_since_at"),
            "tickers": list(row.tickers),
            "simulated_count": row.simulated_count,
            "seed": row.seed,
            "present_version": row.present_version,
        },
    )


def set_trained(connection: Connection, request_id: str, model_version: str, bar_count: int, code_version: str) -> None:
    """Stores the weights that a request's training gave; other weights than the stored ones clear the scores."""
    execute(
        connection,
        """
        delete from forecast.backbone_score using forecast.backbone
        where backbone_score.request_id = :request_id and backbone.request_id = :request_id
            and backbone.model_version is distinct from :model_version
        """,
        {"request_id": request_id, "model_version": model_version},
    )
    execute(
        connection,
        """
        update forecast.backbone
        set model_version = :model_version, bar_count = :bar_count, code_version = :code_version,
            scores = null, is_promoted = false, reason = null, promoted_at = null, updated_at = now()
        where request_id = :request_id and model_version is distinct from :model_version
        """,
        {
            "request_id": request_id,
            "model_version": model_version,
            "bar_count": bar_count,
            "code_version": code_version,
        },
    )


def set_scores(connection: Connection, request_id: str, scores: Mapping[str, float]) -> None:
    """Stores the scores of a request's weights; the same scores again change nothing."""
    execute(
        connection,
        """
        update forecast.backbone set scores = cast(:scores as jsonb), updated_at = now()
        where request_id = :request_id and scores is distinct from cast(:scores as jsonb)
        """,
        {"request_id": request_id, "scores": json.dumps(scores)},
    )


def decide(connection: Connection, request_id: str, reason: str, *, is_promoted: bool) -> None:
    """Stores whether a request's backbone may be used, and the reason; the same decision again changes nothing."""
    execute(
        connection,
        """
        update forecast.backbone
        set is_promoted = :is_promoted, reason = :reason, updated_at = now(),
            promoted_at = case when :is_promoted then now() end
        where request_id = :request_id
            and (is_promoted, reason) is distinct from (cast(:is_promoted as boolean), cast(:reason as text))
        """,
        {"request_id": request_id, "is_promoted": is_promoted, "reason": reason},
    )


def settle_backbone(connection: Connection, as_of: datetime, model_version: str | None, *, is_shipped: bool) -> None:
    """Stores the backbone in use at ``as_of`` (UTC), None for none; an earlier choice for this instant is kept."""
    execute(
        connection,
        """
        insert into forecast.backbone_choice (as_of, model_version, is_shipped)
        values (:as_of, :model_version, :is_shipped)
        on conflict do nothing
        """,
        {"as_of": require_utc(as_of, "as_of"), "model_version": model_version, "is_shipped": is_shipped},
    )


def backbones_at(connection: Connection, as_of: datetime) -> list[str]:
    """Versions of the backbone trained here that is in use at ``as_of`` (UTC), then of older ones to fall back on.

    The stored choice of an hour or a request comes first; without one it is the newest promoted backbone. The list is
    empty if none is in use or if it is the shipped one.
    """
    promoted = _promoted(connection, as_of)
    settled = fetch_rows(
        connection,
        "select model_version, is_shipped from forecast.backbone_choice where as_of = :as_of",
        {"as_of": require_utc(as_of, "as_of")},
    )
    if not settled:
        return promoted
    chosen = settled[0]["model_version"]
    if chosen is None or settled[0]["is_shipped"]:
        return []
    older = promoted[promoted.index(chosen) + 1 :] if chosen in promoted else []
    return [str(chosen), *older]


def is_without_backbone(connection: Connection, as_of: datetime) -> bool:
    """Whether the plan of the hour or the request of ``as_of`` stored that no backbone was in use."""
    rows = fetch_rows(
        connection,
        "select 1 from forecast.backbone_choice where as_of = :as_of and model_version is null",
        {"as_of": require_utc(as_of, "as_of")},
    )
    return bool(rows)


def teaching_tickers(connection: Connection, as_of: datetime, cutoff_at: datetime, minimum_bars: int) -> list[str]:
    """Tickers tracked at ``as_of`` with at least ``minimum_bars`` bars before ``cutoff_at``, known at ``as_of``."""
    rows = fetch_rows(
        connection,
        """
        select ticker.ticker
        from forecast.ticker
        cross join lateral (
            select count(*) as bars
            from (
                select bar.opened_at from forecast.bar
                where bar.ticker = ticker.ticker and bar.closed_at < :cutoff_at and bar.known_at <= :as_of
                limit :minimum
            ) as counted
        ) as history
        where ticker.activated_as_of <= :as_of
            and (ticker.retired_as_of is null or ticker.retired_as_of > :as_of)
            and history.bars >= :minimum
        order by ticker.ticker
        """,
        {
            "as_of": require_utc(as_of, "as_of"),
            "cutoff_at": require_utc(cutoff_at, "cutoff_at"),
            "minimum": minimum_bars,
        },
    )
    return [str(row["ticker"]) for row in rows]


def trained_versions(connection: Connection) -> list[str]:
    """Versions of all backbones that were trained here, promoted or not, by name."""
    query = "select distinct model_version from forecast.backbone where model_version is not null order by 1"
    return [row["model_version"] for row in fetch_rows(connection, query)]


def _promoted(connection: Connection, as_of: datetime) -> list[str]:
    """Versions of the promoted backbones of at most ``as_of`` that were not taken back, newest first, each once."""
    rows = fetch_rows(
        connection,
        """
        select model_version from forecast.backbone
        where is_promoted and as_of <= :as_of and (withdrawn_as_of is null or withdrawn_as_of > :as_of)
        order by as_of desc, promoted_at desc, request_id desc
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return list(dict.fromkeys(str(row["model_version"]) for row in rows))
