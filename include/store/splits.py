"""Splits: the price scale of each ticker's stored bars.

A change of scale, by a split or to another unit, moves a ticker's older bars to a new price scale in one transaction.
The old values stay in ``bar_revision``, so that a replay of an earlier hour reads the old scale. ``forecast.split`` has
the factor between the scales; the SQL function ``forecast.split_factor_between``
(``sql/migrations/0012_split_factor.sql``) multiplies several.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from include.contracts import Split, require_utc
from include.store.accuracy import recount
from include.store.engine import Connection, execute, fetch_rows, stage_frame
from include.store.tables import BAR, BAR_KINDS


@dataclass(frozen=True)
class ScaleChange:
    """A stored change of scale, and what it was found from: JSON values, None for an announced split."""

    split: Split
    evidence: dict[str, Any] | None


def splits_since(connection: Connection, tickers: Sequence[str], as_of: datetime, since: datetime) -> list[Split]:
    """The splits that became known after ``since`` and by ``as_of`` (both UTC), oldest first."""
    rows = fetch_rows(
        connection,
        """
        select ticker, effective_at, factor, is_volume_scaled from forecast.split
        where ticker = any(cast(:tickers as text[])) and known_at <= :as_of and known_at > :since
        order by ticker, known_at
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of"), "since": require_utc(since, "since")},
    )
    return [Split(**row) for row in rows]


def unannounced_at(connection: Connection, tickers: Sequence[str], as_of: datetime) -> list[ScaleChange]:
    """The changes of scale that became known exactly at ``as_of`` (UTC) and that no source announced, by ticker."""
    rows = fetch_rows(
        connection,
        """
        select ticker, effective_at, factor, is_volume_scaled, evidence from forecast.split
        where ticker = any(cast(:tickers as text[])) and known_at = :as_of and not is_announced and factor <> 1
        order by ticker
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of")},
    )
    return [ScaleChange(evidence=row.pop("evidence"), split=Split(**row)) for row in rows]


def move_to_scale(
    connection: Connection,
    split: Split,
    known_at: datetime,
    given: pd.DataFrame,
    evidence: dict[str, Any] | None = None,
) -> bool:
    """Moves a ticker's bars that open before the split to the price scale of ``given``, known from ``known_at`` on.

    Of these bars, those in ``given`` (BAR_COLUMNS) get the given values; the prices of the others are divided by the
    factor. Returns False and changes nothing if bars, hours or forecasts of the ticker are later than ``known_at``
    (UTC): what they read must not change. ``evidence``: what the change was found from, as JSON values; None if its
    source announced it.
    """
    moment = {
        "ticker": split.ticker,
        "known_at": require_utc(known_at, "known_at"),
        "effective_at": require_utc(split.effective_at, "effective_at"),
        "factor": split.factor,
        "volume_factor": split.volume_factor,
    }
    if fetch_rows(connection, _HAS_LATER, moment):
        return False
    execute(connection, _KEEP_OLD_SCALE, moment)
    execute(connection, _RESCALE, moment)
    if not given.empty:
        staged = stage_frame(connection, BAR, given.assign(known_at=known_at), BAR_KINDS)
        execute(connection, _take_given(staged), {"effective_at": split.effective_at})
    execute(
        connection,
        """
        insert into forecast.split as stored (
            ticker, known_at, effective_at, factor, is_announced, is_volume_scaled, evidence
        )
        values (
            :ticker, :known_at, :effective_at, :factor, :is_announced, :is_volume_scaled, cast(:evidence as jsonb)
        )
        on conflict (ticker, known_at, effective_at) do update
        set factor = stored.factor * excluded.factor,
            is_volume_scaled = stored.is_volume_scaled or excluded.is_volume_scaled
        """,
        {
            **moment,
            "is_announced": evidence is None,
            "is_volume_scaled": split.is_volume_scaled,
            "evidence": None if evidence is None else json.dumps(evidence),
        },
    )
    recount(connection, [split.ticker])
    return True


def _take_given(staged: str) -> str:
    """Statement: gives the bars that have just moved the values of the same bars in a staging table."""
    return f"""
        update forecast.bar as stored
        set open = given.open, high = given.high, low = given.low, close = given.close,
            volume = coalesce(nullif(given.volume, 'NaN'), stored.volume)
        from {staged} as given
        where given.ticker = stored.ticker and given.opened_at = stored.opened_at
            and stored.opened_at < :effective_at and stored.known_at = given.known_at
    """  # noqa: S608  # a table's name from engine.py


_HAS_LATER = """
    select from forecast.bar
    where bar.ticker = :ticker and bar.known_at > :known_at
    union all
    select from forecast.outcome
    where outcome.ticker = :ticker and outcome.as_of > :known_at and outcome.stage <> 'planned'
    union all
    select from forecast.prediction
    where prediction.ticker = :ticker and prediction.as_of > :known_at
    limit 1
"""
_KEEP_OLD_SCALE = f"""
    insert into forecast.bar_revision ({", ".join(BAR.columns)}, superseded_at)
    select {", ".join(BAR.columns)}, :known_at from forecast.bar
    where bar.ticker = :ticker and bar.opened_at < :effective_at and bar.known_at < :known_at
"""  # noqa: S608  # names from tables.py
_RESCALE = """
    update forecast.bar
    set open = open / :factor, high = high / :factor, low = low / :factor, close = close / :factor,
        volume = volume * :volume_factor, known_at = :known_at
    where ticker = :ticker and opened_at < :effective_at
"""
