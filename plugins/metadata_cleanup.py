"""Airflow's own tables, cleaned once a day after the DAG ``maintenance`` has succeeded.

A task may not open Airflow's database. This listener runs inside the scheduler, which may, and starts Airflow's own
command ``airflow db clean`` as a process of its own, so that scheduling goes on. What the command removed is in the log
of the scheduler. Airflow keeps each DAG's newest scheduled run.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from include.settings import load_settings

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

DAG_ID: Final = "maintenance"
_LOG: Final = logging.getLogger(__name__)


class MetadataCleanup:
    """Listens to the end of runs."""

    @hookimpl
    def on_dag_run_success(self, dag_run: DagRun) -> None:
        """Starts the command if the run was one of the DAG ``maintenance`` and no dry run."""
        if dag_run.dag_id != DAG_ID or (dag_run.conf or {}).get("dry_run"):
            return
        if days := load_settings().store.airflow_retention_days:
            threading.Thread(target=run_command, args=(command_of(dag_run, days),), daemon=True).start()


def command_of(dag_run: DagRun, days: int) -> list[str]:
    """The command that removes the rows older than so many days before the run."""
    before = dag_run.run_after - timedelta(days=days)
    options = ["--clean-before-timestamp", before.isoformat(), "--skip-archive", "--yes", "--batch-size", "10000"]
    return [sys.executable, "-m", "airflow", "db", "clean", *options, "--error-on-cleanup-failure"]


def run_command(command: list[str]) -> None:
    """Runs it to its end and logs what it printed if it failed, else that it has ended."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # the command above
    if done.returncode:
        _LOG.error("Airflow's tables were not cleaned: %s", done.stderr[-2000:])
    else:
        _LOG.info("Airflow's tables are cleaned: %s", " ".join(command[5:8]))


class MetadataCleanupPlugin(AirflowPlugin):
    """Registers the listener."""

    name = "hourcast_metadata_cleanup"
    listeners: list[object] = [MetadataCleanup()]  # noqa: RUF012  # as Airflow's base class declares it
