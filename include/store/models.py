"""Which models there are, where their weights lie, and which may serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contracts import ModelRef, require_utc
from include.store.engine import Connection, fetch_rows, upsert
from include.store.tables import MODEL_VERSION


@dataclass(frozen=True)
class ModelVersion:
    """One ticker's trained weights and how they came about; losses in scaled units, None where nothing was held out.

    ``kind`` is ``first_training`` or ``fine_tune``.
    """

    ref: ModelRef
    as_of: datetime
    parent_version: str | None
    kind: str
    is_promoted: bool
    config: dict[str, Any]
    seed: int
    code_version: str
    window_count: int
    loss_before: float | None
    loss_after: float | None


def save_model_versions(connection: Connection, versions: Sequence[ModelVersion]) -> int:
    """Stores one version a ticker and ``as_of``; the count of rows that changed.

    The same content again changes nothing; other content (a deploy between two runs of an hour) replaces it.
    """
    rows = [
        (
            version.ref.ticker,
            version.as_of,
            version.ref.model_version,
            version.parent_version,
            version.kind,
            version.is_promoted,
            version.ref.artefact,
            version.ref.row,
            version.config,
            version.seed,
            version.code_version,
            version.window_count,
            version.loss_before,
            version.loss_after,
        )
        for version in versions
    ]
    return upsert(connection, MODEL_VERSION, rows) if rows else 0


def serving_refs(
    connection: Connection,
    tickers: Sequence[str],
    as_of: datetime,
    limit: int = 3,
) -> dict[str, list[ModelRef]]:
    """Each ticker's newest versions that may serve at ``as_of``, trained as of it or earlier, newest first."""
    return _promoted(connection, tickers, "version.as_of <= :as_of", as_of, limit)


def champions(
    connection: Connection,
    tickers: Sequence[str],
    before: datetime,
    limit: int = 3,
) -> dict[str, list[ModelRef]]:
    """Each ticker's newest versions that may serve, trained as of an instant before ``before``, newest first."""
    return _promoted(connection, tickers, "version.as_of < :as_of", before, limit)


def find_versions(
    connection: Connection,
    ticker: str,
    *,
    model_version: str | None = None,
    as_of: datetime | None = None,
) -> list[ModelVersion]:
    """The ticker's versions with this name, or trained as of this instant, whether they may serve or not; oldest first.

    A name stands for content, and the instant is part of it: one at most for each.
    """
    rows = fetch_rows(
        connection,
        f"""
        select {", ".join(MODEL_VERSION.columns)} from forecast.model_version
        where ticker = :ticker
            and (cast(:model_version as text) is null or model_version = :model_version)
            and (cast(:as_of as timestamptz) is null or as_of = :as_of)
        order by as_of
        """,  # noqa: S608  # names from tables.py
        {"ticker": ticker, "model_version": model_version, "as_of": as_of},
    )
    return [
        ModelVersion(
            ref=ModelRef(row.pop("ticker"), row.pop("model_version"), row.pop("artefact"), row.pop("artefact_row")),
            **row,
        )
        for row in rows
    ]


def _promoted(
    connection: Connection,
    tickers: Sequence[str],
    condition: str,
    as_of: datetime,
    limit: int,
) -> dict[str, list[ModelRef]]:
    rows = fetch_rows(
        connection,
        f"""
        select newest.*
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral (
            select version.ticker, version.model_version, version.artefact, version.artefact_row
            from forecast.model_version as version
            where version.ticker = wanted.ticker and version.is_promoted and {condition}
            order by version.as_of desc
            limit :limit
        ) as newest
        """,  # noqa: S608  # the condition is one of the two above
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of"), "limit": limit},
    )
    refs: dict[str, list[ModelRef]] = defaultdict(list)
    for row in rows:
        ref = ModelRef(row["ticker"], row["model_version"], row["artefact"], row["artefact_row"])
        refs[row["ticker"]].append(ref)
    return dict(refs)
