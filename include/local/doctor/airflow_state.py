"""Checks of Airflow, read from its metadata database, so that they work while its page does not.

The tables are Airflow's own, of the version that the lock file pins.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from include.local.doctor.database import unreachable_reason
from include.local.doctor.installation import Installation
from include.local.doctor.problem import Problem
from include.store.engine import fetch_rows
from include.store.reader import Engine, create_reader_engine, reading

DAGS = ("hourly_forecast", "onboard_ticker", "earnings_dates")
"""The DAGs without which nothing is forecast or some of it goes stale; the others run on request."""
TRAINING_POOL = "training"  # the name in include.edge, which imports Airflow and so cannot be imported here
JOBS = {"SchedulerJob": "scheduler", "DagProcessorJob": "dag-processor"}

_POOLS = "select pool, slots from slot_pool"
_DAGS = "select dag_id, is_paused, is_stale from dag"
_IMPORT_ERRORS = "select filename, stacktrace from import_error order by filename"
_HEARTBEATS = """
select job_type, max(latest_heartbeat) as at
from job
where state = 'running'
group by job_type
"""
_QUEUED = """
select dag_id, task_id, min(coalesce(queued_dttm, scheduled_dttm)) as at, count(*) as task_count
from task_instance
where state in ('queued', 'scheduled')
group by dag_id, task_id
order by 3
"""


def open_airflow(found: Installation) -> Engine:
    """Read-only connections with short time-outs to Airflow's metadata database; it connects on first use."""
    return create_reader_engine(found.airflow_url())


def check_reachable(found: Installation) -> Iterator[Problem]:
    """Whether Airflow's database responds and has Airflow's tables."""
    reason = unreachable_reason(found.airflow_url)
    if reason is None:
        engine = open_airflow(found)
        with reading(engine) as connection:
            (row,) = fetch_rows(connection, "select to_regclass('slot_pool') is not null as is_migrated")
        engine.dispose()
        reason = None if row["is_migrated"] else "it has no tables of Airflow."
    if reason is not None:
        text = f"Airflow's database cannot be used: {reason}"
        yield Problem("airflow-database", text, "Run `make run`, which starts it and makes what is missing.")


def check_pools(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the pool of training tasks has the slots of the settings, and the default pool has any."""
    with reading(engine) as connection:
        slots = {str(row["pool"]): int(row["slots"]) for row in fetch_rows(connection, _POOLS)}
    wanted = found.settings.schedule.training_slots
    if slots.get(TRAINING_POOL) != wanted:
        has = f"has {slots[TRAINING_POOL]} slots" if TRAINING_POOL in slots else "is missing"
        yield Problem(
            "pool",
            f"Airflow's pool {TRAINING_POOL} {has} instead of {wanted} (HOURCAST_TRAINING_SLOTS).",
            f"Run `make run`, or: airflow pools set {TRAINING_POOL} {wanted} 'training tasks'",
        )
    if slots.get("default_pool", 0) == 0:
        text = "Airflow's pool default_pool has no slots, so no task starts."
        yield Problem("pool", text, "Run: airflow pools set default_pool 128 'default'")


def check_dags(_found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether Airflow knows the DAGs and they are not paused, and whether it could import every file."""
    with reading(engine) as connection:
        dags = {str(row["dag_id"]): row for row in fetch_rows(connection, _DAGS)}
        errors = fetch_rows(connection, _IMPORT_ERRORS)
    for row in errors:
        reason = str(row["stacktrace"]).strip().splitlines()[-1:]
        yield Problem(
            "dag-import",
            f"Airflow cannot import {Path(str(row['filename'])).name}: {''.join(reason)}",
            "Correct the file or remove it; Airflow reads it again within a minute.",
        )
    absent = [name for name in DAGS if name not in dags or dags[name]["is_stale"]]
    if absent and not errors:
        text = f"Airflow does not know {', '.join(absent)}."
        yield Problem("dag-missing", text, "Look into the log of the dag-processor (`make logs`).")
    for name in DAGS:
        if name not in absent and dags[name]["is_paused"]:
            text = f"The DAG {name} is paused, so none of its runs starts."
            yield Problem("dag-paused", text, f"Run `make run`, or: airflow dags unpause {name}")


def check_heartbeats(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether scheduler and dag-processor have given a sign of life."""
    with reading(engine) as connection:
        beats = {str(row["job_type"]): row["at"] for row in fetch_rows(connection, _HEARTBEATS)}
    for job, name in JOBS.items():
        at = beats.get(job)
        silent = None if at is None else (found.now() - at).total_seconds()
        if silent is None or silent > found.limits.heartbeat_seconds:
            since = "does not run" if silent is None else f"gave its last sign of life {silent / 60:.0f} minutes ago"
            yield Problem(
                f"{name}-dead",
                f"Airflow's {name} {since}.",
                f"Run `make run` or `make up`, which starts it. `make logs` shows why the {name} ended.",
            )


def check_queue(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether tasks have waited to start for longer than half an hour."""
    with reading(engine) as connection:
        rows = [row for row in fetch_rows(connection, _QUEUED) if row["at"] is not None]
    late = [row for row in rows if (found.now() - row["at"]).total_seconds() > found.limits.queued_seconds]
    if late:
        names = ", ".join(f"{row['dag_id']}.{row['task_id']}" for row in late[:5])
        yield Problem(
            "queue",
            f"Tasks have waited to start since {late[0]['at']:%H:%M} UTC: {names}.",
            "See that the scheduler runs and the pools have free slots; clear the tasks if they stay.",
        )
