"""Which DAGs there are, how they are wired, and the settings that keep an hour honest."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow import PROJECT_DIR, airflow_environment, run_python

pytestmark = pytest.mark.integration
_SCRIPT = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags")
print("@@" + json.dumps({
    "errors": bag.import_errors,
    "dags": {dag_id: {
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "params": sorted(dag.params),
        "sections": {name: dag.params.get_param(name).schema.get("section") for name in dag.params},
        "texts": [str(dag.params.get_param(name).schema.get("description_md")) for name in dag.params],
        "display_name": dag.dag_display_name, "description": dag.description, "tags": sorted(dag.tags),
        "tasks": {task.task_id: {
            "rule": str(task.trigger_rule), "pool": task.pool, "queue": task.queue, "retries": task.retries,
            "is_mapped": task.is_mapped, "policy": task.retry_policy is not None,
            "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
            "outlets": [asset.name for asset in task.outlets],
            "downstream": sorted(task.downstream_task_ids)} for task in dag.tasks},
    } for dag_id, dag in bag.dags.items()},
}, default=str))
"""


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = airflow_environment(tmp_path_factory.mktemp("home"), "sqlite://")
    environment["HOURCAST_TRAINING_QUEUE"] = "training"
    done = run_python(_SCRIPT, environment)
    assert "@@" in done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.split("@@")[1])
    return found


def test_there_are_exactly_these_dags_and_each_file_parses(inventory: dict[str, Any]) -> None:
    assert inventory["errors"] == {}
    assert sorted(inventory["dags"]) == [
        "earnings_dates",
        "export_data",
        "filings_etl",
        "hourly_forecast",
        "maintenance",
        "onboard_ticker",
        "pretrain_backbone",
        "tune_language_model",
        "watch_models",
        "weekly_report",
    ]
    assert sorted(path.stem for path in Path(PROJECT_DIR, "dags").glob("*.py")) == sorted(inventory["dags"])


def test_the_stages_of_the_hour_stand_in_their_order(inventory: dict[str, Any]) -> None:
    tasks = inventory["dags"]["hourly_forecast"]["tasks"]
    order = ["fetch_bars", "compute_features", "fine_tune", "predict", "score", "check_hour"]
    for before, after in pairwise(order):
        assert after in tasks[before]["downstream"]
    assert set(order[:4]) <= set(tasks["plan"]["downstream"])


def test_the_stages_of_onboarding_stand_in_their_order(inventory: dict[str, Any]) -> None:
    tasks = inventory["dags"]["onboard_ticker"]["tasks"]
    order = ["backfill_history", "first_training", "first_forecast", "activate", "report"]
    assert "backfill_history" in tasks["validate"]["downstream"]
    for before, after in pairwise(order):
        assert after in tasks[before]["downstream"]


def test_the_stages_of_pre_training_stand_in_their_order(inventory: dict[str, Any]) -> None:
    tasks = inventory["dags"]["pretrain_backbone"]["tasks"]
    assert {task_id: task["downstream"] for task_id, task in tasks.items()} == {
        "plan": ["train"],
        "train": ["score"],
        "score": ["compare", "promote"],
        "compare": [],
        "promote": [],
    }


_APPROVAL = """
from airflow.dag_processing.dagbag import DagBag
dag = DagBag('dags').dags['pretrain_backbone']
approve = dag.get_task('approve')
print('@@', sorted((task.task_id, sorted(task.downstream_task_ids)) for task in dag.tasks))
print('@@', approve.options, approve.defaults, approve.response_timeout, approve.pool, list(approve.params))
print('@@', dag.dagrun_timeout)
"""


def test_with_approval_a_backbone_that_passes_waits_for_a_person_outside_the_training_pool(tmp_path: Path) -> None:
    environment = airflow_environment(tmp_path, "sqlite://")
    environment |= {"HOURCAST_PROMOTION": "approval", "HOURCAST_APPROVAL_HOURS": "0.5"}
    done = run_python(_APPROVAL, environment)
    order = ["plan", "train", "score", "judge", "needs_approval", "approve", "promote"]
    after = {task_id: [later] for task_id, later in pairwise(order)} | {"score": ["compare", "judge"], "promote": []}
    assert [line.removeprefix("@@ ") for line in done.stdout.splitlines() if line.startswith("@@")] == [
        str(sorted((after | {"compare": []}).items())),
        "['Approve', 'Reject'] ['Reject'] 0:30:00 default_pool ['reason']",
        "4:30:00",
    ], done.stderr


def test_the_steps_of_watching_stand_in_their_order(inventory: dict[str, Any]) -> None:
    tasks = inventory["dags"]["watch_models"]["tasks"]
    order = ["look", "review", "decide", "needs_training", "pretrain"]
    assert list(pairwise(order)) == [(task_id, after) for task_id in order for after in tasks[task_id]["downstream"]]


def test_the_stages_of_filings_stand_in_their_order(inventory: dict[str, Any]) -> None:
    tasks = inventory["dags"]["filings_etl"]["tasks"]
    order = ["list_filings", "fetch", "transform", "store_report_days"]
    links = [(task_id, after) for task_id in order for after in tasks[task_id]["downstream"]]
    assert links == [
        ("list_filings", "fetch"),
        ("fetch", "transform"),
        ("transform", "embed"),
        ("transform", "store_report_days"),
        ("transform", "write_files"),
    ]


def test_the_stages_of_tuning_stand_in_their_order(inventory: dict[str, Any]) -> None:
    tasks = inventory["dags"]["tune_language_model"]["tasks"]
    order = ["prepare", "train", "merge", "evaluate", "promote"]
    for before, after in pairwise(order):
        assert after in tasks[before]["downstream"]


def test_the_form_of_tuning_asks_which_settings(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["tune_language_model"]["params"] == ["as_of", "settings"]


def test_an_export_is_one_task(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["export_data"]["tasks"].keys() == {"export_views"}


def test_maintenance_is_one_task(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["maintenance"]["tasks"].keys() == {"remove_old"}


def test_the_weekly_report_is_one_task(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["weekly_report"]["tasks"].keys() == {"write_report"}


def test_the_days_of_reports_are_one_task(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["earnings_dates"]["tasks"].keys() == {"update_earnings"}


def test_only_stages_over_shards_are_mapped(inventory: dict[str, Any]) -> None:
    mapped = {
        (dag_id, task_id)
        for dag_id, dag in inventory["dags"].items()
        for task_id, task in dag["tasks"].items()
        if task["is_mapped"]
    }
    assert mapped == {
        ("hourly_forecast", "fetch_bars"),
        ("hourly_forecast", "compute_features"),
        ("hourly_forecast", "fine_tune"),
        ("hourly_forecast", "predict"),
        ("hourly_forecast", "retry_pending"),
        ("onboard_ticker", "backfill_history"),
        ("onboard_ticker", "first_training"),
        ("onboard_ticker", "first_forecast"),
    }


def test_one_run_at_a_time_and_no_catch_up(inventory: dict[str, Any]) -> None:
    for dag in inventory["dags"].values():
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False


def test_only_what_trains_waits_for_the_queue_of_workers_with_a_gpu(inventory: dict[str, Any]) -> None:
    queues = {task_id: task["queue"] for dag in inventory["dags"].values() for task_id, task in dag["tasks"].items()}
    assert {task_id for task_id, queue in queues.items() if queue == "training"} == {
        "compare",
        "evaluate",
        "fine_tune",
        "first_training",
        "merge",
        "train",
    }
    assert set(queues.values()) == {"training", "default"}


def test_training_runs_in_the_pool_that_has_a_slot_a_core(inventory: dict[str, Any]) -> None:
    pools = {task_id: task["pool"] for dag in inventory["dags"].values() for task_id, task in dag["tasks"].items()}
    trained = {task_id for task_id, pool in pools.items() if pool == "training"}
    assert trained == {
        "fine_tune", "predict", "first_training", "first_forecast", "train", "score", "compare", "merge", "evaluate",
    }  # fmt: skip


def test_every_stage_retries_by_policy_and_ends_before_its_token_does(inventory: dict[str, Any]) -> None:
    for dag in inventory["dags"].values():
        for task_id, task in dag["tasks"].items():
            assert task["policy"], task_id
            assert task["timeout"] <= 3600, task_id
            assert task["retries"] == 2, task_id


def test_the_onboarding_form_asks_what_the_readme_says(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["onboard_ticker"]["params"] == [
        "as_of",
        "history_days",
        "rescale",
        "retire_tickers",
        "retrain",
        "source",
        "tickers",
    ]


def test_the_form_of_pre_training_asks_for_what_teaches_and_as_of_when(inventory: dict[str, Any]) -> None:
    assert inventory["dags"]["pretrain_backbone"]["params"] == [
        "as_of",
        "compare_with",
        "held_out_days",
        "seed",
        "simulated_tickers",
        "taught_days",
    ]


def test_what_few_people_need_stands_in_a_section_of_its_own(inventory: dict[str, Any]) -> None:
    plain = {
        dag_id: [name for name, section in dag["sections"].items() if section is None]
        for dag_id, dag in inventory["dags"].items()
        if dag["params"]
    }
    assert plain == {
        "export_data": ["views", "months"],
        "filings_etl": ["tickers"],
        "maintenance": ["dry_run"],
        "onboard_ticker": ["tickers", "retire_tickers", "source"],
        "pretrain_backbone": ["simulated_tickers", "held_out_days"],
        "tune_language_model": ["settings"],
        "weekly_report": ["tickers"],
    }
    sections = {section for dag in inventory["dags"].values() for section in dag["sections"].values()}
    assert sections == {None, "Advanced"}


def test_the_texts_of_the_forms_have_no_backticks_because_airflow_draws_them_over_other_lines(
    inventory: dict[str, Any],
) -> None:
    assert not [text for dag in inventory["dags"].values() for text in dag["texts"] if "`" in text]


def test_the_list_of_dags_says_what_each_is_for(inventory: dict[str, Any]) -> None:
    dags = inventory["dags"]
    assert {dag_id: (dag["display_name"], dag["tags"]) for dag_id, dag in dags.items()} == {
        "earnings_dates": ("Earnings dates", ["hourcast", "reports"]),
        "export_data": ("Export data", ["export", "hourcast"]),
        "filings_etl": ("Filings", ["filings", "hourcast"]),
        "hourly_forecast": ("Hourly forecast", ["forecasts", "hourcast"]),
        "maintenance": ("Maintenance", ["hourcast", "maintenance"]),
        "onboard_ticker": ("Onboard tickers", ["hourcast", "tickers"]),
        "pretrain_backbone": ("Pre-train backbone", ["hourcast", "training"]),
        "tune_language_model": ("Tune language model", ["filings", "hourcast", "training"]),
        "watch_models": ("Watch models", ["hourcast", "training"]),
        "weekly_report": ("Weekly report", ["hourcast", "reports"]),
    }
    assert all(dag["description"].endswith(".") for dag in dags.values())


def test_the_last_task_of_an_hour_and_of_an_onboarding_updates_an_asset(inventory: dict[str, Any]) -> None:
    outlets = {
        task_id: task["outlets"]
        for dag in inventory["dags"].values()
        for task_id, task in dag["tasks"].items()
        if task["outlets"]
    }
    assert outlets == {"check_hour": ["hourcast_forecasts"], "report": ["hourcast_tickers"]}


_RESOLVE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag('dags')
for dag_id, name, value in json.loads(sys.argv[1]):
    dag = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[dag_id]))
    try:
        dag.params.deep_merge({name: value}).validate()
        print('@@ accepted')
    except Exception as error:
        print('@@', type(error).__name__)
"""
_REFUSED = "ParamValidationError"
_FORMS = [
    ("onboard_ticker", "as_of", "yesterday", _REFUSED),
    ("onboard_ticker", "as_of", "2025-03-31T15:35:00", _REFUSED),
    ("onboard_ticker", "as_of", "2025-03-31T15:35:00+00:00", "accepted"),
    ("onboard_ticker", "as_of", None, "accepted"),
    ("onboard_ticker", "tickers", "AAPL", _REFUSED),
    ("onboard_ticker", "tickers", ["AAPL MSFT", ""], "accepted"),
    ("onboard_ticker", "tickers", None, "accepted"),
    ("onboard_ticker", "history_days", "30", _REFUSED),
    ("onboard_ticker", "source", "bloomberg", _REFUSED),
    ("pretrain_backbone", "as_of", "yesterday", _REFUSED),
    ("export_data", "months", ["2026-13"], _REFUSED),
    ("export_data", "months", ["2026-11", ""], "accepted"),
    ("export_data", "target", None, "accepted"),
    ("filings_etl", "days", 30, "accepted"),
    ("filings_etl", "days", 0, _REFUSED),
    ("weekly_report", "tickers", ["AAPL"], "accepted"),
    ("weekly_report", "tickers", "AAPL", _REFUSED),
]


def test_a_form_with_a_wrong_value_is_refused_when_the_run_is_requested(tmp_path: Path) -> None:
    done = run_python(_RESOLVE, airflow_environment(tmp_path, "sqlite://"), json.dumps([form[:3] for form in _FORMS]))
    found = [line.removeprefix("@@ ") for line in done.stdout.splitlines() if line.startswith("@@")]
    assert found == [form[3] for form in _FORMS], done.stderr


@pytest.mark.parametrize(("cron", "scheduled"), [("", "None"), ("0 6 * * 6", "CronTriggerTimetable")])
def test_pre_training_waits_to_be_asked_unless_a_schedule_is_set(tmp_path: Path, cron: str, scheduled: str) -> None:
    script = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        "dag = DagBag('dags').dags['pretrain_backbone']\n"
        "print('@@', type(dag.schedule).__name__ if dag.schedule else None, dag.catchup)"
    )
    environment = airflow_environment(tmp_path, "sqlite://") | {"HOURCAST_PRETRAIN_SCHEDULE": cron}
    done = run_python(script, environment)
    assert f"@@ {scheduled} False" in done.stdout, done.stderr


_RUNS = """
import pendulum
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
timetable = DagSerialization.from_dict(DagSerialization.to_dict(DagBag('dags').dags['hourly_forecast'])).timetable
for first in ('2026-03-08T03:00', '2026-11-01T03:00', '2026-03-06T12:00', '2026-03-09T12:00', '2026-07-03T12:00'):
    within, last = TimeRestriction(earliest=pendulum.parse(first), latest=None, catchup=True), None
    for _ in range(6):
        last = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=within).data_interval
        print('@@', last.end.strftime('%d %H:%M'), (last.end - last.start).in_minutes())
"""


@pytest.mark.parametrize(
    ("refreshes", "extra"), [("8", ["06 14:25", "09 13:25", "03 13:25"]), ("0", [])], ids=["refreshed", "blind"]
)
def test_an_hour_runs_every_hour_and_once_more_before_new_york_opens(
    tmp_path: Path, refreshes: str, extra: list[str]
) -> None:
    environment = airflow_environment(tmp_path, "sqlite://") | {"HOURCAST_NIGHT_REFRESHES": refreshes}
    done = run_python(_RUNS, environment)
    runs = [line.removeprefix("@@ ") for line in done.stdout.splitlines() if line.startswith("@@")]

    assert {run.split()[-1] for run in runs} == {"60"}, done.stderr
    assert [run.removesuffix(" 60") for run in runs if ":35" not in run] == extra
    assert [run[:8] for run in runs[:6]] == [f"08 {hour:02}:35" for hour in range(3, 9)]
    assert [run[:8] for run in runs[6:12]] == [f"01 {hour:02}:35" for hour in range(3, 9)]
