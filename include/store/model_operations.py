"""Operations on the backbones: what was decided, and taking one back.

A backbone that is taken back stays in use in the hours before that instant, however often they run again. Where next:
``backbones.py`` for the backbone in use, ``pipeline/watching`` for the decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows


@dataclass(frozen=True)
class Operation:
    """One operation; columns as in ``forecast.model_operation``."""

    as_of: datetime
    operation: str
    reason: str
    decided_by: str
    model_version: str | None = None
    other_version: str | None = None
    request_id: str | None = None


def save_operation(connection: Connection, operation: Operation) -> bool:
    """Stores an operation; False, and nothing is stored, if its instant has one of the same kind already."""
    parameters = {**vars(operation), "as_of": require_utc(operation.as_of, "as_of")}
    return bool(
        execute(
            connection,
            """
            insert into forecast.model_operation
                (as_of, operation, model_version, other_version, request_id, reason, decided_by)
            values (:as_of, :operation, :model_version, :other_version, :request_id, :reason, :decided_by)
            on conflict do nothing
            """,
            parameters,
        )
    )


def operations_at(connection: Connection, as_of: datetime) -> list[Operation]:
    """The operations of an instant (UTC), by kind."""
    rows = fetch_rows(
        connection,
        """
        select as_of, operation, reason, decided_by, model_version, other_version, request_id
        from forecast.model_operation where as_of = :as_of order by operation
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return [Operation(**row) for row in rows]


def is_confirmed(connection: Connection, model_version: str, as_of: datetime) -> bool:
    """Whether the backbone was confirmed at or before an instant (UTC)."""
    query = """
        select 1 from forecast.model_operation
        where operation = 'confirm' and model_version = :version and as_of <= :as_of
    """
    return bool(fetch_rows(connection, query, {"version": model_version, "as_of": require_utc(as_of, "as_of")}))


def newest_request_at(connection: Connection, as_of: datetime) -> datetime | None:
    """The ``as_of`` of the newest request for a backbone at or before an instant (UTC); None if there is none."""
    query = "select max(as_of) as newest from forecast.backbone where as_of <= :as_of"
    newest: datetime | None = fetch_rows(connection, query, {"as_of": require_utc(as_of, "as_of")})[0]["newest"]
    return newest


def promoted_requests(connection: Connection, as_of: datetime) -> list[str]:
    """Ids of the requests whose backbones may be used at ``as_of`` (UTC), the one in use first."""
    rows = fetch_rows(
        connection,
        """
        select request_id from forecast.backbone
        where is_promoted and as_of <= :as_of and (withdrawn_as_of is null or withdrawn_as_of > :as_of)
        order by as_of desc, promoted_at desc, request_id desc
        """,
        {"as_of": require_utc(as_of, "as_of")},
    )
    return [str(row["request_id"]) for row in rows]


def withdraw(connection: Connection, request_id: str, as_of: datetime) -> None:
    """Takes a request's backbone back from ``as_of`` (UTC) on; one that was taken back earlier stays as it is."""
    execute(
        connection,
        """
        update forecast.backbone set withdrawn_as_of = :as_of, updated_at = now()
        where request_id = :request_id and (withdrawn_as_of is null or withdrawn_as_of > :as_of)
        """,
        {"request_id": request_id, "as_of": require_utc(as_of, "as_of")},
    )
