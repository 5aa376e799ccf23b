"""`make chaos ARGS="--airflow"`: `kill -9` of Airflow's processes while an hour runs in a real installation.

Each trial runs one hour more in the same installation. At a random instant one process gets SIGKILL: one of Airflow's
four components, the process of a running task, or the process that supervises it. Nothing else is done: supervisord
starts a component again, and Airflow tries tasks again. If the run fails, its failed tasks are cleared. Then the
checker of the other trials reads the database and the artefacts.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from bench.soak.product import Product
from include.local.airflow_api import AirflowApi
from include.local.airflow_env import LOGIN_NAME, load_password
from include.local.processes import find_marked
from include.local.run import HOURLY
from include.local.stack import AIRFLOW_COMPONENTS
from include.store.engine import fetch_rows, transaction
from tests.chaos.checker import LOST, Finding, check
from tests.chaos.trials import Result
from tests.support.databases import plain_url

TASK, TASK_SUPERVISOR = "running task", "supervisor of a running task"
VICTIMS = (*AIRFLOW_COMPONENTS, TASK, TASK_SUPERVISOR)
AIRFLOW_TICKERS = 12
_RUN_SECONDS = 3600.0
_POLL_SECONDS = 0.25
_WORKER = "airflow worker -- "
_EXECUTOR = f"{_WORKER}LocalExecutor: "


@dataclass
class AirflowSeries:
    """Trials in one installation; ``next_hour``: the hour of the next trial; ``seconds``: how long an hour takes."""

    product: Product
    seed: int
    next_hour: int
    seconds: float

    def run(self, number: int) -> Result:
        """The trial of this number: the same process and share of the hour for the same seed."""
        random = Random(f"{self.seed}/airflow/{number}")
        victim = VICTIMS[number % len(VICTIMS)]
        after = random.random() * self.seconds
        began_at = time.monotonic()
        hour, self.next_hour = self.next_hour, self.next_hour + 1
        run_id = self.product.request_hour(hour)
        has_struck = self._strike(victim, run_id, after)
        state = self._wait(run_id)
        healed = "after a retry" if self._try_count(run_id) > 1 else "at once"
        if state == "failed":
            ClearingApi(self.product.api.url, LOGIN_NAME, load_password(self.product.paths)).clear_failed(run_id)
            state, healed = self._wait(run_id), "after clearing"
        findings = self._judge(run_id, state)
        seconds = time.monotonic() - began_at
        return Result(number, f"{victim} killed", "hour in Airflow", healed, has_struck, findings, (), (), seconds)

    def _strike(self, victim: str, run_id: str, after: float) -> bool:
        """Kills the process once so many seconds have passed and there is one; whether it did before the run's end."""
        due_at = time.monotonic() + after
        while self.product.ended(HOURLY, run_id) is None:
            process = find_victim(self.product.paths.local_dir, victim) if time.monotonic() >= due_at else None
            if process is not None:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
                    return True
            time.sleep(_POLL_SECONDS)
        return False

    def _wait(self, run_id: str) -> str:
        """The state in which the run has ended; ``unfinished`` after an hour."""
        deadline = time.monotonic() + _RUN_SECONDS
        while time.monotonic() < deadline:
            ended = self.product.ended(HOURLY, run_id)
            if ended is not None:
                return ended.state
            time.sleep(_POLL_SECONDS)
        return "unfinished"

    def _try_count(self, run_id: str) -> int:
        """The largest number of tries of a task of the run."""
        query = "select coalesce(max(try_number), 0) as count from task_instance where run_id = :run_id"
        with transaction(self.product.airflow) as connection:
            return int(fetch_rows(connection, query, {"run_id": run_id})[0]["count"])

    def _judge(self, run_id: str, state: str) -> tuple[Finding, ...]:
        url = plain_url(self.product.hourcast.url.render_as_string(hide_password=False))
        found = [] if state == "success" else [Finding(LOST, f"the run {run_id} has ended as {state}")]
        return (*found, *check(url, self.product.models_dir))


class ClearingApi(AirflowApi):
    """The API with what a person does on the page: clear the failed tasks of a run."""

    def clear_failed(self, run_id: str) -> None:
        """Clears the failed tasks of an hour, and no others; returns once Airflow has them waiting again."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": True, "reset_dag_runs": True}
        self._call("POST", f"/api/v2/dags/{HOURLY}/clearTaskInstances", body)


def find_victim(local_dir: Path, victim: str) -> psutil.Process | None:
    """The process to kill; None if there is none at this moment."""
    if victim in AIRFLOW_COMPONENTS:
        found = find_marked(local_dir, [victim])
        return min(found, key=psutil.Process.create_time, default=None)
    workers = find_marked(local_dir, ["scheduler"])
    return next((process for process in workers if _KINDS[victim](_title(process))), None)


def is_task(process: psutil.Process) -> bool:
    """Whether the process runs a task at this moment."""
    return _is_task(_title(process))


def _is_task(title: str) -> bool:
    return title.startswith(_WORKER) and not title.startswith(_EXECUTOR)


def _is_supervisor(title: str) -> bool:
    return title.startswith(_EXECUTOR) and "<idle>" not in title


_KINDS: dict[str, Callable[[str], bool]] = {TASK: _is_task, TASK_SUPERVISOR: _is_supervisor}


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return process.cmdline()[0] if process.cmdline() else ""
    return ""
