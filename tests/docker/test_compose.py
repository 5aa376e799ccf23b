"""The server's compose file: closed by default, whole without defaults for secrets, and true to `make run`."""

import importlib.util
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from include.edge import DEFAULT_ARGS
from include.local.airflow_env import AirflowKeys, airflow_environment
from include.local.paths import LocalPaths
from include.settings import load_settings
from tests.docker.compose import (
    VARIABLE,
    airflow_services,
    compose,
    defaults,
    example,
    long_running,
    read,
    required,
    services,
)

COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer"}
OF_THE_PLACE = re.compile("FOLDER|DIRECTORY|_FILE$|_URL$|__HOST|__PORT|SECRET|KEY|CONN|PARALLELISM")


def test_every_component_of_the_product_is_there() -> None:
    assert set(services()) == {"postgres", "migrate"} | COMPONENTS


def test_every_published_port_is_on_the_loopback_alone() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in service for service in services().values())


def test_a_secret_without_a_value_stops_compose_with_the_reason() -> None:
    messages = [found["rest"] for found in VARIABLE.finditer(read("docker-compose.yaml")) if found["kind"] == "?"]
    assert messages
    assert all("make env" in message for message in messages)


def test_no_secret_is_written_in_the_file_or_has_a_default() -> None:
    assert not required() & set(defaults())
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD$|SECRET|_KEY$", key):
                found = VARIABLE.fullmatch(value)
                assert found is not None, (name, key)
                assert found["kind"] == "?", (name, key)
            if "://" in value and "@" in value:
                assert re.search(r"://\w+:\$\{\w+:\?[^}]*\}@", value), (name, key)


def test_the_example_lists_exactly_what_the_file_reads() -> None:
    assert set(example()) == required() | set(defaults())
    assert all(found["kind"] for found in VARIABLE.finditer(read("docker-compose.yaml")))


def test_the_example_shows_the_defaults_and_no_secret() -> None:
    assert {name: value for name, value in example().items() if name in defaults()} == defaults()
    assert {value for name, value in example().items() if name in required()} == {""}


def test_data_lives_in_named_volumes() -> None:
    named = set(compose()["volumes"])
    mounts = {mount for service in services().values() for mount in service.get("volumes", [])}
    sources = {VARIABLE.sub(lambda found: found["rest"], mount).split(":")[0] for mount in mounts}
    assert sources == named
    assert {"postgres", "models", "logs", "exports"} <= named
    # PostgreSQL 18's image keeps its data below this folder, one folder a version.
    assert services()["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


def test_bars_of_a_vendor_are_mounted_read_only() -> None:
    for service in airflow_services().values():
        assert [mount for mount in service["volumes"] if "bars" in mount] == [
            "${BARS_DIR:-bars}:/var/lib/hourcast/bars:ro"
        ]


def test_what_runs_on_has_a_health_check_and_is_started_again() -> None:
    assert set(long_running()) == {"postgres"} | COMPONENTS
    for name, service in long_running().items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
    assert "healthcheck" not in services()["migrate"]


def test_the_migration_runs_once_and_every_component_waits_for_it() -> None:
    assert services()["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in COMPONENTS - {"scheduler"}:
        assert services()[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    # Tasks report to the page from their first second, so the scheduler waits for it, and so for the migration.
    assert services()["scheduler"]["depends_on"] == {"api-server": {"condition": "service_healthy"}}


def test_one_image_is_built_once() -> None:
    assert [name for name, service in services().items() if "build" in service] == ["migrate"]
    assert set(airflow_services()) == {"migrate"} | COMPONENTS
    assert services()["postgres"]["image"] == "postgres:18"


def test_no_container_gains_privileges() -> None:
    for name, service in services().items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not {"privileged", "cap_add", "user", "pid", "ipc"} & set(service), name
    assert all(service["cap_drop"] == ["ALL"] for service in airflow_services().values())


def test_only_the_migration_knows_the_superuser_and_only_the_page_knows_the_login() -> None:
    def holders(name: str) -> set[str]:
        return {key for key, service in services().items() if f"{{{name}:" in str(service)}

    assert holders("POSTGRES_PASSWORD") == {"postgres", "migrate"}
    assert holders("BI_READER_PASSWORD") == {"migrate", "api-server"}  # the page reads with it
    assert holders("AIRFLOW_ADMIN_PASSWORD") == {"api-server"}


def test_a_token_outlives_the_longest_task() -> None:
    environment = services()["scheduler"]["environment"]
    assert environment["AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME"] == "7200"
    assert DEFAULT_ARGS["execution_timeout"] < timedelta(seconds=7200)


def test_tasks_find_the_page_by_its_name_and_port() -> None:
    environment = services()["scheduler"]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    port = environment["AIRFLOW__API__PORT"]
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://api-server:{port}/execution/"
    assert services()["api-server"]["ports"][0].endswith(f":{port}")


def test_addresses_name_their_driver() -> None:
    environment = services()["scheduler"]["environment"]
    for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "HOURCAST_DATABASE_URL"):
        assert environment[name].startswith("postgresql+psycopg2://")
    page = services()["api-server"]["environment"]["HOURCAST_READER_URL"]
    assert page.startswith("postgresql+psycopg2://bi_reader:")


def test_every_airflow_option_exists() -> None:
    found = importlib.util.find_spec("airflow")
    assert found is not None
    assert found.origin is not None
    known = yaml.safe_load((Path(found.origin).parent / "config_templates" / "config.yml").read_text(encoding="utf-8"))
    for name in services()["scheduler"]["environment"]:
        if name.startswith("AIRFLOW__"):
            _, section, option = name.lower().split("__")
            assert option in known[section]["options"], name


def test_every_hourcast_setting_exists_and_an_empty_one_is_the_default() -> None:
    environment = services()["scheduler"]["environment"]
    given = {name: VARIABLE.sub(lambda found: found["rest"], value) for name, value in environment.items()}
    settings = load_settings(given)
    assert settings.market.history_days == load_settings({}).market.history_days
    assert settings.model.models_dir == Path("/var/lib/hourcast/models")
    assert settings.store.export_uri == "/var/lib/hourcast/exports"
    assert f"exports:{settings.store.export_uri}" in services()["scheduler"]["volumes"]


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_airflow_is_set_up_as_on_one_machine(name: str, tmp_path: Path) -> None:
    local = airflow_environment(LocalPaths(tmp_path), AirflowKeys("j", "s", "f"), "postgresql+psycopg2://x", 8080)
    theirs = services()[name]["environment"]
    for key, value in local.items():
        if key.startswith("AIRFLOW__"):
            assert key in theirs, key
            assert OF_THE_PLACE.search(key) or theirs[key] == value, key
