"""The DAG export_data run by Airflow: files, a note, and a request that cannot be carried out."""

from pathlib import Path

import pytest

from tests.support.airflow import AirflowDriver

pytestmark = pytest.mark.integration


def test_an_export_leaves_files_and_a_note_and_a_wrong_view_fails_with_one_sentence(
    airflow: AirflowDriver, environment: dict[str, str], tmp_path: Path
) -> None:
    form = {"tickers": ["NOVA-USD.SIM"], "history_days": 60, "as_of": "2025-03-31T15:35:00+00:00"}
    airflow.run("onboard_ticker", environment, conf=form)
    target = tmp_path / "exports"

    run = airflow.run("export_data", environment, conf={"target": str(target)})

    assert run["state"] == "success"
    months = sorted(path.parent.name for path in target.rglob("bars/*/part.parquet"))
    assert months == ["month=2025-01", "month=2025-02", "month=2025-03"]
    assert len(list(target.rglob("forecasts/month=2025-03/part.parquet"))) == 1
    assert run["note"].endswith(f" rows in {target}.")
    refused = airflow.run("export_data", environment, conf={"views": ["candles"], "target": str(target)})
    assert refused["state"] == "failed"
    assert refused["note"].startswith("'candles' is no view of schema bi; there are accuracy, ")
    (task,) = refused["tasks"]
    assert task[:3] == ["export_views", -1, "failed"]
