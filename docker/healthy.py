"""A container's health check: exit status 0 if the Airflow component named as the first argument is well.

Reads Airflow's page (on the host named second, else its own container), which knows every component's heartbeat, so a
check costs one request instead of a fresh Airflow process. Components: metadatabase (for the page itself), scheduler,
dag_processor, triggerer. A `worker` has no heartbeat there: the worker of this container is pinged through Redis.
Standard library only, and Celery for a worker.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys

HOST = "api-server"
PORT = 8080
TIMEOUT_SECONDS = 8.0


def why_unhealthy(component: str, host: str = HOST, port: int = PORT) -> str | None:
    """None if the component is healthy, else the reason in one sentence."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        response = connection.getresponse()
        report = json.loads(response.read())
        status = report[component]["status"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return f"Airflow's page at {host}:{port} cannot tell ({type(error).__name__}: {error})."
    finally:
        connection.close()
    return None if status == "healthy" else f"{component} is {status or 'not running'}."


def why_worker_unhealthy(broker_url: str, name: str) -> str | None:
    """None if the Celery worker ``name`` replies to a ping through the broker, else the reason in one sentence."""
    from celery import Celery  # type: ignore[import-untyped]  # noqa: PLC0415  # a third of a second, for workers alone
    from kombu.exceptions import KombuError  # noqa: PLC0415  # the same

    with Celery(broker=broker_url, broker_connection_timeout=TIMEOUT_SECONDS) as app:
        try:
            replies = app.control.ping(destination=[name], timeout=TIMEOUT_SECONDS, limit=1)
        except (OSError, KombuError) as error:
            return f"The queue cannot be reached ({type(error).__name__})."
    return None if replies else f"{name} does not reply."


def main(arguments: list[str]) -> str | None:
    """None if the component of ``arguments`` is well, else the reason in one sentence."""
    if arguments[0] == "worker":
        return why_worker_unhealthy(os.environ["AIRFLOW__CELERY__BROKER_URL"], f"celery@{socket.gethostname()}")
    return why_unhealthy(arguments[0], host=arguments[1] if len(arguments) > 1 else HOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
