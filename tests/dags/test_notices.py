"""One message for each run that fails, by mail and by web hook, in the real Airflow."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dags.test_runs import HOUR, execute, states
from tests.support.airflow import AirflowDriver
from tests.support.sinks import hook_sink, mail_sink

pytestmark = pytest.mark.integration

HOSTILE = "{{ 7 * 7 }}<b>"
"""A note with what a template and a page would take for theirs."""


@dataclass
class Sinks:
    """What was sent, and the environment with which Airflow sends it here."""

    mails: list[EmailMessage] = field(default_factory=list)
    posts: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def sinks(environment: dict[str, str]) -> Iterator[Sinks]:
    with mail_sink() as (mail_port, mails), hook_sink() as (hook_port, posts):
        smtp = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": mail_port,
            "extra": {"from_email": "hourcast@example.org", "disable_ssl": True, "disable_tls": True, "timeout": 5},
        }
        hook = {"conn_type": "http", "host": f"http://127.0.0.1:{hook_port}/in", "password": "a-secret"}
        more = {
            "HOURCAST_NOTIFY": "mailto:ops@example.org, ops_chat",
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(smtp),
            "AIRFLOW_CONN_OPS_CHAT": json.dumps(hook),
        }
        yield Sinks(mails, posts, environment | more)


def test_a_failed_run_sends_one_message_whatever_has_failed_in_it(airflow: AirflowDriver, sinks: Sinks) -> None:
    broken = airflow.run("onboard_ticker", sinks.environment, conf={}, run_after=HOUR)

    assert broken["state"] == "failed"
    assert [states(broken)[name] for name in ("validate", "report")] == [["failed"], ["failed"]]
    ((headers, body),) = sinks.posts
    (mail,) = sinks.mails
    subject, reason, run, link, advice = body["text"].splitlines()
    assert subject == "Hourcast: onboard_ticker has failed, Mon 31 Mar 2025 16:35 UTC"
    assert reason == "The run has failed (task_failure)."  # `dag.test()` gives a callback no way to read the note
    assert run == f"Run: {broken['run_id']}"
    assert "/dags/onboard_ticker/runs/" in link
    assert "docs/runbook.md" in advice
    assert headers["Authorization"] == "Bearer a-secret"
    assert (mail["subject"], mail["to"], mail["from"]) == (subject, "ops@example.org", "hourcast@example.org")
    assert reason in mail.get_body().get_content()  # type: ignore[union-attr]


def test_a_run_that_succeeds_sends_nothing(airflow: AirflowDriver, sinks: Sinks) -> None:
    assert airflow.run("hourly_forecast", sinks.environment, run_after=HOUR)["state"] == "success"
    assert (sinks.mails, sinks.posts) == ([], [])


def test_a_message_that_cannot_be_sent_keeps_no_other_from_being_sent_and_changes_nothing(
    airflow: AirflowDriver, sinks: Sinks
) -> None:
    sinks.environment["HOURCAST_NOTIFY"] = "no_such_connection, mailto:ops@example.org, ops_chat"
    sinks.environment["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(
        {"conn_type": "smtp", "host": "127.0.0.1", "port": 9, "extra": {"timeout": 1, "retry_limit": 1}}
    )

    run = airflow.run("onboard_ticker", sinks.environment, conf={})

    assert (run["state"], states(run)["report"]) == ("failed", ["failed"])
    assert len(sinks.posts) == 1
    assert execute(sinks.environment, "select count(*) from forecast.ticker") == [(0,)]


def test_without_the_setting_nothing_is_sent(airflow: AirflowDriver, sinks: Sinks) -> None:
    sinks.environment["HOURCAST_NOTIFY"] = ""

    assert airflow.run("onboard_ticker", sinks.environment, conf={})["state"] == "failed"
    assert (sinks.mails, sinks.posts) == ([], [])


class FakeTask:
    """A task instance within the dag-processor: the notes that tasks left, and the states of the run's tasks."""

    def xcom_pull(self, task_ids: str, key: str) -> str | None:
        assert key == "run_note"
        return HOSTILE if task_ids == "check_hour" else None

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_ids[0]: {"predict_1": "failed", "plan": "success", "check_hour": "failed"}}


def context_of(dag: Any) -> dict[str, Any]:
    """What the dag-processor calls a DAG's callback with."""
    at = datetime.fromisoformat(HOUR)
    return {"dag": dag, "run_id": "scheduled__1+00:00", "ti": FakeTask(), "data_interval_end": at, "reason": "x"}


@pytest.fixture
def hourly(sinks: Sinks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The hourly DAG, in this process."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    for name in ("AIRFLOW_CONN_SMTP_DEFAULT", "AIRFLOW_CONN_OPS_CHAT"):
        monkeypatch.setenv(name, sinks.environment[name])
    tasks = [SimpleNamespace(task_id=name, is_mapped=name == "predict") for name in ("plan", "predict", "check_hour")]
    return SimpleNamespace(dag_id="hourly_forecast", tasks=tasks)


def test_the_message_has_the_note_the_failed_tasks_and_a_link(hourly: Any) -> None:
    from include.edge import describe_failure

    subject, text = describe_failure(context_of(hourly))

    assert subject == "Hourcast: hourly_forecast has failed, Mon 31 Mar 2025 16:35 UTC"
    note, failed, run, link, _ = text.splitlines()
    assert note == HOSTILE
    assert failed == "Failed tasks: check_hour, predict_1."
    assert run == "Run: scheduled__1+00:00"
    assert link.startswith("http")
    assert link.endswith("/dags/hourly_forecast/runs/scheduled__1%2B00%3A00")
