"""Sends requests to Airflow's own app with the plugin in it, and writes what came back to a file as JSON.

A process of its own, because Airflow reads its configuration when it is imported, and because its warnings are not
ours. Arguments: a file with the requests, and one for the results.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

EXAMPLES = {"ticker": "AAPL", "name": "nothing", "view": "bar", "as_of": "2025-03-31T14:35:00Z", "day": "2025-03-31"}
"""Values of the parameters in the paths of routes."""


def plugin_info() -> dict[str, Any]:
    """What Airflow says of its plugins, in the form of its page."""
    from airflow import plugins_manager
    from airflow.api_fastapi.core_api.datamodels.plugins import PluginResponse

    found = [PluginResponse.model_validate(plugin) for plugin in plugins_manager.get_plugin_info()]
    return {
        "plugins": [plugin.model_dump(mode="json") for plugin in found],
        "errors": plugins_manager.get_import_errors(),
    }


def routes_of(app: Any) -> list[str]:
    """Every path that the plugin's app has a route for, with an example in place of each parameter, and each file."""
    from plugins.forecasts.pages import static_files

    (mounted,) = [route.app for route in app.routes if getattr(route, "path", "") == "/forecasts"]
    paths = [re.sub(r"{(\w+)(?::path)?}", lambda found: EXAMPLES[found[1]], route.path) for route in mounted.routes]
    return sorted({*paths, *(f"/static/{name}" for name in static_files())})


def main() -> None:
    from airflow.utils.db import initdb

    initdb()
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    app = create_app()
    client = TestClient(app, follow_redirects=False)
    login = client.post("/auth/token", json={"username": "vera", "password": "word"})
    token = login.json()["access_token"]

    def status(path: str, **options: Any) -> list[Any]:
        client.cookies.clear()
        response = client.request(options.pop("method", "GET"), f"/forecasts{path}", **options)
        return [response.status_code, dict(response.headers), response.text[:2000]]

    def triggered(**options: Any) -> int:
        client.cookies.clear()
        body = {"logical_date": None, "conf": {"tickers": ["AAPL"]}}
        return int(client.post("/api/v2/dags/onboard_ticker/dagRuns", json=body, **options).status_code)

    def attempt(password: str, path: str = "/auth/token") -> list[Any]:
        response = client.post(path, json={"username": "vera", "password": password})
        return [response.status_code, response.headers.get("retry-after"), response.json().get("detail")]

    paths = [*routes_of(app), *json.loads(Path(sys.argv[1]).read_text())]
    result = {
        "anonymous": {path: status(path) for path in paths},
        "viewer": {path: status(path, headers={"Authorization": f"Bearer {token}"}) for path in paths},
        "cookie": status("/", headers={"Cookie": f"_token={token}"}),
        "posted": {path: status(path, method="POST", headers={"Authorization": f"Bearer {token}"}) for path in paths},
        "triggered": {
            "anonymous": triggered(),
            "viewer": triggered(headers={"Authorization": f"Bearer {token}"}),
            "viewer with a cookie": triggered(headers={"Cookie": f"_token={token}"}),
        },
        "info": plugin_info(),
        "airflows own page": dict(client.get("/").headers),
        "logins": [attempt("wrong", path) for path in ("/auth/token", "/auth/token/cli") * 3] + [attempt("word")],
        "loaded": sorted(set(sys.modules) & {"torch", "yfinance", "include.pipeline", "include.market"}),
    }
    Path(sys.argv[2]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
