"""The plugin within the real Airflow: nothing of it is open without a login, and nothing of it writes."""

import json
import subprocess
import sys
from typing import Any

import pytest

from include.local.postgres import READER_ROLE, EmbeddedPostgres
from tests.support.airflow import PROJECT_DIR, airflow_environment

pytestmark = pytest.mark.integration

MORE_PATHS = ["/openapi.json", "/docs", "/redoc", "/static/../plugin.py", "/static/%2e%2e/plugin.py", "/elsewhere"]

Found = dict[str, Any]


@pytest.fixture(scope="module")
def found(
    migrated_server: EmbeddedPostgres, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Found:
    """What Airflow's app responds to an anonymous caller and to a person who may only look."""
    home = tmp_path_factory.mktemp("airflow-of-the-page")
    (home / "passwords.json").write_text(json.dumps({"vera": "word"}))
    (home / "requests.json").write_text(json.dumps(MORE_PATHS))
    database = module_database_url.rpartition("/")[2]
    environment = airflow_environment(home, f"sqlite:///{home}/airflow.db") | {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "vera:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests that is long enough for its algorithm",
        "HOURCAST_READER_URL": migrated_server.url(READER_ROLE, database),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.page_driver", str(home / "requests.json"), str(home / "found.json")],
        env=environment,
        cwd=PROJECT_DIR,
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    result: Found = json.loads((home / "found.json").read_text())
    return result


def test_airflow_shows_the_view_at_the_top_of_its_navigation(found: Found) -> None:
    (plugin,) = [plugin for plugin in found["info"]["plugins"] if plugin["name"] == "forecasts"]
    view, *_ = plugin["external_views"]
    assert (view["name"], view["destination"], view["nav_top_level"]) == ("Forecasts", "nav", True)
    assert view["url_route"] == "forecasts"
    assert not view["href"].startswith("/")


def test_dags_runs_and_tasks_have_a_tab_with_their_part_of_the_page(found: Found) -> None:
    (plugin,) = [plugin for plugin in found["info"]["plugins"] if plugin["name"] == "forecasts"]
    _, *tabs = plugin["external_views"]
    addresses = {tab["destination"]: tab["href"] for tab in tabs}
    assert addresses == {
        "dag": "forecasts/run?dag_id={DAG_ID}",
        "dag_run": "forecasts/run?dag_id={DAG_ID}&run_id={RUN_ID}",
        "task_instance": "forecasts/run?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}",
    }
    assert len({view["url_route"] for view in plugin["external_views"]}) == 4


def test_airflow_loads_no_other_file_of_the_folder_as_a_plugin(found: Found) -> None:
    assert found["info"]["errors"] == {}
    assert sorted(plugin["name"] for plugin in found["info"]["plugins"]) == [
        "forecasts",
        "hourcast_metadata_cleanup",
        "hourcast_metrics",
        "hourcast_run_notes",
        "hourcast_safeguards",
    ]
    assert found["loaded"] == []


def test_without_a_login_every_path_is_refused(found: Found) -> None:
    refused = {path: status for path, (status, _, _) in found["anonymous"].items()}
    assert len(refused) > 20
    assert "/static/js/overview.js" in refused
    assert "/api/v1/openapi.json" in refused
    assert {path: status for path, status in refused.items() if status != 401} == {}


def test_a_person_who_may_only_look_sees_pages_files_and_data(found: Found) -> None:
    shown = {path: status for path, (status, _, _) in found["viewer"].items() if status == 200}
    assert {
        "/",
        "/add",
        "/scoreboard",
        "/ticker/AAPL",
        "/static/js/overview.js",
        "/api/v1/openapi.json",
        "/api/v1/tickers",
    } <= set(shown)
    assert found["cookie"][0] == 200


def test_paths_that_do_not_exist_and_files_beside_the_static_ones_are_not_found(found: Found) -> None:
    statuses = {found["viewer"][path][0] for path in MORE_PATHS}
    assert statuses == {404}


def test_nothing_can_be_written(found: Found) -> None:
    assert {status for status, _, _ in found["posted"].values()} == {405}


def test_a_person_who_may_only_look_cannot_request_a_ticker(found: Found) -> None:
    assert found["triggered"] == {"anonymous": 401, "viewer": 403, "viewer with a cookie": 403}


@pytest.mark.parametrize("who", ["anonymous", "viewer"])
def test_every_response_limits_what_a_browser_does_with_it(found: Found, who: str) -> None:
    for _, headers, _ in found[who].values():
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_the_sixth_failed_login_has_to_wait_and_so_has_a_correct_one(found: Found) -> None:
    statuses = [status for status, _, _ in found["logins"]]
    assert statuses == [401] * 5 + [429, 429]
    _, wait, words = found["logins"][-1]
    assert 0 < int(wait) <= 60
    assert words == f"Too many failed logins from this address; try again in {wait} seconds."


def test_no_other_site_shows_airflows_own_page_in_a_frame(found: Found) -> None:
    headers = found["airflows own page"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"
