"""The product as a person runs it: real Postgres, real Airflow, real DAGs, in a temporary folder.

One start serves every test of this module, in the order in which they stand: a person would do the same.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests

from include.local.processes import find_marked
from tests.support.airflow import PROJECT_DIR

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
NOVA, ORION = "NOVA-USD.SIM", "ORION-USD.SIM"
_RUN_SECONDS = 600.0


@dataclass
class Machine:
    """One installation: where it lies, and what its commands print."""

    local_dir: Path
    environment: dict[str, str]

    def command(self, *arguments: str, timeout: float = _RUN_SECONDS) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "include.local", *arguments],
            cwd=PROJECT_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


class Page:
    """Airflow's REST API, logged in with what `make run` printed."""

    def __init__(self, printed: str) -> None:
        line = next(text for text in printed.splitlines() if text.startswith("Airflow  http"))
        self.url = line.split()[1]
        password = line.rsplit("password ", 1)[1].rstrip(") ")
        answer = requests.post(f"{self.url}/auth/token", json={"username": "admin", "password": password}, timeout=30)
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        answer = requests.post(
            f"{self.url}/api/v2/dags/{dag_id}/dagRuns",
            json={"logical_date": None, "conf": conf},
            headers=self._headers,
            timeout=30,
        )
        assert answer.ok, answer.text
        return str(answer.json()["dag_run_id"])

    def wait(self, dag_id: str, run_id: str) -> str:
        deadline = time.monotonic() + _RUN_SECONDS
        while time.monotonic() < deadline:
            answer = requests.get(
                f"{self.url}/api/v2/dags/{dag_id}/dagRuns/{run_id}", headers=self._headers, timeout=60
            )
            if answer.json()["state"] in {"success", "failed"}:
                return str(answer.json()["state"])
            time.sleep(1)
        return "unfinished"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    folder = Path(tempfile.mkdtemp(prefix="hourcast-live-"))
    folder.chmod(0o755)
    local_dir = folder / "local"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HOURCAST"))}
    installed = Machine(
        local_dir,
        {
            **kept,
            "HOURCAST_LOCAL_DIR": str(local_dir),
            "HOURCAST_MODELS_DIR": str(local_dir / "models"),
            "HOURCAST_CACHE_DIR": str(local_dir / "cache"),
            "HOURCAST_AIRFLOW_PORT": "18380",
            "HOURCAST_POSTGRES_PORT": "15432",
            "HOURCAST_HISTORY_DAYS": "90",
        },
    )
    try:
        yield installed
    finally:
        installed.command("down", timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def printed(machine: Machine) -> str:
    """What the first `make run` printed."""
    done = machine.command("run", f"--tickers={NOVA} nope!")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def page(printed: str) -> Page:
    return Page(printed)


def query(machine: Machine, sql: str) -> list[tuple[Any, ...]]:
    """The rows that a BI tool gets for a query."""
    host, port, database, role, password = (machine.local_dir / "pgpass.bi_reader").read_text().strip().split(":")
    connection = psycopg2.connect(host=host, port=port, user=role, password=password, dbname=database)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    connection.close()
    return rows


def test_the_first_run_prints_forecasts_that_real_dags_wrote(printed: str, machine: Machine) -> None:
    assert NOVA in printed
    assert "SIMULATED" in printed
    assert "Left out: 'nope!' is not a ticker; " in printed
    assert len(printed.splitlines()) <= 40
    assert query(machine, "select count(*), count(distinct as_of) from bi.forecast")[0] == (14, 2)
    outcomes = query(machine, "select status from bi.hour_outcome order by as_of desc limit 1")
    assert outcomes == [("forecast",)]


def test_a_ticker_requested_on_the_page_becomes_active(page: Page, machine: Machine) -> None:
    run_id = page.trigger("onboard_ticker", {"tickers": [f" {ORION.lower()} ", "no-such-name!"]})
    assert page.wait("onboard_ticker", run_id) == "success"
    assert query(machine, "select ticker, status from bi.ticker_status order by ticker") == [
        (NOVA, "active"),
        (ORION, "active"),
    ]


def test_an_hour_succeeds_although_the_scheduler_is_killed(page: Page, machine: Machine) -> None:
    run_id = page.trigger("hourly_forecast", {})
    scheduler = [process for process in find_marked(machine.local_dir) if "scheduler" in " ".join(process.cmdline())]
    assert scheduler
    for process in scheduler:
        process.send_signal(signal.SIGKILL)
    assert page.wait("hourly_forecast", run_id) == "success"


def test_status_shows_what_runs_the_newest_hour_and_the_tickers(page: Page, machine: Machine) -> None:
    done = machine.command("status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert page.url in done.stdout
    assert " UTC is the newest" in done.stdout
    assert "Tickers  2 active" in done.stdout
    assert "\nNext     " in done.stdout


def test_a_second_run_continues_where_the_first_ended(page: Page, machine: Machine) -> None:
    started = query(machine, "select count(*) from bi.forecast")
    done = machine.command("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert NOVA in done.stdout
    assert ORION in done.stdout
    assert query(machine, "select count(*) from bi.forecast") >= started


def test_down_leaves_no_process_behind(page: Page, machine: Machine) -> None:
    assert find_marked(machine.local_dir)
    assert machine.command("down", timeout=120).returncode == 0
    assert find_marked(machine.local_dir) == []
