"""The DAG weekly_report run by Airflow: a page, and a note that says where it is."""

from pathlib import Path

import pytest

from tests.support.airflow import AirflowDriver

pytestmark = pytest.mark.integration


def test_a_run_writes_the_report_of_its_week(
    airflow: AirflowDriver, environment: dict[str, str], tmp_path: Path
) -> None:
    chosen = environment | {"HOURCAST_MODELS_DIR": str(tmp_path)}

    run = airflow.run("weekly_report", chosen, run_after="2025-04-07T06:20:00+00:00")

    assert run["state"] == "success"
    page = tmp_path / "reports" / "weekly-2025-04-07.html"
    assert run["note"].startswith(f"Written: {page}")
    assert "<h1>Hourcast, week to 07 April 2025</h1>" in page.read_text()
