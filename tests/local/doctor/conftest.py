"""A small, healthy installation: a database with an hour of today, artefacts, and Airflow's metadata of our DAGs."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from include.local.doctor.installation import Installation, open_installation
from include.local.hours import last_tick
from include.local.postgres import AIRFLOW_ROLE, APP_ROLE, READER_ROLE, SUPERUSER, EmbeddedPostgres
from tests.support.airflow import airflow_environment
from tests.support.databases import fresh_database, plain_url, run_as_superuser
from tests.support.products import open_product, product_environment

TICKERS = ("NOVA-USD.SIM", "ORION-USD.SIM")
UNREACHABLE = "http://127.0.0.1:9"
"""No HTTP server listens on the port `discard`."""
_MINUTE = 35
_numbers = itertools.count(1)
_ANNOUNCEMENTS = """
[rate_decision]
days = ["2100-01-01"]
[consumer_prices]
days = ["2100-01-01"]
[jobs_report]
days = ["2100-01-01"]
"""
_SHIPPED_SHAPE = {
    "HOURCAST_CONTEXT_BARS": "64",
    "HOURCAST_MODEL_WIDTH": "64",
    "HOURCAST_MODEL_LAYERS": "2",
    "HOURCAST_MODEL_HEADS": "4",
    "HOURCAST_MINIMUM_HISTORY_BARS": "400",
}
"""The shape of the backbone that comes with the code, so that tickers start from it."""
_COMPONENTS = "insert into job (job_type, state, latest_heartbeat) values (%s, 'running', now())"


@dataclass
class Patient:
    """One installation to look over, and ways to damage it."""

    server: EmbeddedPostgres
    local_dir: Path
    hourcast: str
    airflow: str
    environment: dict[str, str]

    @property
    def models_dir(self) -> Path:
        return self.local_dir / "models"

    def installation(self) -> Installation:
        """It as `make doctor` opens it, with the addresses of this copy and no network."""
        return open_installation(self.environment)

    def execute(self, sql: str, *values: object) -> None:
        """Changes the Hourcast database, as a superuser."""
        _execute(self.server.url(SUPERUSER, self.hourcast), sql, *values)

    def execute_in_airflow(self, sql: str, *values: object) -> None:
        """Changes Airflow's database."""
        _execute(self.server.url(SUPERUSER, self.airflow), sql, *values)

    def artefacts(self, prefix: str) -> list[Path]:
        """The files of weights whose names begin so."""
        return sorted(self.models_dir.glob(f"{prefix}*.safetensors"))


def _execute(url: str, sql: str, *values: object) -> None:
    connection = psycopg2.connect(plain_url(url))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def whole_hour(
    migrated_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Name of a database in which two simulated tickers were forecast in the newest hour, and its artefacts."""
    models_dir = tmp_path_factory.mktemp("doctor") / "models"
    newest = last_tick(datetime.now(UTC), _MINUTE)
    with fresh_database(migrated_server) as name:
        with open_product(migrated_server.url(APP_ROLE, name), models_dir, **_SHIPPED_SHAPE) as product:
            product.onboard(*TICKERS, as_of=newest - timedelta(hours=2))
            for hours in (1, 0):
                product.run_hour(newest - timedelta(hours=hours))
        yield name, models_dir


@pytest.fixture(scope="session")
def airflow_metadata(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a metadata database of Airflow that knows our DAGs, with two living components and the training pool."""
    name = f"airflow_metadata_{next(_numbers)}"  # a module elsewhere that imports this fixture gets another database
    run_as_superuser(postgres_server, f"create database {name} owner {AIRFLOW_ROLE}")
    url = postgres_server.url(AIRFLOW_ROLE, name)
    environment = airflow_environment(tmp_path_factory.mktemp("airflow"), url)
    environment["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "False"
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        subprocess.run(
            [sys.executable, "-m", "airflow", *command], env=environment, check=True, capture_output=True, timeout=240
        )
    slots = len(os.sched_getaffinity(0))
    _execute(url, "insert into slot_pool (pool, slots, include_deferred) values ('training', %s, false)", slots)
    for job in ("SchedulerJob", "DagProcessorJob"):
        _execute(url, _COMPONENTS, job)
    return name


@pytest.fixture
def patient(
    migrated_server: EmbeddedPostgres, whole_hour: tuple[str, Path], airflow_metadata: str, tmp_path: Path
) -> Iterator[Patient]:
    """A copy of the healthy installation, for one test to damage; Airflow's database is shared by the tests."""
    template, models_dir = whole_hour
    local_dir = tmp_path / "local"
    shutil.copytree(models_dir, local_dir / "models")
    announcements = tmp_path / "announcements.toml"
    announcements.write_text(_ANNOUNCEMENTS)
    _execute(migrated_server.url(SUPERUSER, airflow_metadata), "update job set latest_heartbeat = now()")
    with fresh_database(migrated_server, template) as name:
        environment = {
            **product_environment(migrated_server.url(APP_ROLE, name), local_dir / "models"),
            **_SHIPPED_SHAPE,
            "HOURCAST_LOCAL_DIR": str(local_dir),
            "HOURCAST_READER_URL": migrated_server.url(READER_ROLE, name),
            "HOURCAST_AIRFLOW_DATABASE_URL": migrated_server.url(AIRFLOW_ROLE, airflow_metadata),
            "HOURCAST_ANNOUNCEMENTS_FILE": str(announcements),
        }
        yield Patient(migrated_server, local_dir, name, airflow_metadata, environment)


@pytest.fixture
def airflow_patient(patient: Patient) -> Iterator[Patient]:
    """The same with a copy of Airflow's database, for a test to damage."""
    with fresh_database(patient.server, patient.airflow) as name:
        run_as_superuser(patient.server, f"grant connect on database {name} to {AIRFLOW_ROLE}")
        patient.airflow = name
        patient.environment["HOURCAST_AIRFLOW_DATABASE_URL"] = patient.server.url(AIRFLOW_ROLE, name)
        yield patient
