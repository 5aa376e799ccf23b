"""One Airflow for all DAG tests; a Hourcast database of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.postgres import AIRFLOW_DATABASE, AIRFLOW_ROLE, EmbeddedPostgres
from tests.support.airflow import AirflowDriver, airflow_driver


@pytest.fixture(scope="session")
def airflow(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowDriver]:
    """A driver that runs our DAGs in a process of its own."""
    home = tmp_path_factory.mktemp("airflow")
    with airflow_driver(home, postgres_server.url(AIRFLOW_ROLE, AIRFLOW_DATABASE)) as driver:
        yield driver


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings of a small, fast product over this test's database."""
    return {
        "HOURCAST_DATABASE_URL": database_url,
        "HOURCAST_MODELS_DIR": str(tmp_path / "models"),
        "HOURCAST_CONTEXT_BARS": "16",
        "HOURCAST_MODEL_WIDTH": "8",
        "HOURCAST_MODEL_LAYERS": "1",
        "HOURCAST_MODEL_HEADS": "2",
        "HOURCAST_FIRST_TRAINING_STEPS": "3",
        "HOURCAST_HOURLY_TRAINING_STEPS": "1",
        "HOURCAST_MINIMUM_HISTORY_BARS": "50",
        "HOURCAST_SHARD_COUNT": "2",
        "HOURCAST_SHARD_MINIMUM_TICKERS": "1",
    }
