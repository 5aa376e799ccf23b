"""An installation for a soak, as `make run` makes it: own folder, own ports, simulated tickers, hours on request.

The accelerated clock: an hour runs as of an instant of the past, and takes seconds. What it leaves behind is dated back
to that instant: the files of logs and weights, and the rows of Airflow's tables. So the daily maintenance finds them as
old as they would be. Airflow starts no run by its own schedule.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Engine

from include.errors import LaunchError
from include.local.airflow_api import AirflowApi
from include.local.paths import LocalPaths
from include.local.postgres import AIRFLOW_DATABASE, HOURCAST_DATABASE, SUPERUSER
from include.local.processes import find_marked
from include.local.run import HOURLY, ONBOARD, TRAINING_POOL
from include.local.stack import Stack
from include.settings import load_settings
from include.store.engine import create_store_engine, execute, fetch_rows, transaction

FIRST_HOUR = datetime.fromisoformat("2025-03-03T00:35:00+00:00")
HOUR = timedelta(hours=1)
MAINTENANCE = "maintenance"
RETENTION_DAYS = 1
"""Days of every retention in a soak, so that within two days each kind is seen to be removed."""

_AIRFLOW_PORT, _POSTGRES_PORT = 18480, 18440
_HISTORY_DAYS = 90
_ONBOARDING_SECONDS = 1800.0
_RUN_SECONDS = 1800.0
_POLL_SECONDS = 0.25
_STARTS = 4
_NO_SCHEDULE = "[scheduler]\nuse_job_schedule = False\n"
DATED_BACK = {
    "dag_run": ("start_date", "end_date", "queued_at"),
    "task_instance": ("start_date", "end_date", "queued_dttm", "scheduled_dttm"),
    "task_instance_history": ("start_date", "end_date"),
    "xcom": ("timestamp",),
    "log": ("dttm",),
    "asset_event": ("timestamp",),
}
"""Airflow's tables that `airflow db clean` cleans by these times."""


@dataclass(frozen=True)
class Ended:
    """A run's end: its state in Airflow, and the seconds from its request to its end."""

    state: str
    seconds: float


@dataclass
class Product:
    """A running installation."""

    paths: LocalPaths
    models_dir: Path
    api: AirflowApi
    hourcast: Engine
    airflow: Engine
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of its components."""

    def onboard(self, ticker_count: int) -> None:
        """Onboards simulated tickers an hour before the first hour; every fourth one trades at all hours.

        Raises:
            RuntimeError: the run has failed.
        """
        tickers = [f"SOAK{k}{'-USD' if k % 4 == 3 else ''}.SIM" for k in range(ticker_count)]
        as_of = FIRST_HOUR - HOUR
        conf = {"tickers": tickers, "history_days": _HISTORY_DAYS, "as_of": as_of.isoformat()}
        self.api.trigger(ONBOARD, "soak_onboarding", conf)
        self.require_success(ONBOARD, "soak_onboarding", _ONBOARDING_SECONDS)

    def run_hour(self, number: int) -> float:
        """Runs an hour, counted from 0, and dates back what it left; seconds from its request to its end.

        Raises:
            RuntimeError: the run has failed.
        """
        as_of = FIRST_HOUR + number * HOUR
        began_at = real_time()
        ended = self.require_success(HOURLY, self.request_hour(number), _RUN_SECONDS)
        self.date_back(began_at, as_of)
        return ended.seconds

    def maintain(self, number: int) -> str:
        """Runs the daily maintenance after an hour, with Airflow's own clean-up; the note of the run.

        Raises:
            RuntimeError: the run has failed, or the clean-up does not end.
        """
        as_of = FIRST_HOUR + number * HOUR
        began_at = real_time()
        run_id = f"soak_maintenance_{number}"
        self.api.trigger(MAINTENANCE, run_id, {}, as_of)
        self.require_success(MAINTENANCE, run_id, _RUN_SECONDS)
        note = str(self.api.run(MAINTENANCE, run_id)["note"])
        with suppress(RuntimeError):  # it begins a moment after the run, and may be over already
            self.wait_for(self._is_cleaning, 30.0, "the wait for Airflow's clean-up")
        self.wait_for(lambda: not self._is_cleaning(), 600.0, "Airflow's clean-up")
        self.date_back(began_at, as_of)
        return note

    def request_hour(self, number: int) -> str:
        """Requests an hour, counted from 0, without waiting for it; the id of its run."""
        run_id = f"soak_hour_{number}"
        self.api.trigger(HOURLY, run_id, {}, FIRST_HOUR + number * HOUR)
        return run_id

    def ended(self, dag_id: str, run_id: str) -> Ended | None:
        """How a run ended; None while it runs."""
        query = """
            select state, extract(epoch from end_date - queued_at)::float8 as seconds
            from dag_run where dag_id = :dag_id and run_id = :run_id and state in ('success', 'failed')
        """
        with transaction(self.airflow) as connection:
            rows = fetch_rows(connection, query, {"dag_id": dag_id, "run_id": run_id})
        return Ended(**rows[0]) if rows else None

    def require_success(self, dag_id: str, run_id: str, seconds: float = _RUN_SECONDS) -> Ended:
        """How a run ended, once it has.

        Raises:
            RuntimeError: it has failed, or has not ended within these seconds.
        """
        self.wait_for(lambda: self.ended(dag_id, run_id) is not None, seconds, f"{dag_id} {run_id}")
        ended = self.ended(dag_id, run_id)
        if ended is None or ended.state != "success":
            message = f"{dag_id} {run_id} has ended as {ended}; its logs are in {self.paths.logs_dir}"
            raise RuntimeError(message)
        return ended

    def wait_for(self, is_done: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits until something is done.

        Raises:
            RuntimeError: it is not within these seconds.
        """
        deadline = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() > deadline:
                message = f"{what} has not ended within {seconds:.0f} s"
                raise RuntimeError(message)
            time.sleep(_POLL_SECONDS)

    def _is_cleaning(self) -> bool:
        found = find_marked(self.paths.local_dir, ["scheduler"])
        return any("clean" in words for words in map(_words, found))

    def date_back(self, began_at: datetime, as_of: datetime) -> None:
        """Gives what was written since ``began_at`` the time that it has on the accelerated clock."""
        times = {"since": began_at, "shift": real_time() - as_of}
        with transaction(self.airflow) as connection:
            for table, columns in DATED_BACK.items():
                changes = ", ".join(f"{column} = {column} - :shift" for column in columns)
                execute(connection, f"update {table} set {changes} where {columns[0]} >= :since", times)  # noqa: S608  # constants
        for folder in (self.paths.logs_dir / "tasks", self.paths.logs_dir / "dag_processor", self.models_dir):
            for path in folder.rglob("*"):
                if path.stat().st_mtime >= began_at.timestamp():
                    os.utime(path, (as_of.timestamp(), as_of.timestamp()))


def environment_of(inherited: Mapping[str, str], local_dir: Path) -> dict[str, str]:
    """The environment with the settings of a soak and no others of ours."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(("AIRFLOW", "HOURCAST"))}
    days = str(RETENTION_DAYS)
    return kept | {
        "HOURCAST_LOCAL_DIR": str(local_dir),
        "HOURCAST_MODELS_DIR": str(local_dir / "models"),
        "HOURCAST_CACHE_DIR": str(local_dir / "cache"),
        "HOURCAST_AIRFLOW_PORT": str(_AIRFLOW_PORT),
        "HOURCAST_POSTGRES_PORT": str(_POSTGRES_PORT),
        "HOURCAST_SHARD_COUNT": "1",  # fewer tasks an hour, so more hours
        "HOURCAST_MODEL_RETENTION_DAYS": days,
        "HOURCAST_REVISION_RETENTION_DAYS": days,
        "HOURCAST_LOG_RETENTION_DAYS": days,
        "HOURCAST_AIRFLOW_RETENTION_DAYS": days,
    }


@contextmanager
def opened_product(
    folder: Path,
    inherited: Mapping[str, str],
    report: Callable[[str], None],
    settings_of: Callable[[Mapping[str, str], Path], dict[str, str]] = environment_of,
) -> Iterator[Product]:
    """A running installation in ``folder``, which must be empty; it is stopped when the block ends.

    ``inherited``: the environment, of which settings of ours are left out. ``settings_of`` puts the installation's
    settings in their place, given the environment and the installation's local folder.
    """
    environment = settings_of(inherited, folder / "local")
    settings = load_settings(environment)
    stack = Stack(settings, environment, report)
    stack.paths.airflow_home.mkdir(parents=True)
    (stack.paths.airflow_home / "airflow.cfg").write_text(_NO_SCHEDULE, encoding="utf-8")
    try:
        _start(stack)
        server = stack.databases.server
        if server is None:
            message = "a soak needs the embedded Postgres"
            raise RuntimeError(message)
        hourcast, airflow = (
            create_store_engine(server.url(SUPERUSER, name)) for name in (HOURCAST_DATABASE, AIRFLOW_DATABASE)
        )
        with stack.api() as api:
            api.ensure_pool(TRAINING_POOL, settings.schedule.training_slots, "Training tasks")
            yield Product(stack.paths, settings.model.models_dir, api, hourcast, airflow, stack.environment())
        hourcast.dispose()
        airflow.dispose()
    finally:
        stack.down()


@contextmanager
def opened_temporary_product(
    report: Callable[[str], None],
    settings_of: Callable[[Mapping[str, str], Path], dict[str, str]] = environment_of,
) -> Iterator[Product]:
    """A running installation in a temporary folder, which is removed when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="hourcast-soak-"))
    folder.chmod(0o755)  # under root, the database's user must be able to enter
    try:
        with opened_product(folder, dict(os.environ), report, settings_of) as product:  # noqa: TID251  # for command lines
            yield product
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(stack: Stack) -> None:
    """Starts it; on a busy machine Airflow needs longer than the launcher waits, so that is repeated.

    Raises:
        LaunchError: it has not become healthy.
    """
    for _ in range(_STARTS - 1):
        with suppress(LaunchError):
            stack.up()
            return
    stack.up()


def real_time() -> datetime:
    """Now, UTC: the hours are of the past, and what they leave behind has this time at first."""
    return datetime.now(UTC)  # noqa: TID251  # as above: no forecast depends on it


def _words(process: psutil.Process) -> list[Any]:
    """A process's command line; empty if it has ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
