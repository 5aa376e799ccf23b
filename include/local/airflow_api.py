"""The part of Airflow's REST API that the launcher uses: login, health, DAGs, pools, runs, task states.

Errors of ``requests`` become errors of ``include.errors``. Where next: ``include/local/progress``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

import requests

from include.errors import LaunchError, RetryableError

_TIMEOUT_SECONDS = (10.0, 60.0)  # to connect, to respond: Airflow takes long on a busy machine
COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class AirflowApi:
    """One Airflow at ``url`` (``http://127.0.0.1:8080``), with a login; a context manager, which closes connections."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url = url
        self._credentials: dict[str, Any] = {"username": name, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for addresses of this machine
        self._has_token = False

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()

    def unhealthy(self) -> list[str]:
        """The components that Airflow does not report as healthy; all of them when Airflow cannot be reached.

        Raises:
            LaunchError: the server at this address refuses the login, so it belongs to another installation.
        """
        try:
            self._log_in()
            health = self._call("GET", "/api/v2/monitor/health")
        except RetryableError:
            return ["api-server", *COMPONENTS]
        return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]

    def missing_dags(self, dag_ids: list[str]) -> list[str]:
        """Those of ``dag_ids`` that Airflow has not parsed yet."""
        return [dag_id for dag_id in dag_ids if self._call("GET", f"/api/v2/dags/{dag_id}", absent={404}) is None]

    def import_errors(self) -> list[str]:
        """File name and traceback of each DAG file that Airflow could not import."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{item['filename']}: {item['stack_trace']}" for item in found]

    def unpause(self, dag_id: str) -> bool:
        """Unpauses the DAG, because runs of a paused DAG never start; returns whether it was paused."""
        was_paused = bool(self._call("GET", f"/api/v2/dags/{dag_id}")["is_paused"])
        if was_paused:
            self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        return was_paused

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Creates the pool, or changes its number of slots."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        current = self._call("GET", f"/api/v2/pools/{name}", absent={404})
        if current is None:
            self._call("POST", "/api/v2/pools", body)
        elif current["slots"] != slots:
            self._call("PATCH", f"/api/v2/pools/{name}", {"pool": name, "slots": slots, "include_deferred": False})

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, object], as_of: datetime | None = None) -> None:
        """Creates a DAG run; a second call with the same ``run_id`` changes nothing.

        ``as_of``: the instant of the run, in UTC and past; without one it is now.
        """
        body: dict[str, Any] = {"logical_date": None, "dag_run_id": run_id, "conf": dict(conf)}
        if as_of is not None:
            body |= {"logical_date": as_of.isoformat(), "run_after": as_of.isoformat()}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, absent={409})

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The run: its ``state``, ``run_after`` and so on."""
        return dict(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))

    def unfinished_runs(self, dag_id: str) -> list[str]:
        """Ids of the DAG's runs that are queued or running, oldest first."""
        query = "state=queued&state=running&order_by=run_after&limit=100"
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns?{query}")["dag_runs"]
        return [str(item["dag_run_id"]) for item in found]

    def task_states(self, dag_id: str, run_id: str) -> list[tuple[str, str]]:
        """(task id, state) of each task instance of the run; the state is "" before Airflow has set one."""
        address = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100"
        found = self._call("GET", address)["task_instances"]
        return [(str(item["task_id"]), str(item["state"] or "")) for item in found]

    def _log_in(self) -> None:
        if self._has_token:
            return
        response = self._send("POST", "/auth/token", self._credentials)
        if response.status_code == 401:
            message = f"Another Airflow runs at {self.url} and refuses this login. Run again to use another port."
            raise LaunchError(message)
        if response.status_code >= 400:
            message = f"The login to Airflow at {self.url} failed with status {response.status_code}."
            raise RetryableError(message)
        self._session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        self._has_token = True

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, absent: set[int] | None = None) -> Any:  # noqa: ANN401  # JSON
        """The response's JSON; None for a status in ``absent``."""
        self._log_in()
        response = self._send(method, path, body)
        if response.status_code in (absent or set()):
            return None
        if response.status_code >= 500:
            message = f"{method} {path} failed in Airflow with status {response.status_code}."
            raise RetryableError(message)
        if response.status_code >= 400:
            message = f"Airflow refused {method} {path} (status {response.status_code}): {response.text[:500]}"
            raise LaunchError(message)
        return response.json() if response.content else {}

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> requests.Response:
        try:
            return self._session.request(method, self.url + path, json=body, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            message = f"Airflow at {self.url} cannot be reached: {type(error).__name__}"
            raise RetryableError(message) from error
