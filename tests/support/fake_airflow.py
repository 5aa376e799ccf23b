"""As much of Airflow's REST API as the launcher uses, in memory, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


@dataclass
class FakeAirflow:
    """What this Airflow knows. A DAG run moves one entry along ``states`` each time it is looked at."""

    password: str = "right"
    dags: dict[str, bool] = field(default_factory=lambda: {"hourly_forecast": False, "onboard_ticker": False})
    unhealthy: set[str] = field(default_factory=set)
    import_errors: list[dict[str, str]] = field(default_factory=list)
    pools: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: ["queued", "running", "success"])
    tasks: list[tuple[str, str | None]] = field(default_factory=list)
    broken_answers: int = 0
    url: str = ""

    def answer(self, method: str, path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        """Status and JSON of one request."""
        if path == "/auth/token":
            right = body == {"username": "admin", "password": self.password}
            return (201, {"access_token": "token"}) if right else (401, {"detail": "Invalid credentials"})
        if token != "Bearer token":
            return 401, {"detail": "Not authenticated"}
        if self.broken_answers:
            self.broken_answers -= 1
            return 500, {"detail": "Internal server error"}
        parts = path.split("?")[0].removeprefix("/api/v2/").split("/")
        handler = getattr(self, f"_{method.lower()}_{parts[0]}")
        return handler(parts[1:], body)

    def _get_monitor(self, _parts: list[str], _body: dict[str, Any]) -> tuple[int, Any]:
        return 200, {name: {"status": "unhealthy" if name in self.unhealthy else "healthy"} for name in COMPONENTS}

    def _get_importErrors(self, _parts: list[str], _body: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802  # the path
        return 200, {"import_errors": self.import_errors, "total_entries": len(self.import_errors)}

    def _get_pools(self, parts: list[str], _body: dict[str, Any]) -> tuple[int, Any]:
        return (200, self.pools[parts[0]]) if parts[0] in self.pools else (404, {"detail": "not found"})

    def _post_pools(self, _parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        self.pools[body["name"]] = body
        return 201, body

    def _patch_pools(self, parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        self.pools[parts[0]]["slots"] = body["slots"]
        return 200, self.pools[parts[0]]

    def _patch_dags(self, parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        self.dags[parts[0]] = body["is_paused"]
        return 200, {"dag_id": parts[0]}

    def _post_dags(self, parts: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        key = (parts[0], body["dag_run_id"])
        if key in self.runs:
            return 409, {"detail": "exists"}
        if body["conf"].get("tickers") == "not a list":
            return 400, {"detail": "Invalid input for param tickers"}
        times = {name: body[name] for name in ("logical_date", "run_after") if body.get(name)}
        self.runs[key] = {"dag_run_id": key[1], "conf": body["conf"], "looked_at": 0, **times}
        return 200, {"dag_run_id": key[1]}

    def _get_dags(self, parts: list[str], _body: dict[str, Any]) -> tuple[int, Any]:
        dag_id = parts[0]
        if dag_id not in self.dags:
            return 404, {"detail": "not found"}
        if len(parts) == 1:
            return 200, {"dag_id": dag_id, "is_paused": self.dags[dag_id]}
        if len(parts) == 2:
            return 200, {"dag_runs": [run for (owner, _), run in self.runs.items() if owner == dag_id]}
        if len(parts) == 4:
            return 200, {"task_instances": [{"task_id": name, "state": state} for name, state in self.tasks]}
        run = self.runs[dag_id, parts[2]]
        state = self.states[min(run["looked_at"], len(self.states) - 1)]
        run["looked_at"] += 1
        return 200, run | {"state": state}


@contextmanager
def serve(airflow: FakeAirflow) -> Iterator[FakeAirflow]:
    """The fake behind a port of its own; ``airflow.url`` is its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.0"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, value = airflow.answer(self.command, self.path, body, self.headers.get("Authorization"))
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  # the names http.server looks for

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    airflow.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield airflow
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
