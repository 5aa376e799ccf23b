"""The page over HTTP without Airflow: its app, and as much of Airflow's REST API as the page uses, in memory."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException

from include.store.reader import Engine
from plugins.forecasts.app import create_app
from tests.support.waiting import eventually


@dataclass
class FakeAirflow:
    """The runs of onboard_ticker that were requested, and who may request them."""

    may_start: bool = True
    is_paused: bool = False
    state: str = "queued"
    requested: list[dict[str, Any]] = field(default_factory=list)

    def routes(self, app: FastAPI) -> None:
        """Adds its paths to an app."""

        @app.get("/api/v2/dags/onboard_ticker")
        def dag() -> dict[str, Any]:
            return {"dag_id": "onboard_ticker", "is_paused": self.is_paused}

        @app.post("/api/v2/dags/onboard_ticker/dagRuns")
        def start(body: dict[str, Any]) -> dict[str, Any]:
            if not self.may_start:
                raise HTTPException(403, "Forbidden")
            self.requested.append(body)
            return {"dag_run_id": f"manual__fake_{len(self.requested)}", "state": "queued"}

        @app.get("/api/v2/dags/onboard_ticker/dagRuns/{run_id}")
        def run(run_id: str) -> dict[str, Any]:
            return {"dag_run_id": run_id, "state": self.state}


@contextmanager
def serve_page(open_database: Callable[[], Engine], airflow: FakeAirflow | None = None, port: int = 0) -> Iterator[str]:
    """The address of the overview, below ``/forecasts/`` as in Airflow; everybody is let in."""
    root = FastAPI()
    root.mount("/forecasts", create_app(open_database, login=lambda: None))
    (airflow or FakeAirflow()).routes(root)
    server = uvicorn.Server(uvicorn.Config(root, host="127.0.0.1", port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert eventually(lambda: server.started, 20), "the server did not start"
        bound = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{bound}/forecasts/"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
