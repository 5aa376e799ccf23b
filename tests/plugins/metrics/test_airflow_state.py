"""The metrics of Airflow, from its real metadata database."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from plugins.metrics.airflow_state import DESCRIPTIONS
from tests.local.doctor.conftest import airflow_metadata
from tests.support.airflow import PROJECT_DIR, airflow_environment

__all__ = ["airflow_metadata"]

pytestmark = pytest.mark.integration

_READ = """
import json
from plugins.metrics.airflow_state import read_metrics
found = [[sample.metric, dict(sample.labels), sample.value] for sample in read_metrics()]
print("found " + json.dumps(found))
"""


@pytest.fixture
def environment(postgres_server: EmbeddedPostgres, airflow_metadata: str, tmp_path: Path) -> dict[str, str]:
    return airflow_environment(tmp_path, postgres_server.url(AIRFLOW_ROLE, airflow_metadata))


def read(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _READ], env=environment, cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )


def test_the_state_of_airflow_is_measured(environment: dict[str, str]) -> None:
    done = read(environment)
    line = next((text for text in done.stdout.splitlines() if text.startswith("found ")), None)
    assert line is not None, done.stdout + done.stderr
    samples = json.loads(line.removeprefix("found "))
    found = {(metric, *labels.values()): value for metric, labels, value in samples}

    assert {metric for metric, *_ in found} == set(DESCRIPTIONS) - {
        "hourcast_airflow_tasks",  # no run has ever been there
        "hourcast_airflow_newest_run_failed",
    }
    assert found["hourcast_airflow_heartbeat_age_seconds", "SchedulerJob"] >= 0
    assert found["hourcast_airflow_dag_paused", "hourly_forecast"] == 0
    assert found["hourcast_airflow_import_errors",] == 0
    assert found["hourcast_airflow_pool_slots", "default_pool"] == 128
    assert found["hourcast_airflow_longest_wait_seconds",] == 0


def test_a_database_of_airflow_that_cannot_be_read_is_one_error_of_ours(environment: dict[str, str]) -> None:
    environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "postgresql+psycopg2://airflow@127.0.0.1:9/airflow"

    done = read(environment)

    assert "StoreUnavailableError: Airflow's database could not be read" in done.stderr
