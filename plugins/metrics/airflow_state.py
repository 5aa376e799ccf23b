"""Metrics of Airflow from its metadata database, in the process that serves its page.

So what the scheduler does is seen when the scheduler is dead. The tables are those of the pinned version of Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from include.errors import StoreUnavailableError
from include.store.metrics import Sample

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "hourcast_airflow_heartbeat_age_seconds": "Seconds since the last sign of life of a component of Airflow.",
    "hourcast_airflow_tasks": "Task instances by state.",
    "hourcast_airflow_longest_wait_seconds": "Seconds for which the oldest waiting task has been scheduled or queued.",
    "hourcast_airflow_newest_run_failed": "1 if the newest finished run of the DAG failed.",
    "hourcast_airflow_dag_paused": "1 if the DAG is paused or unknown to the dag-processor.",
    "hourcast_airflow_import_errors": "DAG files that cannot be imported.",
    "hourcast_airflow_pool_slots": "Slots of a pool.",
}

_QUERIES: Final[Mapping[str, str]] = {
    "hourcast_airflow_heartbeat_age_seconds": """
        select job_type as component, extract(epoch from now() - max(latest_heartbeat)) as value
        from job
        where state = 'running'
        group by job_type
    """,
    "hourcast_airflow_tasks": """
        select state, count(*) as value
        from task_instance
        where state in ('scheduled', 'queued', 'running', 'up_for_retry', 'restarting')
        group by state
    """,
    "hourcast_airflow_longest_wait_seconds": """
        select coalesce(extract(epoch from now() - min(coalesce(queued_dttm, scheduled_dttm))), 0) as value
        from task_instance
        where state in ('scheduled', 'queued')
    """,
    "hourcast_airflow_newest_run_failed": """
        select dag.dag_id as dag, (newest.state = 'failed')::integer as value
        from dag
        cross join lateral (
            select dag_run.state
            from dag_run
            where dag_run.dag_id = dag.dag_id and dag_run.state in ('success', 'failed')
            order by dag_run.end_date desc nulls last
            limit 1
        ) as newest
        where not dag.is_stale
    """,
    "hourcast_airflow_dag_paused": "select dag_id as dag, (is_paused or is_stale)::integer as value from dag",
    "hourcast_airflow_import_errors": "select count(*) as value from import_error",
    "hourcast_airflow_pool_slots": "select pool, slots as value from slot_pool",
}
_STATEMENT_LIMIT = "set local statement_timeout = '5s'"


def read_metrics() -> Sequence[Sample]:
    """What Airflow's database says now.

    Raises:
        StoreUnavailableError: it cannot be read.
    """
    from sqlalchemy.exc import DBAPIError

    try:
        return _read()
    except DBAPIError as error:
        message = f"Airflow's database could not be read: {error.orig}"
        raise StoreUnavailableError(message) from error


def _read() -> list[Sample]:
    from airflow.utils.session import create_session
    from sqlalchemy import text

    with create_session(scoped=False) as session:
        session.execute(text(_STATEMENT_LIMIT))
        return [
            _sample(metric, dict(row))
            for metric, query in _QUERIES.items()
            for row in session.execute(text(query)).mappings()
        ]


def _sample(metric: str, row: dict[str, Any]) -> Sample:
    value = float(row.pop("value"))
    return Sample(metric, value, {name: str(content) for name, content in row.items()})
