"""A container's health check: exit status 0 if the Airflow component named as the first argument is well.

Asks Airflow's page (on the host named second, else its own container), which knows every component's heartbeat, so a
check costs one request instead of a fresh Airflow process. Standard library only. Components: metadatabase (for the
page itself), scheduler, dag_processor, triggerer.
"""

from __future__ import annotations

import http.client
import json
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


if __name__ == "__main__":
    sys.exit(why_unhealthy(sys.argv[1], host=sys.argv[2] if len(sys.argv) > 2 else HOST))
