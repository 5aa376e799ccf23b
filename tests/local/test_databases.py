"""The addresses of the databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import LaunchError, StoreUnavailableError
from include.local.databases import Databases, airflow_revision, beside, ensure_airflow_database, open_databases
from include.local.postgres import HOURCAST_DATABASE, SUPERUSER, EmbeddedPostgres
from include.settings import load_settings
from include.store.app_rights import APP_ROLE
from include.store.engine import create_store_engine, execute, transaction
from tests.support.databases import run_as_superuser

EXTERNAL = "postgresql+psycopg2://me:word@db.example:6432/forecasts?sslmode=require"


def test_without_an_address_there_is_an_embedded_server(tmp_path: Path) -> None:
    databases = open_databases(load_settings({"HOURCAST_LOCAL_DIR": str(tmp_path)}))
    assert databases.server is not None
    assert databases.server.data_dir.is_relative_to(tmp_path)


def test_an_external_server_is_used_instead_where_an_address_is_set() -> None:
    databases = open_databases(load_settings({"HOURCAST_DATABASE_URL": EXTERNAL}))
    assert databases.server is None
    assert databases.hourcast_url() == EXTERNAL


def test_airflows_database_lies_beside_with_the_same_role_and_options() -> None:
    databases = open_databases(load_settings({"HOURCAST_DATABASE_URL": EXTERNAL}))
    assert databases.airflow_url() == "postgresql+psycopg2://me:word@db.example:6432/airflow?sslmode=require"
    assert beside(EXTERNAL, "other").endswith("/other?sslmode=require")


def test_airflows_database_can_be_named() -> None:
    named = "postgresql+psycopg2://airflow:word@elsewhere.example/airflow"
    settings = load_settings({"HOURCAST_DATABASE_URL": EXTERNAL, "HOURCAST_AIRFLOW_DATABASE_URL": named})
    assert open_databases(settings).airflow_url() == named
    ensure_airflow_database(settings)  # connects to no server


def test_the_page_reads_an_external_server_with_the_address_that_is_given() -> None:
    reader = "postgresql+psycopg2://bi_reader:word@db.example:6432/forecasts"
    given = {"HOURCAST_DATABASE_URL": EXTERNAL, "HOURCAST_READER_URL": reader}
    assert open_databases(load_settings(given)).reader_url() == reader
    assert open_databases(load_settings({"HOURCAST_DATABASE_URL": EXTERNAL})).reader_url() is None


def test_directions_and_reprs_hold_no_password() -> None:
    databases = open_databases(load_settings({"HOURCAST_DATABASE_URL": EXTERNAL}))
    assert ":word" not in "".join(databases.describe_reader()) + repr(databases)


def test_an_external_server_is_read_by_psql_that_prompts_for_the_password() -> None:
    databases = open_databases(load_settings({"HOURCAST_DATABASE_URL": EXTERNAL}))
    program, address = databases.psql_call()
    assert Path(program).name == "psql"
    assert address == "postgresql://bi_reader@db.example:6432/forecasts"


def test_psql_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    databases = open_databases(load_settings({"HOURCAST_LOCAL_DIR": str(tmp_path)}))
    with pytest.raises(LaunchError, match="make run"):
        databases.psql_call()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_a_running_server_shows_psql_and_an_address_without_a_password(postgres_server: EmbeddedPostgres) -> None:
    databases = Databases(postgres_server, lambda: "", lambda: "", lambda: "", lambda: "")
    lines = databases.describe_reader()
    assert lines[0].split() == ["SQL", "make", "psql"]
    assert lines[1].split() == ["BI", "tool", databases.psql_call()[1]]
    assert str(postgres_server.reader_file) in lines[2]
    assert postgres_server.reader_file.read_text().strip().split(":")[4] not in "".join(lines)


def test_a_server_that_cannot_be_reached_is_an_error_with_its_address() -> None:
    settings = load_settings({"HOURCAST_DATABASE_URL": "postgresql+psycopg2://me:word@127.0.0.1:9/forecasts"})
    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:9"):
        ensure_airflow_database(settings)


@pytest.fixture
def no_airflow_database(postgres_server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The test server, on which Airflow's database was renamed for the time of the test."""
    run_as_superuser(postgres_server, "alter database airflow rename to airflow_away")
    yield postgres_server
    run_as_superuser(
        postgres_server, "drop database if exists airflow", "alter database airflow_away rename to airflow"
    )


@pytest.mark.integration
def test_a_role_that_may_create_databases_gets_airflows_created_once(no_airflow_database: EmbeddedPostgres) -> None:
    settings = load_settings({"HOURCAST_DATABASE_URL": no_airflow_database.url(SUPERUSER, "postgres")})
    for _ in range(2):
        ensure_airflow_database(settings)
    assert airflow_revision(open_databases(settings).airflow_url()) is None


@pytest.mark.integration
def test_a_role_that_may_not_create_databases_is_an_error_with_the_setting_to_use(
    no_airflow_database: EmbeddedPostgres,
) -> None:
    settings = load_settings({"HOURCAST_DATABASE_URL": no_airflow_database.url(APP_ROLE, HOURCAST_DATABASE)})
    with pytest.raises(LaunchError, match="HOURCAST_AIRFLOW_DATABASE_URL"):
        ensure_airflow_database(settings)


@pytest.mark.integration
def test_the_revision_of_airflows_tables_is_read(migrated_server: EmbeddedPostgres, database: str) -> None:
    database_url = migrated_server.migration_url(database)
    assert airflow_revision(database_url) is None
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        execute(connection, "create table public.alembic_version (version_num text)")
        execute(connection, "insert into public.alembic_version values ('d2f4e1b3c5a7')")
    engine.dispose()
    assert airflow_revision(database_url) == "d2f4e1b3c5a7"
