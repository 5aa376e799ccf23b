"""Model versions: their provenance, the files of their weights, and whether they may serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contracts import ModelRef, require_utc
from include.store.engine import Connection, execute, fetch_rows, upsert
from include.store.tables import MODEL_VERSION

FIRST_TRAINING = "first_training"
FINE_TUNE = "fine_tune"
RESTART = "restart"
_ARTEFACT_LOCK = 4_801_967_323
"""Key of the advisory lock on files without rows: any number that is the same in all processes."""


@dataclass(frozen=True)
class ModelVersion:
    """One ticker's weights and their provenance; losses in scaled units, None without held-out windows.

    ``kind`` is ``first_training``, ``fine_tune`` or ``restart`` (the reference's weights in the place of a challenger
    that ended). ``sequential_test`` is the state of the challenger's test after this version, as
    ``evaluation.promotion.SequentialTest`` writes it.
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
    sequential_test: dict[str, Any] | None = None
    is_pruned: bool = False


def save_model_versions(connection: Connection, versions: Sequence[ModelVersion]) -> int:
    """Stores one version per ticker and ``as_of``; the count of rows that changed.

    The same content again changes nothing. Other content replaces it (a deploy between two runs of an hour).
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
            version.sequential_test,
        )
        for version in versions
    ]
    return upsert(connection, MODEL_VERSION, rows) if rows else 0


def serving_versions(
    connection: Connection,
    tickers: Sequence[str],
    as_of: datetime,
    limit: int = 3,
) -> dict[str, list[ModelVersion]]:
    """Each ticker's newest promoted versions at ``as_of`` (UTC), newest first: the champion and those before it."""
    return _newest(connection, tickers, "version.is_promoted and version.as_of <= :as_of", as_of, limit)


def heads(
    connection: Connection,
    tickers: Sequence[str],
    before: datetime,
    limit: int = 3,
) -> dict[str, list[ModelVersion]]:
    """Each ticker's newest versions with an as_of before ``before`` (UTC), promoted or not, newest first."""
    return _newest(connection, tickers, "version.as_of < :as_of", before, limit)


def first_trainings(connection: Connection, tickers: Sequence[str], before: datetime) -> dict[str, ModelVersion]:
    """Each ticker's newest first training with an as_of before ``before`` (UTC); others are absent."""
    condition = f"version.kind = '{FIRST_TRAINING}' and version.as_of < :as_of"
    return {
        ticker: versions[0] for ticker, versions in _newest(connection, tickers, condition, before, limit=1).items()
    }


def find_versions(
    connection: Connection,
    ticker: str,
    *,
    model_version: str | None = None,
    as_of: datetime | None = None,
) -> list[ModelVersion]:
    """The ticker's versions with this ``model_version`` or ``as_of``, promoted or not, oldest first.

    Each of the two identifies at most one version, because the hash of the content includes ``as_of``.
    """
    rows = fetch_rows(
        connection,
        f"""
        select {", ".join(MODEL_VERSION.columns)}, is_pruned from forecast.model_version
        where ticker = :ticker
            and (cast(:model_version as text) is null or model_version = :model_version)
            and (cast(:as_of as timestamptz) is null or as_of = :as_of)
        order by as_of
        """,  # noqa: S608  # names from tables.py
        {"ticker": ticker, "model_version": model_version, "as_of": as_of},
    )
    return [_version(row) for row in rows]


def mark_pruned(connection: Connection, served_at: datetime, line_at: datetime) -> int:
    """Marks versions whose weights no forecast with an as_of from ``served_at`` on can need; the count of new marks.

    Kept are, for each ticker: the promoted versions from ``served_at`` on and the three before it
    (``serving_versions``); the other versions from ``line_at`` on; the newest three versions (``heads``); and the
    newest first training, which can be the reference of its challengers.
    """
    return execute(
        connection,
        """
        with version as (
            select
                ticker, as_of, is_promoted, kind,
                row_number() over (partition by ticker order by as_of desc) as place,
                row_number() over (
                    partition by ticker, is_promoted and as_of < :served_at order by as_of desc
                ) as place_served,
                row_number() over (partition by ticker, kind order by as_of desc) as place_kind
            from forecast.model_version
        ),

        spent as (
            select ticker, as_of from version
            where place > 3
                and not (kind = 'first_training' and place_kind = 1)
                and case
                    when is_promoted then as_of < :served_at and place_served > 3
                    else as_of < :line_at
                end
        )

        update forecast.model_version as stored set is_pruned = true
        from spent
        where stored.ticker = spent.ticker and stored.as_of = spent.as_of and not stored.is_pruned
        """,
        {"served_at": require_utc(served_at, "as_of"), "line_at": require_utc(line_at, "as_of")},
    )


def pruned_artefacts(connection: Connection, artefacts: Sequence[str]) -> list[str]:
    """The given files whose rows are all marked as pruned; files that no row names are left out."""
    rows = fetch_rows(
        connection,
        """
        select artefact from forecast.model_version
        where artefact = any(:artefacts)
        group by artefact
        having bool_and(is_pruned)
        order by artefact
        """,
        {"artefacts": list(artefacts)},
    )
    return [row["artefact"] for row in rows]


def named_artefacts(connection: Connection, artefacts: Sequence[str]) -> set[str]:
    """Those of the given files that a row names."""
    query = "select distinct artefact from forecast.model_version where artefact = any(:artefacts)"
    return {row["artefact"] for row in fetch_rows(connection, query, {"artefacts": list(artefacts)})}


def share_artefacts(connection: Connection) -> None:
    """Until the end of the transaction nobody removes a file because no row names it. Others may share, too."""
    execute(connection, "select pg_advisory_xact_lock_shared(:number)", {"number": _ARTEFACT_LOCK})


def lock_artefacts(connection: Connection) -> None:
    """Waits until nobody stores weights; until the end of the transaction nobody does."""
    execute(connection, "select pg_advisory_xact_lock(:number)", {"number": _ARTEFACT_LOCK})


def needed_artefacts(connection: Connection) -> list[str]:
    """The files with weights that are not marked as pruned, by name."""
    query = "select distinct artefact from forecast.model_version where not is_pruned order by artefact"
    return [row["artefact"] for row in fetch_rows(connection, query)]


def _newest(
    connection: Connection,
    tickers: Sequence[str],
    condition: str,
    as_of: datetime,
    limit: int,
) -> dict[str, list[ModelVersion]]:
    rows = fetch_rows(
        connection,
        f"""
        select newest.*
        from unnest(cast(:tickers as text[])) as wanted (ticker)
        cross join lateral (
            select {", ".join(MODEL_VERSION.columns)}, is_pruned
            from forecast.model_version as version
            where version.ticker = wanted.ticker and {condition}
            order by version.as_of desc
            limit :limit
        ) as newest
        """,  # noqa: S608  # the condition is one of those above
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of"), "limit": limit},
    )
    versions: dict[str, list[ModelVersion]] = defaultdict(list)
    for row in rows:
        versions[row["ticker"]].append(_version(row))
    return dict(versions)


def _version(row: Mapping[str, Any]) -> ModelVersion:
    values = dict(row)
    place = [values.pop(name) for name in ("ticker", "model_version", "artefact", "artefact_row")]
    return ModelVersion(ref=ModelRef(*place), **values)
