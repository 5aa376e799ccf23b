"""The listener that starts the cleaning of Airflow's tables; the command itself is run in tests/dags."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support.airflow import load_plugin
from tests.support.waiting import eventually

RUN_AFTER = datetime(2026, 3, 31, 0, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        yield load_plugin("metadata_cleanup")


def run_of(dag_id: str, **conf: Any) -> Any:
    return SimpleNamespace(dag_id=dag_id, conf=conf or None, run_after=RUN_AFTER)


@pytest.mark.parametrize(
    ("run", "days", "is_started"),
    [
        (run_of("maintenance"), "60", True),
        (run_of("maintenance", dry_run=True), "60", False),
        (run_of("maintenance"), "0", False),
        (run_of("hourly_forecast"), "60", False),
    ],
    ids=["maintenance", "a dry run", "kept for ever", "another DAG"],
)
def test_only_maintenance_starts_the_command(
    plugin: ModuleType, monkeypatch: pytest.MonkeyPatch, run: Any, days: str, is_started: bool
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(plugin, "run_command", started.append)
    monkeypatch.setenv("HOURCAST_AIRFLOW_RETENTION_DAYS", days)
    plugin.MetadataCleanup().on_dag_run_success(run)
    assert eventually(lambda: bool(started), 5.0 if is_started else 0.2) == is_started


def test_the_command_removes_what_is_older_than_the_days(plugin: ModuleType) -> None:
    command = plugin.command_of(run_of("maintenance"), 60)
    assert command[:5] == [sys.executable, "-m", "airflow", "db", "clean"]
    assert command[command.index("--clean-before-timestamp") + 1] == "2026-01-30T00:10:00+00:00"
    assert {"--yes", "--skip-archive", "--error-on-cleanup-failure"} <= set(command)


def test_a_command_that_fails_is_logged_with_its_reason(plugin: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    plugin.run_command([sys.executable, "-c", "import sys; sys.exit('the reason')"])
    assert "Airflow's tables were not cleaned: the reason" in caplog.text
