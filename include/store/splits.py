"""Splits: the price scale of each ticker's stored bars.

A split moves all bars of a ticker to a new price scale in one transaction. The old values stay in ``bar_revision``, so
that a replay of an earlier hour reads the old scale. ``forecast.split`` has the factor between the scales; the SQL
function ``forecast.split_factor_between`` (``sql/migrations/0012_split_factor.sql``) multiplies several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from include.contracts import Split, require_utc
from include.store.engine import Connection, execute, fetch_rows, stage_frame, with_stored_rows
from include.store.tables import BAR, BAR_KINDS


@dataclass(frozen=True)
class ScaleShift:
    """A ticker's given bars compared with the stored bars of the same times.

    ``log_ratio``: median of log(stored close / given close); ``overlap_count``: bars that are given and stored;
    ``agreeing_ratio``: share (0..1) of them within the tolerance of the median; ``newest_overlap_at``: when the newest
    of them opened, UTC; ``has_newer``: whether a given bar is newer than all stored ones.
    """

    ticker: str
    log_ratio: float
    overlap_count: int
    agreeing_ratio: float
    newest_overlap_at: datetime
    has_newer: bool


def scale_shifts(connection: Connection, bars: pd.DataFrame, as_of: datetime, tolerance: float) -> list[ScaleShift]:
    """The tickers whose ``log_ratio`` is larger than ``tolerance``, in absolute value; bars as known at ``as_of``."""
    if bars.empty:
        return []
    compared = bars[bars["ticker"].isin(with_stored_rows(connection, BAR, bars, "opened_at"))]
    if compared.empty:
        return []
    staged = stage_frame(connection, BAR, compared.assign(known_at=as_of), BAR_KINDS)
    execute(connection, f"analyze {staged}")
    rows = fetch_rows(
        connection,
        f"""
        with ratio as (
            select given.ticker, given.opened_at, ln(stored.close / given.close) as value
            from {staged} as given
            inner join forecast.bars_known_at(:as_of) as stored using (ticker, opened_at)
        ),

        middle as (
            select
                ticker, count(*) as overlap_count, max(opened_at) as newest_overlap_at,
                percentile_cont(0.5) within group (order by value) as log_ratio
            from ratio
            group by ticker
        )

        select
            middle.*,
            (
                select avg((abs(ratio.value - middle.log_ratio) <= :tolerance)::integer) from ratio
                where ratio.ticker = middle.ticker
            )::double precision as agreeing_ratio,
            exists (
                select from {staged} as given
                where given.ticker = middle.ticker and given.opened_at > (
                    select max(stored.opened_at) from forecast.bars_known_at(:as_of) as stored
                    where stored.ticker = middle.ticker
                )
            ) as has_newer
        from middle
        where abs(middle.log_ratio) > :tolerance
        order by middle.ticker
        """,  # noqa: S608  # names from tables.py
        {"as_of": require_utc(as_of, "as_of"), "tolerance": tolerance},
    )
    return [ScaleShift(**row) for row in rows]


def splits_since(connection: Connection, tickers: Sequence[str], as_of: datetime, reach: timedelta) -> list[Split]:
    """The splits that became known in the time ``reach`` before ``as_of`` (UTC), oldest first."""
    rows = fetch_rows(
        connection,
        """
        select ticker, effective_at, factor from forecast.split
        where ticker = any(cast(:tickers as text[])) and known_at <= :as_of and known_at > :since
        order by ticker, known_at
        """,
        {"tickers": list(tickers), "as_of": require_utc(as_of, "as_of"), "since": as_of - reach},
    )
    return [Split(**row) for row in rows]


def move_to_scale(
    connection: Connection, split: Split, known_at: datetime, given: pd.DataFrame, *, is_announced: bool
) -> bool:
    """Moves all bars of a ticker to the price scale of ``given`` (BAR_COLUMNS), known from ``known_at`` (UTC) on.

    Given bars get the given values, the others are divided by the factor. Returns False and changes nothing if bars,
    hours or forecasts of the ticker are later than ``known_at``: what they read must not change.
    """
    moment = {"ticker": split.ticker, "known_at": require_utc(known_at, "known_at"), "factor": split.factor}
    if fetch_rows(connection, _HAS_LATER, moment):
        return False
    execute(connection, _KEEP_OLD_SCALE, moment)
    execute(connection, _RESCALE, moment)
    staged = stage_frame(connection, BAR, given.assign(known_at=known_at), BAR_KINDS)
    execute(
        connection,
        f"""
        update forecast.bar as stored
        set open = given.open, high = given.high, low = given.low, close = given.close,
            volume = coalesce(nullif(given.volume, 'NaN'), stored.volume)
        from {staged} as given
        where given.ticker = stored.ticker and given.opened_at = stored.opened_at
            and stored.known_at = given.known_at
        """,  # noqa: S608  # names from tables.py
    )
    execute(
        connection,
        """
        insert into forecast.split as stored (ticker, known_at, effective_at, factor, is_announced)
        values (:ticker, :known_at, :effective_at, :factor, :is_announced)
        on conflict (ticker, known_at) do update set factor = stored.factor * excluded.factor
        """,
        {**moment, "effective_at": split.effective_at, "is_announced": is_announced},
    )
    return True


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
    where bar.ticker = :ticker and bar.known_at < :known_at
"""  # noqa: S608  # names from tables.py
_RESCALE = """
    update forecast.bar
    set open = open / :factor, high = high / :factor, low = low / :factor, close = close / :factor,
        volume = volume * :factor, known_at = :known_at
    where ticker = :ticker
"""
