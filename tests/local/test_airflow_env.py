"""Airflow's environment: complete, private, and free of what the person's shell would mix in."""

import json
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from include.local.airflow_env import (
    LOGIN_NAME,
    airflow_environment,
    collector_environment,
    ensure_metrics_token,
    hourcast_environment,
    inherited_environment,
    load_keys,
    load_password,
)
from include.local.paths import LocalPaths
from include.settings import load_settings

DATABASE_URL = "postgresql+psycopg2://airflow:word@127.0.0.1:5433/airflow"
READER_URL = "postgresql+psycopg2://bi_reader:word@127.0.0.1:5433/hourcast"


@pytest.fixture
def paths(tmp_path: Path) -> LocalPaths:
    return LocalPaths(tmp_path / ".local")


def environment_on_port(paths: LocalPaths, port: int) -> dict[str, str]:
    return airflow_environment(paths, load_keys(paths), DATABASE_URL, port)


def test_keys_are_made_once_and_kept_private(paths: LocalPaths) -> None:
    keys = load_keys(paths)
    assert load_keys(paths) == keys
    assert stat.S_IMODE(paths.keys_file.stat().st_mode) == 0o600
    Fernet(keys.fernet_key)  # raises for a key that Airflow could not use


def test_two_installations_share_no_key(tmp_path: Path) -> None:
    one, other = (load_keys(LocalPaths(tmp_path / name)) for name in ("one", "other"))
    assert {one.jwt_secret, one.secret_key, one.fernet_key}.isdisjoint(
        {other.jwt_secret, other.secret_key, other.fernet_key}
    )


def test_keys_do_not_show_in_a_traceback(paths: LocalPaths) -> None:
    keys = load_keys(paths)
    assert keys.jwt_secret not in repr(keys)


def test_the_login_is_made_once_private_and_in_the_form_airflow_reads(paths: LocalPaths) -> None:
    password = load_password(paths)
    assert load_password(paths) == password
    assert len(password) >= 16
    assert json.loads(paths.login_file.read_text()) == {LOGIN_NAME: password}
    assert stat.S_IMODE(paths.login_file.stat().st_mode) == 0o600


def test_the_execution_api_follows_the_page_to_another_port(paths: LocalPaths) -> None:
    environment = environment_on_port(paths, 8123)
    assert environment["AIRFLOW__API__PORT"] == "8123"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_airflow_listens_on_the_loopback_and_requires_a_login(paths: LocalPaths) -> None:
    environment = environment_on_port(paths, 8080)
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin"
    assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" not in environment


def test_every_file_of_airflow_lies_below_the_local_folder(paths: LocalPaths) -> None:
    environment = environment_on_port(paths, 8080)
    for name in (
        "AIRFLOW_HOME",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    ):
        assert Path(environment[name]).is_relative_to(paths.local_dir)


def test_an_execution_token_is_valid_longer_than_the_longest_task(paths: LocalPaths) -> None:
    longest_task_seconds = 50 * 60  # include.edge.DEFAULT_ARGS
    lifetime = int(environment_on_port(paths, 8080)["AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME"])
    assert lifetime > 2 * longest_task_seconds


def test_another_airflows_settings_do_not_leak_in() -> None:
    kept = inherited_environment(
        {"AIRFLOW_HOME": "/elsewhere", "AIRFLOW__CORE__PARALLELISM": "99", "PGHOST": "db.example", "LANG": "C.UTF-8"}
    )
    assert kept["LANG"] == "C.UTF-8"
    assert not [name for name in kept if name.startswith(("AIRFLOW", "PG"))]


@pytest.mark.parametrize("given", ["", "intranet.example"])
def test_no_proxy_stands_between_the_machine_and_itself(given: str) -> None:
    kept = inherited_environment({"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": given})
    hosts = kept["NO_PROXY"].split(",")
    assert {"127.0.0.1", "localhost"} <= set(hosts)
    assert not given or given in hosts
    assert kept["no_proxy"]
    assert kept["HTTP_PROXY"] == "http://proxy.example:3128"


def test_components_get_the_persons_settings_and_this_folders_database(paths: LocalPaths) -> None:
    given = {"HOURCAST_SCHEDULE_MINUTE": "5", "HOURCAST_DATABASE_URL": "stale", "HOME": "/home/someone"}
    environment = hourcast_environment(given, paths, DATABASE_URL, READER_URL)
    assert "HOME" not in environment
    settings = load_settings(environment)
    assert settings.schedule.schedule_minute == 5
    assert settings.store.database_url == DATABASE_URL
    assert settings.store.reader_url == READER_URL
    assert settings.model.models_dir.is_relative_to(paths.local_dir)
    assert settings.market.cache_dir.is_relative_to(paths.local_dir)


def test_a_models_folder_that_the_person_chose_stays_chosen(paths: LocalPaths, tmp_path: Path) -> None:
    environment = hourcast_environment({"HOURCAST_MODELS_DIR": str(tmp_path / "models")}, paths, DATABASE_URL, None)
    assert load_settings(environment).model.models_dir == tmp_path / "models"


def test_on_an_external_server_the_persons_address_of_the_reader_stays(paths: LocalPaths) -> None:
    environment = hourcast_environment({"HOURCAST_READER_URL": READER_URL}, paths, DATABASE_URL, None)
    assert load_settings(environment).store.reader_url == READER_URL
    assert "HOURCAST_READER_URL" not in hourcast_environment({}, paths, DATABASE_URL, None)


def test_airflow_sends_its_own_metrics_if_a_collector_is_named() -> None:
    assert collector_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) == {
        "AIRFLOW__METRICS__OTEL_ON": "True"
    }
    assert collector_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) == {}


def test_the_token_of_the_metrics_is_made_once_and_is_private(tmp_path: Path) -> None:
    paths = LocalPaths(tmp_path)
    ensure_metrics_token(paths)
    token = paths.metrics_token_file.read_text()
    ensure_metrics_token(paths)

    assert len(token) > 30
    assert paths.metrics_token_file.read_text() == token
    assert paths.metrics_token_file.stat().st_mode & 0o777 == 0o600
