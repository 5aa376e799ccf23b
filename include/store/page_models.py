"""The queries of what the page says about the models: drift that is proven now, and what was done with the backbones.

Each reads views of schema ``bi`` and returns rows with the views' names and units.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from include.store.reader import Engine, read_rows

_DRIFT = """
select is_simulated, calendar, kind, drifted_at, as_of, reason
from bi.drift
where is_newest and is_drifted
order by is_simulated, calendar, kind
"""

_OPERATIONS = """
select as_of, operation, reason, decided_by, model_version, request_id, happened_at
from bi.model_operation
where operation in ('retrain', 'promote', 'reject', 'roll back')
    and (cast(:since as timestamptz) is null or as_of >= :since)
    and (cast(:until as timestamptz) is null or as_of <= :until)
order by as_of desc, happened_at desc, operation
limit :limit
"""


def read_drift(engine: Engine) -> list[dict[str, Any]]:
    """What the newest look found drifted, by market and kind; ``drifted_at`` is UTC.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _DRIFT, {})


def read_operations(
    engine: Engine, limit: int, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """The newest requests, promotions, rejections and withdrawals of backbones between two instants, newest first.

    Raises:
        StoreUnavailableError: the database cannot be read.
    """
    return read_rows(engine, _OPERATIONS, {"limit": limit, "since": since, "until": until})
