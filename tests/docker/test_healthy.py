"""The containers' health check, against a small page that answers as Airflow's does."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.docker.compose import load_script, services

healthy = load_script("healthy")

REPORT = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-01-05T10:00:00+00:00"},
    "dag_processor": {"status": "healthy"},
    "triggerer": {"status": None},
}


@contextmanager
def page(body: bytes) -> Iterator[int]:
    """Port of a page that answers every request with ``body``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/v2/monitor/health" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(component: str, body: bytes) -> str | None:
    with page(body) as port:
        answer: str | None = healthy.why_unhealthy(component, "127.0.0.1", port)
        return answer


@pytest.mark.parametrize("component", ["metadatabase", "dag_processor"])
def test_a_component_with_a_heartbeat_is_healthy(component: str) -> None:
    assert ask(component, json.dumps(REPORT).encode()) is None


def test_a_component_whose_heartbeat_stopped_is_not() -> None:
    assert ask("scheduler", json.dumps(REPORT).encode()) == "scheduler is unhealthy."


def test_a_component_that_never_started_is_not() -> None:
    assert ask("triggerer", json.dumps(REPORT).encode()) == "triggerer is not running."


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"scheduler": null}'])
def test_an_answer_nobody_can_read_is_not_health(body: bytes) -> None:
    assert "cannot tell" in str(ask("scheduler", body))


def test_a_page_that_is_down_is_not_health() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "cannot tell" in healthy.why_unhealthy("scheduler", "127.0.0.1", unused.getsockname()[1])


def test_every_airflow_container_asks_about_its_own_component() -> None:
    asked = {
        name: service["healthcheck"]["test"][3]
        for name, service in services().items()
        if "docker/healthy.py" in service.get("healthcheck", {}).get("test", [])
    }
    assert asked == {
        "api-server": "metadatabase",
        "scheduler": "scheduler",
        "dag-processor": "dag_processor",
        "triggerer": "triggerer",
        "worker": "worker",
    }
    assert set(asked.values()) == {*REPORT, "worker"}


def test_a_worker_whose_queue_is_down_is_not_healthy() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://:secret@127.0.0.1:{unused.getsockname()[1]}/0"
        reason = healthy.why_worker_unhealthy(url, "celery@here")
    assert "cannot be reached" in reason
    assert "secret" not in reason


def test_a_worker_that_does_not_reply_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthy, "TIMEOUT_SECONDS", 0.2)
    assert healthy.why_worker_unhealthy("memory://", "celery@nobody") == "celery@nobody does not reply."
