"""Imports the bundle into a real Superset, opens its dashboard in a headless Chromium, and photographs it.

Run it with the Python of an environment that has Superset and Playwright; docs/dashboards.md says what to install:

    env/bin/python dashboards/superset/check.py --address 127.0.0.1:5432 --pgpass .local/pgpass.bi_reader --shots folder

Superset gets a folder and a database of its own, which are removed at the end. The exit status is 0 if every chart
shows its rows and the band of the forecast is drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Response, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dashboards.superset.pack import ADDRESS, BUNDLE, DATABASE, pack

SLUG = "hourcast"
LEAST_BAND = 2000
"""Tinted pixels of the forecast's chart above which its band counts as drawn; lines alone have some hundred."""

_CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
TALISMAN_ENABLED = False
WTF_CSRF_ENABLED = False
"""
_CHART_HOLDERS = ".dashboard-component-chart-holder"
_READY = f"""() => {{
    const charts = [...document.querySelectorAll("{_CHART_HOLDERS}")];
    const isDone = (chart) => chart.querySelector("canvas, table, .header-line") && !chart.querySelector(".loading");
    return charts.length === COUNT && charts.every(isDone);
}}"""
_BAND = f"""() => {{
    const canvases = [...document.querySelectorAll("{_CHART_HOLDERS}")[0].querySelectorAll("canvas")];
    return Math.max(...canvases.map((canvas) => {{
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0;
        for (let at = 0; at < pixels.length; at += 4) {{
            const [red, green, blue, alpha] = pixels.slice(at, at + 4);
            const range = Math.max(red, green, blue) - Math.min(red, green, blue);
            if (range > 8 && alpha > 0 && (alpha < 128 || range < 90)) count += 1;
        }}
        return count;
    }}));
}}"""


def main() -> int:
    """Runs the trial; 0 if the dashboard shows what it should, else 1 with the reasons on standard error."""
    chosen = _parse()
    chosen.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hourcast-superset-") as folder:
        password = secrets.token_urlsafe(12)
        environment = _environment(Path(folder), chosen.pgpass.resolve())
        pack(Path(folder, "hourcast.zip"), chosen.address, chosen.database)
        _install(Path(folder), environment, password)
        with _server(Path(folder), environment) as address:
            found = _look(address, password, chosen.chromium, chosen.shots)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    faults = _faults(found)
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return int(bool(faults))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try the dashboard in a real Superset.")
    parser.add_argument("--address", default=ADDRESS, help="host:port of Hourcast's Postgres")
    parser.add_argument("--database", default=DATABASE, help="its name")
    parser.add_argument(
        "--pgpass", type=Path, default=Path(".local/pgpass.bi_reader"), help="bi_reader's password file"
    )
    parser.add_argument("--shots", type=Path, default=Path("superset-shots"), help="folder for the photographs")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser; default: the one in PATH")
    return parser.parse_args()


def _environment(folder: Path, pgpass: Path) -> dict[str, str]:
    config = folder / "superset_config.py"
    config.write_text(_CONFIG.format(secret=secrets.token_urlsafe(42), folder=folder), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUPERSET", "FLASK", "PG"))}
    return kept | {
        "FLASK_APP": "superset.app:create_app()",
        "PGPASSFILE": str(pgpass),
        "SUPERSET_CONFIG_PATH": str(config),
        "SUPERSET_HOME": str(folder),
    }


def _superset(environment: dict[str, str], *arguments: str) -> None:
    """Runs a command of Superset; its output is shown only if it fails."""
    program = Path(sys.executable).with_name("superset")
    command = [str(program), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    if done.returncode:
        sys.exit(f"superset {arguments[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def _install(folder: Path, environment: dict[str, str], password: str) -> None:
    """Makes a Superset with one administrator and the bundle ``hourcast.zip`` of the folder."""
    person = ("--username", "admin", "--firstname", "A", "--lastname", "B", "--email", "admin@localhost")
    _superset(environment, "db", "upgrade")
    _superset(environment, "fab", "create-admin", *person, "--password", password)
    _superset(environment, "init")
    _superset(environment, "import-dashboards", "-p", str(folder / "hourcast.zip"), "-u", "admin")


@contextmanager
def _server(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of a running Superset on this machine, which ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("superset")
    with (folder / "server.log").open("wb") as log:
        command = [str(program), "run", "--with-threads", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603  # our own
        try:
            _await_server(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await_server(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310  # http on this machine
            if response.status == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.5)
    sys.exit("Superset did not start.")


def _look(address: str, password: str, chromium: str | None, shots: Path) -> dict[str, Any]:
    """What the dashboard shows: its charts, their queries and errors, and the tinted pixels of the forecast's band."""
    chart_count = len(list((BUNDLE / "charts").glob("*.yaml")))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1750})  # charts out of sight are not drawn
        queries: dict[str, dict[str, Any]] = {}
        failed: list[str] = []
        page.on("response", lambda response: _note_queries(response, queries, failed))
        page.goto(f"{address}/login/")
        page.fill("input[name=username], #username", "admin")
        page.fill("input[name=password], #password", password)
        page.press("input[name=password], #password", "Enter")
        page.wait_for_url(lambda url: "/login" not in url, timeout=60_000)
        page.goto(f"{address}/superset/dashboard/{SLUG}/?standalone=1")
        with suppress(Exception):  # what is missing is reported below, with a picture
            page.wait_for_function(_READY.replace("COUNT", str(chart_count)), timeout=120_000)
        page.wait_for_timeout(3000)
        page.screenshot(path=str(shots / "dashboard.png"))
        holders = page.locator(_CHART_HOLDERS)
        holders.first.screenshot(path=str(shots / "forecast.png"))
        errors = page.locator("[role=alert], .ant-alert-error").all_inner_texts()
        found = {
            "charts": holders.count(),
            "queries": queries,
            "failed": failed,
            "errors": errors,
            "band_pixels": page.evaluate(_BAND),
        }
        browser.close()
    return found


def _note_queries(response: Response, queries: dict[str, dict[str, Any]], failed: list[str]) -> None:
    """Notes of each query of a chart its columns, its rows and what it is filtered by, and which ones failed."""
    if "/api/v1/chart/data" not in response.url:
        return
    if response.status >= 400:
        failed.append(f"{response.status} {response.text()[:300]}")
        return
    sent = response.request.post_data_json["queries"]
    for query, result in zip(sent, response.json()["result"], strict=True):
        filters = [each["col"] for each in query["filters"]]
        queries[", ".join(result["colnames"])] = {"rows": result["rowcount"], "filters": filters}


def _faults(found: dict[str, Any]) -> list[str]:
    wanted = len(list((BUNDLE / "charts").glob("*.yaml")))
    faults = [
        *(f"a query failed: {text}" for text in found["failed"]),
        *(f"an error: {text}" for text in found["errors"]),
    ]
    if found["charts"] != wanted:
        faults.append(f"{found['charts']} of {wanted} charts are shown")
    (forecast,) = (query for columns, query in found["queries"].items() if "forecast__yhat" in columns)
    if "ticker" not in forecast["filters"]:
        faults.append("the chart of the forecast is not filtered by a ticker")
    if found["band_pixels"] < LEAST_BAND:
        faults.append(f"the band of the forecast is not drawn: {found['band_pixels']} tinted pixels")
    return faults


if __name__ == "__main__":
    sys.exit(main())
