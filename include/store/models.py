"""Which models there are, where their weights lie, and which may serve."""

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


@dataclass(frozen=True)
class ModelVersion:
    """One ticker's weights and how they came about; losses in scaled units, None where nothing was held out.

    ``kind`` is ``first_training``, ``fine_tune`` or ``restart`` (the weights that the ticker's line began at, again).
    ``evidence`` is what was known of the line by then, as ``evaluation.promotion.Evidence`` writes it.
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
    evidence: dict[str, Any] | None = None
    is_pruned: bool = False


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
            version.evidence,
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
    """Each ticker's champion at ``as_of``, and before it those that served earlier: its newest promoted versions."""
    return _newest(connection, tickers, "version.is_promoted and version.as_of <= :as_of", as_of, limit)


def heads(
    connection: Connection,
    tickers: Sequence[str],
    before: datetime,
    limit: int = 3,
) -> dict[str, list[ModelVersion]]:
    """Each ticker's newest versions, whether they may serve or not, as of instants before ``before``, newest first."""
    return _newest(connection, tickers, "version.as_of < :as_of", before, limit)


def first_trainings(connection: Connection, tickers: Sequence[str], before: datetime) -> dict[str, ModelVersion]:
    """Each ticker's newest first training as of an instant before ``before``."""
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
    """The ticker's versions with this name, or made as of this instant, whether they may serve or not; oldest first.

    A name stands for content, and the instant is part of it: one at most for each.
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
    """Marks versions whose weights no forecast of an hour from ``served_at`` on can need; the count of them.

    Needed are: every promoted version as of that instant or later, and of each ticker the three that could serve just
    before it (``serving_versions``); of those that were not promoted, what is as of ``line_at`` or later; and the
    newest three of each ticker (``heads``), and its newest first training, which its lines may begin at.
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
    """Those of the files of which no row is needed any more; files that no row names are not among them."""
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
