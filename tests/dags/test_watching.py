"""The DAG watch_models run by Airflow: a look, a decision with its reason, and a request for another backbone."""

from datetime import datetime
from typing import Any

import psycopg2
import pytest

from include.store.drift import DriftRow, Look, Market, save_look
from include.store.engine import create_store_engine, transaction
from tests.support.airflow import AirflowDriver
from tests.support.databases import owner_url, plain_url

pytestmark = pytest.mark.integration
TICKERS = ["NOVA-USD.SIM", "ORION-USD.SIM", "VEGA-USD.SIM"]
NIGHT = "2025-04-03T03:15:00+00:00"


def operations(url: str) -> list[tuple[Any, ...]]:
    with psycopg2.connect(plain_url(owner_url(url))) as connection, connection.cursor() as cursor:
        cursor.execute("select operation, decided_by, request_id from bi.model_operation order by as_of")
        rows = cursor.fetchall()
    connection.close()
    return rows


def test_without_drift_nothing_is_trained_and_the_note_says_why(
    airflow: AirflowDriver, environment: dict[str, str], database_url: str
) -> None:
    run = airflow.run("watch_models", environment, run_after=NIGHT)

    assert run["state"] == "success"
    expected = "no drift of the forecasts is proven, and the backbone in use is not old"
    assert run["note"] == f"No backbone is trained: {expected}."
    states = {task[0]: task[2] for task in run["tasks"]}
    assert states["needs_training"] == "success"
    assert states["pretrain"] == "skipped"
    assert operations(database_url) == [("keep", "watch_models", None)]


def test_proven_drift_starts_a_pre_training_as_of_the_same_instant(
    airflow: AirflowDriver, environment: dict[str, str], database_url: str
) -> None:
    form = {"tickers": TICKERS, "history_days": 60, "as_of": "2025-04-02T15:35:00+00:00"}
    airflow.run("onboard_ticker", environment, conf=form)
    as_of = datetime.fromisoformat(NIGHT)
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        drifted = DriftRow(Market(True, "24/7"), "coverage", 40, 0.8, 0.9, 8000.0, True, as_of, {})
        save_look(connection, Look(as_of, as_of, None), [drifted], [])
    engine.dispose()

    run = airflow.run("watch_models", environment, run_after=NIGHT)

    assert run["note"] == "Another backbone is trained: drift is proven: coverage in 24/7."
    assert {task[0]: task[2] for task in run["tasks"]}["pretrain"] == "success"
    ((operation, decided_by, request_id),) = operations(database_url)
    assert (operation, decided_by) == ("retrain", "watch_models")
    assert str(request_id).startswith("drift__")
