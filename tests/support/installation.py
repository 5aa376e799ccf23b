"""An installation as a person makes it: what `make run` starts, in a temporary folder, and Airflow's API of it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import requests

from tests.support.airflow import PROJECT_DIR

RUN_SECONDS = 600.0


@dataclass
class Machine:
    """One installation: where it lies, and what its commands print."""

    local_dir: Path
    environment: dict[str, str]

    def command(self, *arguments: str, timeout: float = RUN_SECONDS) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "include.local", *arguments],
            cwd=PROJECT_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a BI tool gets for a query."""
        host, port, database, role, password = (self.local_dir / "pgpass.bi_reader").read_text().strip().split(":")
        connection = psycopg2.connect(host=host, port=port, user=role, password=password, dbname=database)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
        connection.close()
        return rows


class AirflowClient:
    """Airflow's REST API, logged in with what `make run` printed."""

    def __init__(self, printed: str) -> None:
        line = next(text for text in printed.splitlines() if text.startswith("Airflow  http"))
        self.url = line.split()[1]
        self.password = line.rsplit("password ", 1)[1].rstrip(") ")
        answer = requests.post(
            f"{self.url}/auth/token", json={"username": "admin", "password": self.password}, timeout=30
        )
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
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            answer = requests.get(
                f"{self.url}/api/v2/dags/{dag_id}/dagRuns/{run_id}", headers=self._headers, timeout=60
            )
            if answer.json()["state"] in {"success", "failed"}:
                return str(answer.json()["state"])
            time.sleep(1)
        return "unfinished"

    def run_ids(self, dag_id: str) -> list[str]:
        answer = requests.get(f"{self.url}/api/v2/dags/{dag_id}/dagRuns", headers=self._headers, timeout=60)
        return [run["dag_run_id"] for run in answer.json()["dag_runs"]]


@contextmanager
def installation(airflow_port: int, postgres_port: int) -> Iterator[Machine]:
    """A folder for an installation on these ports; whatever it started is stopped, and the folder removed."""
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
            "HOURCAST_AIRFLOW_PORT": str(airflow_port),
            "HOURCAST_POSTGRES_PORT": str(postgres_port),
            "HOURCAST_HISTORY_DAYS": "90",
        },
    )
    try:
        yield installed
    finally:
        installed.command("down", timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
