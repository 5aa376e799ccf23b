"""filings_etl in Airflow, against emulators of the SEC and of OpenDART."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.filings.edgar_server import EdgarEmulator, Sent
from tests.support.airflow import AirflowDriver, airflow_environment, run_python
from tests.support.databases import owner_url, plain_url

pytestmark = pytest.mark.integration
AT = "2023-04-01T04:20:00+00:00"
FILINGS = [
    Sent("0000000001-23-000044"),
    Sent("0000000001-23-000043", "10-K", "20230310170000", "", "<b>Item 1. Business</b></p><p>We sell things."),
    Sent("0000000001-23-000042", "S-8", "20230309170000", ""),
]


@pytest.fixture
def emulator() -> Iterator[EdgarEmulator]:
    with EdgarEmulator({"0000000001": FILINGS}, tickers={"NOVA": "0000000001"}).running() as running:
        yield running


def with_source(environment: dict[str, str], emulator: EdgarEmulator, **changes: str) -> dict[str, str]:
    return {
        **environment,
        "HOURCAST_EDGAR_CONTACT": "Ann Lee ann@example.org",
        "HOURCAST_EDGAR_LISTS_URL": f"{emulator.url}/lists",
        "HOURCAST_EDGAR_ARCHIVES_URL": f"{emulator.url}/archives",
        "HOURCAST_EDGAR_TICKERS_URL": f"{emulator.url}/tickers.json",
        **changes,
    }


def stored(environment: dict[str, str], sql: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(plain_url(owner_url(environment["HOURCAST_DATABASE_URL"])))
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    connection.close()
    return rows


def test_chosen_tickers_are_listed_fetched_and_converted_and_a_second_run_writes_nothing(
    airflow: AirflowDriver, environment: dict[str, str], emulator: EdgarEmulator
) -> None:
    chosen = with_source(environment, emulator)
    run = airflow.run("filings_etl", chosen, conf={"tickers": ["nova"]}, run_after=AT)
    assert run["state"] == "success"
    assert run["note"] == "2 filings are stored, 0 cannot be converted; 0 new days of reports."
    content = "select version_id, number, text from filings.chunk order by 1, 2"
    first = stored(chosen, content)
    assert [text for _, _, text in first if text] == ["We report.", "We sell things."]
    asked = len(emulator.asked)
    assert airflow.run("filings_etl", chosen, conf={"tickers": ["NOVA"]}, run_after=AT)["state"] == "success"
    assert stored(chosen, content) == first
    assert [path for path, _ in emulator.asked[asked:] if path.endswith(".txt")] == []


_SCHEDULE = """
from airflow.dag_processing.dagbag import DagBag
print('@@', type(DagBag('dags').dags['filings_etl'].schedule).__name__)
"""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "NoneType"),
        ({"HOURCAST_EDGAR_CONTACT": "Ann Lee ann@example.org"}, "CronTriggerTimetable"),
        ({"OPENDART_KEY": "k" * 40}, "CronTriggerTimetable"),
    ],
    ids=["no-source", "sec", "dart"],
)
def test_it_has_a_schedule_once_a_source_is_set_up(tmp_path: Path, settings: dict[str, str], expected: str) -> None:
    environment = airflow_environment(tmp_path, "sqlite://") | {"OPENDART_KEY": ""} | settings
    done = run_python(_SCHEDULE, environment)
    assert f"@@ {expected}" in done.stdout, done.stderr
