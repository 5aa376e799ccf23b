"""The server's compose file: closed by default, whole without defaults for secrets, and true to `make run`."""

import importlib.util
import ipaddress
import re
import runpy
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from include.edge import DEFAULT_ARGS
from include.local.airflow_env import AirflowKeys, airflow_environment
from include.local.paths import LocalPaths
from include.settings import load_settings
from tests.docker.compose import (
    IMAGE,
    VARIABLE,
    airflow_services,
    compose,
    defaults,
    example,
    long_running,
    project_version,
    read,
    required,
    services,
)

COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer"}
QUEUE = {"redis", "worker"}
MLFLOW = {"mlflow", "mlflow-mirror"}
PROFILES = {
    "redis": ["celery"],
    "worker": ["celery"],
    "proxy": ["tls"],
    "mlflow": ["mlflow"],
    "mlflow-mirror": ["mlflow"],
}
OF_THE_PLACE = re.compile("FOLDER|DIRECTORY|_FILE$|_URL$|__HOST|__PORT|SECRET|KEY|CONN|PARALLELISM|EXECUTOR")


def test_every_component_of_the_product_is_there() -> None:
    assert set(services()) == {"postgres", "migrate", "proxy"} | COMPONENTS | QUEUE | MLFLOW
    assert {name: service["profiles"] for name, service in services().items() if "profiles" in service} == PROFILES


def test_every_published_port_is_on_the_loopback_alone() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(ports) == {"postgres", "api-server", "proxy", "mlflow"}
    # The proxy's address is chosen in .env; what .env.example has is the loopback.
    (tls,) = ports.pop("proxy")
    assert tls == "${TLS_ADDRESS:-127.0.0.1}:${TLS_PORT:-443}:8443"
    assert all(len(each) == 1 and each[0].startswith("127.0.0.1:") for each in ports.values())
    assert not any("network_mode" in service for service in services().values())


def test_a_secret_without_a_value_stops_compose_with_the_reason() -> None:
    messages = [found["rest"] for found in VARIABLE.finditer(read("docker-compose.yaml")) if found["kind"] == "?"]
    assert messages
    assert all("make env" in message for message in messages)


def test_no_secret_is_written_in_the_file_or_has_a_default() -> None:
    assert not required() & set(defaults())
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if key.startswith("AWS_") or key in {"OPENDART_KEY", "EMBEDDING_KEY", "HOURCAST_LANGUAGE_MODEL_KEY"}:
                assert value == f"${{{key}:-}}", "the user's, and needed for an object store or for filings alone"
            elif re.search("PASSWORD$|SECRET|_KEY$", key):
                found = VARIABLE.fullmatch(value)
                assert found is not None, (name, key)
                assert found["kind"] == "?", (name, key)
            if "://" in value and "@" in value:
                assert re.search(r"://\w*:\$\{\w+:\?[^}]*\}@", value), (name, key)


def test_the_example_lists_exactly_what_the_file_reads() -> None:
    assert set(example()) == required() | set(defaults()) | {"COMPOSE_PROFILES"}  # which compose itself reads
    assert all(found["kind"] for found in VARIABLE.finditer(read("docker-compose.yaml")))


def test_the_example_shows_the_defaults_and_no_secret() -> None:
    assert {name: value for name, value in example().items() if name in defaults()} == defaults()
    assert {value for name, value in example().items() if name in required()} == {""}


def test_data_lives_in_named_volumes() -> None:
    named = set(compose()["volumes"])
    mounts = {mount for service in services().values() for mount in service.get("volumes", [])}
    sources = {VARIABLE.sub(lambda found: found["rest"], mount).split(":")[0] for mount in mounts}
    assert sources == named
    assert {"postgres", "models", "logs", "exports", "backups"} <= named
    # PostgreSQL 18's image keeps its data below this folder, one folder a version.
    assert services()["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


def test_bars_of_a_vendor_are_mounted_read_only() -> None:
    for service in airflow_services().values():
        assert [mount for mount in service["volumes"] if "bars" in mount] == [
            "${BARS_DIR:-bars}:/var/lib/hourcast/bars:ro"
        ]


def test_what_runs_on_has_a_health_check_and_is_started_again() -> None:
    assert set(long_running()) == {"postgres", "proxy"} | COMPONENTS | QUEUE | MLFLOW
    for name, service in long_running().items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
    assert "healthcheck" not in services()["migrate"]


def test_the_migration_runs_once_and_every_component_waits_for_it() -> None:
    assert services()["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in COMPONENTS - {"scheduler"}:
        assert services()[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    # Tasks report to the page from their first second, so the scheduler waits for it, and so for the migration.
    assert services()["scheduler"]["depends_on"] == {"api-server": {"condition": "service_healthy"}}
    assert {name: condition["condition"] for name, condition in services()["worker"]["depends_on"].items()} == {
        "api-server": "service_healthy",
        "redis": "service_healthy",
    }


def test_one_image_is_built_once() -> None:
    built_by = [name for name, service in services().items() if "build" in service]
    assert built_by == ["postgres", "migrate", "mlflow", "proxy"]
    assert services()["mlflow"]["image"] == services()["mlflow-mirror"]["image"]
    assert set(airflow_services()) == {"migrate", "worker"} | COMPONENTS
    # An image's name without a folder could be another's on the public registry.
    built = {service["image"] for service in services().values() if "${" not in service["image"]}
    assert all(image.startswith("hourcast/") for image in built)
    assert IMAGE.endswith(f":{project_version()}")
    assert services()["mlflow"]["image"].endswith(f":{project_version()}")


def test_the_images_below_ours_have_a_version_and_can_be_fixed_by_a_digest() -> None:
    named = {name: value for name, value in defaults().items() if name.endswith("_IMAGE")}
    assert set(named) == {"PYTHON_IMAGE", "POSTGRES_IMAGE", "REDIS_IMAGE", "CADDY_IMAGE"}
    for name, value in named.items():
        assert re.fullmatch(r"[a-z]+:\d[\w.-]*", value), name
    dockerfiles = {"PYTHON": "Dockerfile", "POSTGRES": "docker/postgres/Dockerfile", "CADDY": "docker/proxy/Dockerfile"}
    for name, dockerfile in [*dockerfiles.items(), ("PYTHON", "docker/experiments/Dockerfile")]:
        argument, text = f"{name}_IMAGE", read(dockerfile)
        assert f"ARG {argument}={named[argument]}\n" in text
        assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {f"${{{argument}}}"}


def test_no_container_gains_privileges() -> None:
    for name, service in services().items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert not {"privileged", "cap_add", "pid", "ipc"} & set(service), name
        assert service.get("user", "redis") == "redis", name
    assert "\nUSER postgres\n" in read("docker/postgres/Dockerfile")
    assert "\nUSER 10001:10001\n" in read("docker/proxy/Dockerfile")
    assert "\nUSER hourcast\n" in read("docker/experiments/Dockerfile")


def test_the_database_can_write_its_socket_after_its_container_was_stopped_and_started() -> None:
    # Docker applies a mount's mode at the first start only; later ones take the mode of the folder in the image.
    folders = [mount.partition(":")[0] for mount in services()["postgres"]["tmpfs"]]
    made, _, _ = read("docker/postgres/Dockerfile").partition("\nUSER postgres\n")
    assert all(f"install -d -m 1777 {folder}" in made for folder in folders if folder != "/tmp")
    assert len(folders) > 1


def test_no_container_can_write_into_its_image_or_take_all_memory() -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["pids_limit"] > 0, name
        assert "mem_limit" in service, name
        # What is written lies in a volume, or in memory with a limit.
        assert all("size=" in mount for mount in service["tmpfs"]), name
    for name in ("scheduler", "worker"):
        assert services()[name]["mem_limit"] == "${TASKS_MEMORY:-4g}"
        assert services()[name]["cpus"] == "${TASKS_CPUS:-0}"


def test_postgres_takes_a_password_on_every_way() -> None:
    rules = [line.split() for line in read("docker/postgres/pg_hba.conf").splitlines() if line and line[0] != "#"]
    assert [rule[0] for rule in rules] == ["local", "host"]
    assert {rule[-1] for rule in rules} == {"scram-sha-256"}
    script = read("docker/postgres/start.sh")
    assert '-c hba_file="$(dirname "$0")/pg_hba.conf"' in script
    assert "--auth=scram-sha-256" in script
    assert script.index("unset POSTGRES_PASSWORD") < script.index("exec postgres")


def test_redis_is_not_published_and_its_password_is_no_argument() -> None:
    redis = services()["redis"]
    assert "ports" not in redis
    assert redis["entrypoint"] == ["sh", "-c"]
    (script,) = redis["command"]
    arguments, _, configuration = script.partition("<<END")
    assert "password" not in arguments.split("exec redis-server")[1]
    assert "requirepass $$password" in configuration
    assert "unset REDIS_PASSWORD" in arguments


def test_only_who_uses_the_queue_knows_its_password() -> None:
    holders = {name for name, service in services().items() if "{REDIS_PASSWORD:" in str(service)}
    assert holders == {"redis", "worker", "scheduler"}


def test_only_what_reads_weights_knows_the_keys_of_the_object_store() -> None:
    holders = {name for name, service in services().items() if "{AWS_SECRET_ACCESS_KEY:" in str(service)}
    assert holders == {"worker", "scheduler", "mlflow-mirror"}  # the mirror reads the backbones' weights
    assert services()["worker"]["environment"]["HOURCAST_ARTIFACTS_URI"] == "${HOURCAST_ARTIFACTS_URI:-}"


def test_only_what_fetches_filings_or_schedules_that_knows_the_key_of_opendart() -> None:
    holders = {name for name, service in services().items() if "{OPENDART_KEY:" in str(service)}
    assert holders == {"worker", "scheduler", "dag-processor"}


def test_only_where_tasks_run_is_the_key_of_a_service_of_embeddings_known() -> None:
    holders = {name for name, service in services().items() if "{EMBEDDING_KEY:" in str(service)}
    assert holders == {"worker", "scheduler"}


def test_only_the_page_knows_the_key_of_the_language_model() -> None:
    holders = {name for name, service in services().items() if "{HOURCAST_LANGUAGE_MODEL_KEY:" in str(service)}
    assert holders == {"api-server"}


def test_only_the_migration_knows_the_superuser_and_only_the_page_knows_the_login() -> None:
    def holders(name: str) -> set[str]:
        return {key for key, service in services().items() if f"{{{name}:" in str(service)}

    assert holders("POSTGRES_PASSWORD") == {"postgres", "migrate"}
    assert holders("BI_READER_PASSWORD") == {"migrate", "api-server"}  # the page reads with it
    assert holders("AIRFLOW_ADMIN_PASSWORD") == holders("METRICS_TOKEN") == {"api-server"}


def test_a_token_outlives_the_longest_task() -> None:
    environment = services()["scheduler"]["environment"]
    assert environment["AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME"] == "7200"
    assert DEFAULT_ARGS["execution_timeout"] < timedelta(seconds=7200)


def test_tasks_find_the_page_by_its_name_and_port() -> None:
    environment = services()["scheduler"]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "${AIRFLOW_EXECUTOR:-LocalExecutor}"
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
    package = Path(found.origin).parent
    known = yaml.safe_load((package / "config_templates" / "config.yml").read_text(encoding="utf-8"))
    provider = runpy.run_path(str(package / "providers" / "celery" / "get_provider_info.py"))
    known |= provider["get_provider_info"]()["config"]
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
    assert f"${{BACKUPS_DIR:-backups}}:{settings.local.backup_dir}" in services()["scheduler"]["volumes"]


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_airflow_is_set_up_as_on_one_machine(name: str, tmp_path: Path) -> None:
    local = airflow_environment(LocalPaths(tmp_path), AirflowKeys("j", "s", "f"), "postgresql+psycopg2://x", 8080)
    theirs = services()[name]["environment"]
    for key, value in local.items():
        if key.startswith("AIRFLOW__"):
            assert key in theirs, key
            assert OF_THE_PLACE.search(key) or theirs[key] == value, key


def test_the_page_believes_a_forwarded_address_from_dockers_networks_alone() -> None:
    page = services()["api-server"]
    assert page["command"] == ["api-server", "--proxy-headers"]
    networks = page["environment"]["FORWARDED_ALLOW_IPS"].split(",")
    assert networks
    assert all(ipaddress.ip_network(network).is_private for network in networks)


def test_workers_with_a_gpu_differ_in_image_queue_and_device_alone() -> None:
    override = yaml.safe_load(read("docker-compose.gpu.yaml"))["services"]
    assert set(override) == {"worker"}
    worker = override["worker"]
    assert set(worker) == {"image", "build", "command", "environment", "deploy"}
    assert worker["image"] != IMAGE
    assert worker["environment"] == {"HOURCAST_TRAINING_DEVICE": "auto"}
    assert worker["build"]["args"]["TORCH_INDEX"] == "${GPU_TORCH_INDEX:-}"
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
