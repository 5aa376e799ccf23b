"""The queries of a ticker's page: its bars, its forecasts with what came of them, and what became of it each hour.

Each reads views of schema ``bi`` and returns rows with the views' names and units.
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from include.store.reader import Engine, read_rows

_BARS = """
select opened_at, closed_at, closed_at_exchange, open, high, low, close, volume
from bi.bar
where ticker = :ticker and (cast(:until as timestamptz) is null or closed_at <= :until)
order by closed_at desc
limit :limit
"""

_FORECASTS = """
with hours as (
    select distinct as_of from bi.forecast
    where ticker = :ticker and horizon = 1 and (cast(:until as timestamptz) is null or as_of <= :until)
    order by as_of desc
    limit :limit
)

select
    as_of, horizon, target_at, anchored_at, last_close, is_refresh, believed_price, believed_at,
    q05, q25, q50, q75, q95, actual_close, is_inside_50, is_inside_90, is_fallback, model_version
from bi.forecast
where ticker = :ticker and as_of in (select as_of from hours)
order by as_of desc, horizon
"""

_SHARED = (
    "as_of", "anchored_at", "last_close", "is_refresh", "believed_price", "believed_at", "is_fallback", "model_version",
)  # fmt: skip
"""What all bars of a forecast have in common."""

_OUTCOMES = """
select as_of, stage, status, reason, anchored_at, believed_at, model_version, updated_at
from bi.hour_outcome
where ticker = :ticker
order by as_of desc
limit :limit
"""


def read_bars(engine: Engine, ticker: str, limit: int, until: datetime | None = None) -> list[dict[str, Any]]:
    """The newest bars of a ticker that closed by ``until`` (UTC; None for all), oldest first.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _BARS, {"ticker": ticker, "limit": limit, "until": until})[::-1]


def read_forecasts(engine: Engine, ticker: str, limit: int, until: datetime | None = None) -> list[dict[str, Any]]:
    """The newest forecasts of a ticker made by ``until`` (UTC), newest first: what they have in common, and their bars.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    rows = read_rows(engine, _FORECASTS, {"ticker": ticker, "limit": limit, "until": until})
    forecasts = (list(bars) for _, bars in groupby(rows, itemgetter("as_of")))
    return [{name: bars[0][name] for name in _SHARED} | {"bars": bars} for bars in forecasts]


def read_outcomes(engine: Engine, ticker: str, limit: int) -> list[dict[str, Any]]:
    """What became of a ticker in the newest hours that planned it, newest first.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _OUTCOMES, {"ticker": ticker, "limit": limit})
