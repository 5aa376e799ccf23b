"""Starts and stops what runs in the background: Postgres and Airflow's four components.

``up`` works from nothing, after a clean stop, while parts still run, and after any process was killed: components that
are healthy and were started with the current code and settings stay; all others of this folder are ended and started
again. Where next: ``include/local/supervisor`` for what restarts the components, ``include/local/run`` for what uses
them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from include.durable import write_private
from include.errors import LaunchError, StoreUnavailableError
from include.local.airflow_api import AirflowApi
from include.local.airflow_env import (
    LOGIN_NAME,
    airflow_environment,
    collector_environment,
    ensure_metrics_token,
    hourcast_environment,
    inherited_environment,
    load_keys,
    load_password,
)
from include.local.databases import (
    Databases,
    airflow_revision,
    ensure_airflow_database,
    open_databases,
)
from include.local.paths import PROJECT_DIR, LocalPaths
from include.local.ports import HOST, choose_port
from include.local.postgres import STOP_SIGNAL
from include.local.processes import end_marked, marks
from include.local.supervisor import Program, Supervisor, log_of
from include.settings import Settings
from include.store.migrations import migrate

AIRFLOW_COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
DAG_IDS = ["hourly_forecast", "onboard_ticker"]
POSTGRES = "postgres"

_DATABASE_SECONDS = 90.0
_AIRFLOW_SECONDS = 240.0
_IMPORT_ERROR_SECONDS = 30.0
# Scheduler and triggerer would start log servers that listen on every address of the machine; the API server reads the
# log files directly.
_COMPONENT_ARGUMENTS = {"scheduler": ("--skip-serve-logs",), "triggerer": ("--skip-serve-logs",)}
_STOP_SECONDS = {"api-server": 8}  # otherwise it waits for browsers that keep their connections open


@dataclass(frozen=True)
class _Plan:
    """What should run: the page's port, the programs, their environment, and a hash of these and of the code."""

    port: int
    programs: tuple[Program, ...]
    environment: dict[str, str]
    fingerprint: str


class Stack:
    """The background processes of one local folder; ``report`` is called with a text about each step."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], report: Callable[[str], None]) -> None:
        self._settings = settings
        self._inherited = environment
        self._report = report
        self.paths = LocalPaths(settings.local.local_dir.absolute())
        self.databases: Databases = open_databases(settings)
        self.supervisor = Supervisor(self.paths)
        self.has_started_anything = False
        self.is_up = False

    @property
    def port(self) -> int | None:
        """The port of Airflow's page at the last start."""
        return self._remembered().get("port")

    @property
    def url(self) -> str:
        """Airflow's page."""
        return f"http://{HOST}:{self.port}"

    def api(self) -> AirflowApi:
        """Airflow's REST API, as the generated user."""
        return AirflowApi(self.url, LOGIN_NAME, load_password(self.paths))

    def up(self) -> None:
        """Starts what does not run; returns when Airflow is healthy and has parsed the DAGs.

        Raises:
            HourcastError: a component did not start; the message names it and its log.
        """
        self.paths.local_dir.mkdir(parents=True, exist_ok=True)
        self.paths.logs_dir.mkdir(exist_ok=True)
        if self._is_current():
            self._report("Postgres and Airflow are running already")
        else:
            self.down()
            self.has_started_anything = True
            self._start()
        self._wait_for_airflow()
        self.is_up = True

    def down(self) -> int:
        """Ends every process that was started for this folder; returns the number of processes that it found."""
        daemon = self.supervisor.process()
        if daemon is not None:
            self._report("stopping Airflow and Postgres ...")
        self.supervisor.stop()
        count = 0 if daemon is None else 1
        count += end_marked(self.paths.local_dir, AIRFLOW_COMPONENTS)  # before the database: they may still write to it
        if self.databases.server is not None and self.databases.server.data_dir.exists():
            self.databases.server.stop()
        return count + end_marked(self.paths.local_dir)

    def require_running(self) -> None:
        """Returns if supervisord runs and no component has failed for good.

        Raises:
            LaunchError: a component has failed for good, or supervisord has ended.
        """
        self._require_progress(time.monotonic(), "The background has ended")

    def environment(self) -> dict[str, str]:
        """The components' environment, for commands that a person runs; Postgres must have been initialised."""
        return self._environment(self.port or self._settings.local.airflow_port)

    def _start(self) -> None:
        server = self.databases.server
        if server is not None:
            if not server.data_dir.exists():
                self._report("creating the database (once) ...")
            server.ensure_initialised()
        ensure_airflow_database(self._settings)
        plan = self._plan(choose_port(self._settings.local.airflow_port, self.port, "HOURCAST_AIRFLOW_PORT"))
        self.supervisor.start(plan.programs, plan.environment)
        if server is not None:
            self._report(f"starting Postgres on {HOST}:{server.port} ...")
            self._wait_for_postgres()
        self._report("migrating Hourcast's tables ...")
        migrate(self.databases.migration_url())
        self._migrate_airflow(plan.environment)
        load_password(self.paths)
        ensure_metrics_token(self.paths)
        self._report(f"starting Airflow on http://{HOST}:{plan.port} ...")
        write_private(self.paths.state_file, json.dumps({"fingerprint": plan.fingerprint, "port": plan.port}) + "\n")
        self.supervisor.start_airflow()

    def _plan(self, port: int) -> _Plan:
        environment = self._environment(port)
        programs = tuple(self._programs())
        relevant = {name: value for name, value in environment.items() if name.startswith(("HOURCAST_", "AIRFLOW_"))}
        digest = hashlib.sha256(json.dumps([relevant, [program.argv for program in programs]], sort_keys=True).encode())
        code = [PROJECT_DIR / "requirements.txt", *(PROJECT_DIR / "plugins").rglob("*.py")]
        for path in sorted([*code, *(PROJECT_DIR / "include").rglob("*.py")]):
            digest.update(path.read_bytes())
        return _Plan(port, programs, environment, digest.hexdigest())

    def _environment(self, port: int) -> dict[str, str]:
        airflow = airflow_environment(self.paths, load_keys(self.paths), self.databases.airflow_url(), port)
        airflow |= collector_environment(self._inherited)
        databases = self.databases
        hourcast = hourcast_environment(self._inherited, self.paths, databases.hourcast_url(), databases.reader_url())
        return inherited_environment(self._inherited) | hourcast | airflow

    def _programs(self) -> list[Program]:
        programs = [
            Program(
                name=name,
                argv=(
                    *(sys.executable, "-m", "include.local.component"),
                    *(sys.executable, "-m", "airflow", name, *_COMPONENT_ARGUMENTS.get(name, ())),
                ),
                is_airflow=True,
                stop_seconds=_STOP_SECONDS.get(name, 20),
            )
            for name in AIRFLOW_COMPONENTS
        ]
        if self.databases.server is None:
            return programs
        # An empty environment keeps Airflow's secrets from the server, which root runs under an account that is shared.
        bare = (
            "/usr/bin/env",
            "-i",
            *(f"{name}={value}" for name, value in marks(self.paths.local_dir, POSTGRES).items()),
        )
        argv = (*bare, *self.databases.server.command())
        stop_signal = STOP_SIGNAL.name.removeprefix("SIG")
        return [Program(POSTGRES, argv, is_airflow=False, stop_signal=stop_signal, stop_seconds=40), *programs]

    def _is_current(self) -> bool:
        """Whether supervisord runs with the current code and settings, and every component runs or is starting."""
        remembered = self._remembered()
        states = {state.name: state.state for state in self.supervisor.states()}
        if not states or "port" not in remembered:
            return False
        if any(states.get(name) not in {"RUNNING", "STARTING"} for name in states):
            return False
        return self._plan(int(remembered["port"])).fingerprint == remembered.get("fingerprint")

    def _remembered(self) -> dict[str, Any]:
        with suppress(FileNotFoundError, ValueError):
            found: dict[str, Any] = json.loads(self.paths.state_file.read_text(encoding="utf-8"))
            return found
        return {}

    def _wait_for_postgres(self) -> None:
        server = self.databases.server
        deadline = time.monotonic() + _DATABASE_SECONDS
        while server is not None and not server.is_ready():
            if time.monotonic() > deadline:
                raise StoreUnavailableError(self._with_log("Postgres did not start", POSTGRES))
            time.sleep(0.1)

    def _migrate_airflow(self, environment: Mapping[str, str]) -> None:
        """Runs Airflow's migration, which takes 10 s, unless this version of Airflow has migrated the database last."""
        url = self.databases.airflow_url()
        done = {"airflow": version("apache-airflow"), "revision": airflow_revision(url)}
        with suppress(FileNotFoundError, ValueError):
            if done["revision"] and json.loads(self.paths.migrated_file.read_text(encoding="utf-8")) == done:
                return
        self._report("migrating Airflow's tables ...")
        log = log_of(self.paths, "airflow-migrate")
        with log.open("wb") as output:
            code = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=PROJECT_DIR,
                env=dict(environment) | marks(self.paths.local_dir, "airflow-migrate"),
                check=False,
            ).returncode
        if code != 0:
            raise LaunchError(self._with_log(f"Airflow's migration failed with exit status {code}", "airflow-migrate"))
        done["revision"] = airflow_revision(url)
        write_private(self.paths.migrated_file, json.dumps(done) + "\n")

    def _wait_for_airflow(self) -> None:
        with self.api() as api:
            self._wait_for(api)

    def _wait_for(self, api: AirflowApi) -> None:
        started = time.monotonic()
        while waiting := api.unhealthy():
            self._report(f"waiting for Airflow: {', '.join(waiting)} ...")
            self._require_progress(started, f"Airflow's {', '.join(waiting)} did not become healthy")
            time.sleep(0.5)
        while missing := api.missing_dags(DAG_IDS):
            self._report(f"waiting for Airflow to parse {', '.join(missing)} ...")
            errors = api.import_errors()
            if errors and time.monotonic() - started > _IMPORT_ERROR_SECONDS:
                message = "Airflow could not import a DAG file:\n" + "\n".join(errors)
                raise LaunchError(message)
            self._require_progress(started, f"Airflow did not parse {', '.join(missing)}")
            time.sleep(0.5)

    def _require_progress(self, started: float, failure: str) -> None:
        """Raises when the time is over, a component has failed for good, or supervisord has ended."""
        states = self.supervisor.states()
        broken = [state.name for state in states if state.state == "FATAL"]
        if not states:
            message = f"{failure}: supervisord has ended; see {self.paths.logs_dir / 'supervisord.log'}"
            raise LaunchError(message)
        if broken or time.monotonic() - started > _AIRFLOW_SECONDS:
            suspects = broken or [state.name for state in states if state.state != "RUNNING"] or [states[0].name]
            raise LaunchError(self._with_log(failure, suspects[0]))

    def _with_log(self, failure: str, component: str) -> str:
        """The failure, the path of the component's log, and its last lines."""
        log = log_of(self.paths, component)
        with suppress(FileNotFoundError):
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            return f"{failure}; see {log}. It ends with:\n" + "\n".join(tail)
        return f"{failure}; see {self.paths.logs_dir}"
