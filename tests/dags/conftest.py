"""One Airflow for all DAG tests; a Hourcast database of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.postgres import AIRFLOW_ROLE, EmbeddedPostgres
from tests.support.airflow import AirflowDriver, airflow_driver
from tests.support.databases import run_as_superuser
from tests.support.products import product_environment

METADATA_DATABASE = "airflow_of_the_dag_tests"


@pytest.fixture(scope="session")
def airflow(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowDriver]:
    """A driver that runs our DAGs in a process of its own, and keeps its connections: so on a database of its own."""
    run_as_superuser(postgres_server, f"create database {METADATA_DATABASE} owner {AIRFLOW_ROLE}")
    home = tmp_path_factory.mktemp("airflow")
    with airflow_driver(home, postgres_server.url(AIRFLOW_ROLE, METADATA_DATABASE)) as driver:
        yield driver


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings of a small, fast product over this test's database."""
    return product_environment(database_url, tmp_path / "models")
