"""The client of Airflow's REST API, against a fake HTTP server."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.errors import LaunchError, RetryableError
from include.local.airflow_api import COMPONENTS, AirflowApi
from tests.support.fake_airflow import FakeAirflow, serve


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    with serve(FakeAirflow()) as fake:
        yield fake


@pytest.fixture
def api(airflow: FakeAirflow) -> Iterator[AirflowApi]:
    with AirflowApi(airflow.url, "admin", airflow.password) as api:
        yield api


def test_a_healthy_airflow_has_no_unhealthy_component(api: AirflowApi) -> None:
    assert api.unhealthy() == []


def test_an_unhealthy_component_is_named(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.unhealthy = {"scheduler"}
    assert api.unhealthy() == ["scheduler"]


def test_every_component_of_an_airflow_that_cannot_be_reached_is_unhealthy() -> None:
    with AirflowApi("http://127.0.0.1:9", "admin", "right") as api:
        assert set(COMPONENTS) < set(api.unhealthy())


def test_an_airflow_that_refuses_the_login_belongs_to_another_installation(airflow: FakeAirflow) -> None:
    with AirflowApi(airflow.url, "admin", "ours") as api, pytest.raises(LaunchError, match="Another Airflow"):
        api.unhealthy()


def test_a_proxy_of_the_environment_is_not_used(airflow: FakeAirflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with AirflowApi(airflow.url, "admin", airflow.password) as api:
        assert api.unhealthy() == []


def test_dags_that_were_not_read_yet_are_missing(airflow: FakeAirflow, api: AirflowApi) -> None:
    del airflow.dags["onboard_ticker"]
    assert api.missing_dags(["hourly_forecast", "onboard_ticker"]) == ["onboard_ticker"]


def test_import_errors_name_the_file(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.import_errors = [{"filename": "hourly_forecast.py", "stack_trace": "SyntaxError: no"}]
    assert api.import_errors() == ["hourly_forecast.py: SyntaxError: no"]


def test_a_paused_dag_is_unpaused_once(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.dags["onboard_ticker"] = True
    assert api.unpause("onboard_ticker")
    assert not api.unpause("onboard_ticker")
    assert not airflow.dags["onboard_ticker"]


def test_the_pool_gets_the_wanted_slots_also_when_it_exists(airflow: FakeAirflow, api: AirflowApi) -> None:
    for slots in (2, 2, 4):
        api.ensure_pool("training", slots, "one for each core")
        assert airflow.pools["training"]["slots"] == slots


def test_a_run_may_have_an_instant_of_the_past(airflow: FakeAirflow, api: AirflowApi) -> None:
    api.trigger("hourly_forecast", "soak_1", {}, datetime(2025, 3, 3, 0, 35, tzinfo=UTC))
    run = airflow.runs["hourly_forecast", "soak_1"]
    assert run["logical_date"] == run["run_after"] == "2025-03-03T00:35:00+00:00"


def test_triggering_a_run_twice_creates_it_once(airflow: FakeAirflow, api: AirflowApi) -> None:
    for _ in range(2):
        api.trigger("onboard_ticker", "make_run__1", {"tickers": ["AAPL"]})
    assert list(airflow.runs) == [("onboard_ticker", "make_run__1")]
    assert api.unfinished_runs("onboard_ticker") == ["make_run__1"]
    assert api.unfinished_runs("hourly_forecast") == []


def test_a_refused_run_is_an_error_with_airflows_reason(api: AirflowApi) -> None:
    with pytest.raises(LaunchError, match="Invalid input for param tickers"):
        api.trigger("onboard_ticker", "make_run__1", {"tickers": "not a list"})


def test_a_task_without_a_state_yet_has_an_empty_one(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.tasks = [("plan", "success"), ("fetch_bars", None)]
    api.trigger("hourly_forecast", "make_run__1", {})
    assert api.task_states("hourly_forecast", "make_run__1") == [("plan", "success"), ("fetch_bars", "")]


def test_a_server_error_of_airflow_can_be_retried(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.broken_answers = 1
    with pytest.raises(RetryableError, match="500"):
        api.import_errors()
    assert api.import_errors() == []
