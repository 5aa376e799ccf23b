"""The queries of the pipeline's hours: how each went, and what became of each ticker that it planned.

Each reads views of schema ``bi`` and returns rows with the views' names and units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.store.reader import Engine, read_rows

_HOURS = """
select
    as_of, planned_at, finished_at, ticker_count, forecast_count, refreshed_count, fallback_count, skipped_count,
    failed_count, unfinished_count
from bi.pipeline_freshness
where cast(:until as timestamptz) is null or as_of <= :until
order by as_of desc
limit :limit
"""

_CHOSEN = """
from bi.hour_outcome
where as_of = :as_of
    and (cast(:status as text) = '' or status = :status)
    and (cast(:shard_index as integer) is null or shard_index = :shard_index)
"""

_OUTCOMES = f"""
select ticker, source, is_simulated, shard_index, stage, status, reason, anchored_at, believed_at, updated_at
{_CHOSEN}
order by status = 'failed' desc, status = 'planned' desc, status = 'fallback' desc, status = 'skipped', ticker
limit :limit offset :offset
"""

_COUNT = f"select count(*) as outcome_count {_CHOSEN}"


@dataclass(frozen=True)
class OutcomeQuery:
    """Which outcomes of an hour to list: an empty status and no shard keep all; ``page`` counts from 1."""

    as_of: datetime
    status: str = ""
    shard_index: int | None = None
    page: int = 1
    page_size: int = 100


def read_hours(engine: Engine, limit: int, until: datetime | None = None) -> list[dict[str, Any]]:
    """The newest planned hours up to ``until`` (UTC; None for all), newest first, with their counts by result.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _HOURS, {"limit": limit, "until": until})


def read_hour_outcomes(engine: Engine, query: OutcomeQuery) -> tuple[list[dict[str, Any]], int]:
    """One page of an hour's outcomes, problems first, and how many there are on all pages.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    chosen = {"as_of": query.as_of, "status": query.status, "shard_index": query.shard_index}
    paged = {**chosen, "limit": query.page_size, "offset": (query.page - 1) * query.page_size}
    rows = read_rows(engine, _OUTCOMES, paged)
    return rows, int(read_rows(engine, _COUNT, chosen)[0]["outcome_count"])
