"""Watching a DAG run."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from include.errors import LaunchError, StoreUnavailableError
from include.local import progress
from include.local.airflow_api import AirflowApi
from include.local.progress import STAGES, describe_stage, failed_tasks, watch_run
from include.local.screen import Screen
from tests.support.fake_airflow import FakeAirflow, serve

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    with serve(FakeAirflow()) as fake:
        yield fake


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def watch(airflow: FakeAirflow, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    """Watches an onboarding run of the fake to its end."""
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr("include.local.bootstrap._FIRST_WAIT_SECONDS", 0.0)

    def watch_onboarding(describe=lambda: "2 of 5 trained", require_running=lambda: None) -> None:
        with AirflowApi(airflow.url, "admin", airflow.password) as api:
            api.trigger("onboard_ticker", "run", {})
            watch_run(api, "onboard_ticker", "run", Screen(Console(file=printed)), describe, require_running)

    return watch_onboarding


@pytest.mark.parametrize("dag_id", STAGES)
def test_the_stages_are_tasks_of_the_dag(dag_id: str) -> None:
    source = (DAGS / f"{dag_id}.py").read_text()
    assert [stage for stage in STAGES[dag_id] if f"def {stage}(" not in source] == []


def test_the_first_stage_that_has_not_ended_is_where_a_run_is() -> None:
    tasks = [("plan", "success"), ("fetch_bars", "success"), ("fetch_bars", "running"), ("predict", "")]
    assert describe_stage(("plan", "fetch_bars", "predict"), tasks) == "stage 2/3 fetch_bars, 1 of 2 tasks done"


def test_a_run_whose_tasks_are_not_made_yet_is_at_its_first_stage() -> None:
    assert describe_stage(("plan", "fetch_bars"), []) == "stage 1/2 plan"


def test_a_run_whose_stages_have_all_ended_is_finishing() -> None:
    assert describe_stage(("plan",), [("plan", "success")]) == "finishing"


def test_a_task_that_failed_in_two_shards_is_named_once_and_tasks_that_depend_on_it_are_not() -> None:
    tasks = [("fetch_bars", "failed"), ("fetch_bars", "failed"), ("predict", "upstream_failed")]
    assert failed_tasks(tasks) == ["fetch_bars"]


def test_a_run_is_followed_through_its_stages_to_success(airflow: FakeAirflow, printed: io.StringIO, watch) -> None:
    airflow.tasks = [("validate", "success"), ("backfill_history", "running")]
    watch()
    lines = printed.getvalue().splitlines()
    assert lines[0] == "  onboard_ticker: queued; 2 of 5 trained (0 s)"
    assert "stage 2/6 backfill_history; 2 of 5 trained" in lines[1]


def test_what_a_dag_does_after_its_last_stage_is_not_waited_for(airflow: FakeAirflow, watch) -> None:
    airflow.states = ["running"]
    airflow.tasks = [("report", "success"), ("something_else", "running")]
    watch()


def test_a_failed_run_is_an_error_with_its_task_and_the_page_of_the_run(airflow: FakeAirflow, watch) -> None:
    airflow.states = ["running", "failed"]
    airflow.tasks = [("validate", "success"), ("first_training", "failed")]
    with pytest.raises(LaunchError, match=r"first_training.*http://127.0.0.1.*/dags/onboard_ticker/runs/run"):
        watch()


def test_an_airflow_or_a_database_that_is_away_for_a_moment_is_waited_for(airflow: FakeAirflow, watch) -> None:
    airflow.states = ["running", "running", "success"]
    stumbles = iter([True, False, False])

    def describe() -> str:
        if next(stumbles):
            raise StoreUnavailableError("restarting")
        airflow.broken_answers = 1
        return ""

    watch(describe)


def test_a_background_that_has_ended_ends_the_watch(airflow: FakeAirflow, watch) -> None:
    airflow.states = ["running"]

    def require_running() -> None:
        raise LaunchError("supervisord has ended")

    with pytest.raises(LaunchError, match="supervisord has ended"):
        watch(require_running=require_running)
