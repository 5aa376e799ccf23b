"""The values for Airflow's Helm chart: known keys, no secret, no root, the same settings as docker-compose.yaml."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.local.kubernetes_secrets import RELEASE, manifest, new_secrets
from include.settings import load_settings
from tests.deploy.chart import CHECKED, FREE, SET_KEYS
from tests.docker.compose import PROJECT_DIR, compose, project_version, read

FOLDER = PROJECT_DIR / "deploy" / "kubernetes"
VALUES = ["values.yaml", "values-celery.yaml", "values-gpu.yaml"]
MANIFESTS = ["files-claim.yaml", "network-policy.yaml", "service-monitor.yaml"]
COMPONENTS = ["scheduler", "dagProcessor", "triggerer", "apiServer", "migrateDatabaseJob"]
OF_THE_PLACE = re.compile(
    "FOLDER|DIRECTORY|PASSWORDS_FILE|API__HOST|API__PORT|SECRET|KEY|CONN|PARALLELISM|EXECUT.*_URL|EXECUTOR"
)


def values(name: str = "values.yaml") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def paths(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        is_free = path in FREE or key == "resources"
        if isinstance(value, dict) and not is_free:
            yield from paths(value, f"{path}.")
        else:
            yield path


def variables() -> dict[str, dict[str, Any]]:
    """Every environment variable of the values -> its entry."""
    base = values()
    extra = yaml.safe_load(values("values-gpu.yaml")["extraEnv"])
    sets = [entry for each in values("values-gpu.yaml")["workers"]["celery"]["sets"] for entry in each["env"]]
    entries = [*base["env"], *base["apiServer"]["env"], *base["migrateDatabaseJob"]["env"], *extra, *sets]
    return {entry["name"]: entry for entry in entries} | {entry["envName"]: entry for entry in base["secret"]}


def references() -> set[tuple[str, str]]:
    """(secret, key) of everything that the values and the manifests take from a secret."""
    base, celery = values(), values("values-celery.yaml")
    found = {(entry["secretName"], entry["secretKey"]) for entry in base["secret"]}
    refs = [entry["valueFrom"]["secretKeyRef"] for entry in variables().values() if "valueFrom" in entry]
    found |= {(ref["name"], ref["key"]) for ref in refs}
    found |= {(base["data"]["metadataSecretName"], "connection"), (base["fernetKeySecretName"], "fernet-key")}
    found |= {(base["apiSecretKeySecretName"], "api-secret-key"), (base["jwtSecretName"], "jwt-secret")}
    found |= {
        (celery["data"]["brokerUrlSecretName"], "connection"),
        (celery["redis"]["passwordSecretName"], "password"),
    }
    monitor = documents("service-monitor.yaml")[0]["spec"]["endpoints"][0]["authorization"]["credentials"]
    return found | {(monitor["name"], monitor["key"])}


@pytest.mark.parametrize("name", VALUES)
def test_every_key_was_seen_in_the_chart(name: str) -> None:
    assert set(paths(values(name))) - CHECKED == set()


def test_no_key_is_noted_that_nothing_uses() -> None:
    assert {path for name in VALUES for path in paths(values(name))} == CHECKED


def test_a_set_of_workers_has_known_keys_and_its_own_queue() -> None:
    (gpu,) = values("values-gpu.yaml")["workers"]["celery"]["sets"]
    assert set(gpu) == SET_KEYS
    assert gpu["args"][-1] == gpu["queue"] == "training"
    assert variables()["HOURCAST_TRAINING_QUEUE"]["value"] == gpu["queue"]
    assert values("values-celery.yaml")["workers"]["celery"]["args"] == ["celery", "worker", "--queues", "default"]


def test_every_secret_that_is_named_is_made_and_none_besides() -> None:
    environment = {"POSTGRES_PASSWORD": "x", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    made = {(name, key) for name, keys in new_secrets("db.example", environment).items() for key in keys}
    assert made == references()


def test_no_value_is_a_secret() -> None:
    for name, entry in variables().items():
        if re.search("PASSWORD|TOKEN$|_KEY|SECRET|DATABASE_URL|READER_URL|MIGRATION_URL", name):
            assert "value" not in entry, name
    text = "".join((FOLDER / name).read_text(encoding="utf-8") for name in VALUES + MANIFESTS)
    assert not re.search(r"://[^/\s]*:[^/\s]*@", text)
    assert "/deploy/kubernetes/secrets.json" in read(".gitignore").splitlines()


def test_every_setting_exists_and_the_pods_would_start_with_it() -> None:
    given = {name: entry.get("value", "x") for name, entry in variables().items() if name.startswith("HOURCAST_")}
    given |= {name: "postgresql+psycopg2://r:p@h/hourcast" for name in given if name.endswith("_URL")}
    base = values()["env"]
    assert {entry["name"] for entry in base if not entry["name"].startswith(("HOURCAST_", "AWS_"))} == {
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    }  # fmt: skip
    settings = load_settings(given)
    assert (settings.model.artifacts_uri or "").startswith("s3://")
    assert settings.schedule.training_queue == "training"


def test_the_image_is_one_and_of_this_version() -> None:
    base = values()
    airflow = base["images"]["airflow"]
    assert airflow == base["images"]["pod_template"]
    assert (base["defaultAirflowRepository"], base["defaultAirflowTag"]) == (airflow["repository"], airflow["tag"])
    assert airflow["tag"] == project_version()
    assert f"apache-airflow=={base['airflowVersion']}\n" in read("requirements.txt")


def test_the_commands_are_those_of_the_start_script() -> None:
    base, services = values(), compose()["services"]
    assert base["migrateDatabaseJob"]["args"] == services["migrate"]["command"]
    assert base["apiServer"]["args"] == services["api-server"]["command"]
    for component, service in (
        ("scheduler", "scheduler"),
        ("dagProcessor", "dag-processor"),
        ("triggerer", "triggerer"),
    ):
        assert base[component]["args"] == services[service]["command"]
    worker = values("values-celery.yaml")["workers"]["celery"]
    assert worker["args"][:3] == services["worker"]["command"][:3]
    assert worker["livenessProbe"]["command"] == services["worker"]["healthcheck"]["test"][1:]


@pytest.mark.parametrize("command", [["airflow", "jobs", "check"], ["python", "-m", "x", "--json-string", '{"a": 1}']])
def test_the_start_script_runs_a_whole_command_as_the_chart_gives_it(command: list[str], tmp_path: Path) -> None:
    program = tmp_path / command[0]
    program.write_text('#!/bin/sh\necho "$(basename "$0")" "$@"\n')
    program.chmod(0o755)
    script = str(PROJECT_DIR / "docker" / "start.sh")
    done = subprocess.run(
        ["/bin/sh", script, *command],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[0] == " ".join(command)


def test_nothing_runs_as_root_or_keeps_a_capability_or_can_write_its_image() -> None:
    base, redis = values(), values("values-celery.yaml")["redis"]
    for pod in (base["securityContexts"]["pod"], redis["securityContexts"]["pod"]):
        assert pod["runAsNonRoot"] is True
        assert pod["seccompProfile"]["type"] == "RuntimeDefault"
    user = re.search(r"--uid (\d+)", read("Dockerfile"))
    assert user is not None
    assert {base["uid"], base["gid"], *(base["securityContexts"]["pod"][key] for key in ("runAsUser", "fsGroup"))} == {
        int(user[1])
    }
    for container in (base["securityContexts"]["containers"], redis["securityContexts"]["container"]):
        assert container["capabilities"] == {"drop": ["ALL"]}
        assert container["allowPrivilegeEscalation"] is False
    assert base["securityContexts"]["containers"]["readOnlyRootFilesystem"] is True


def test_what_is_written_is_a_mounted_volume() -> None:
    base = values()
    mounts = {mount["name"]: mount["mountPath"] for mount in base["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in base["volumes"]}
    written = [entry["value"] for entry in base["env"] if str(entry.get("value", "")).startswith("/")]
    written += [base["airflowHome"], *re.findall(r"/var/lib/\S+", json.dumps(base["config"]).replace('"', " "))]
    assert all(any(path.startswith(mount) for mount in mounts.values()) for path in written)
    claims = {document["metadata"]["name"] for document in documents("files-claim.yaml")}
    assert claims == {"hourcast-files", base["logs"]["persistence"]["existingClaim"]}


def test_every_component_has_a_limit_of_memory_and_only_the_scheduler_speaks_to_kubernetes() -> None:
    base, celery = values(), values("values-celery.yaml")
    parts = [base[name] for name in COMPONENTS] + [
        base["workers"]["kubernetes"],
        celery["workers"]["celery"],
        celery["redis"],
    ]
    assert all(part["resources"]["limits"]["memory"] for part in parts)
    with_token = [
        part["args"] for part in parts if part.get("serviceAccount", {}).get("automountServiceAccountToken", True)
    ]
    assert with_token == [["scheduler"]]
    assert celery["scheduler"]["serviceAccount"]["automountServiceAccountToken"] is False


def test_probes_call_programs_of_our_image() -> None:
    base = values()
    jobs = {"scheduler": "SchedulerJob", "dagProcessor": "DagProcessorJob", "triggerer": "TriggererJob"}
    for component, job in jobs.items():
        assert base[component]["livenessProbe"]["command"] == ["airflow", "jobs", "check", "--job-type", job, "--local"]
        assert base[component]["logGroomerSidecar"]["enabled"] is False


def test_airflow_is_configured_as_in_the_compose_file() -> None:
    config = values()["config"]
    given = {
        f"AIRFLOW__{section}__{option}".upper(): str(value)
        for section, options in config.items()
        for option, value in options.items()
    }
    same = {
        name: str(value)
        for name, value in compose()["x-environment"].items()
        if name.startswith("AIRFLOW__") and not OF_THE_PLACE.search(name)
    }
    assert {name: given.get(name) for name in same} == same


@pytest.mark.integration
def test_airflow_knows_every_option_of_its_configuration() -> None:
    from airflow.configuration import conf

    described = conf.configuration_description
    options = {
        f"{section}.{option}": option in described.get(section, {}).get("options", {})
        for tree in (values()["config"], values("values-celery.yaml")["config"])
        for section, group in tree.items()
        for option in group
    }
    assert {name for name, is_known in options.items() if not is_known} == set()


def test_the_namespace_is_closed_but_for_what_the_product_needs() -> None:
    policies = {document["metadata"]["name"]: document["spec"] for document in documents("network-policy.yaml")}
    assert policies["hourcast-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    outside = policies["hourcast-outside"]
    (selected,) = outside["podSelector"]["matchExpressions"]
    assert set(selected["values"]) == {"worker", "scheduler"}
    assert [rule["ports"] for rule in outside["egress"]] == [
        [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]
    ]
    assert values()["networkPolicies"]["enabled"] is True
    assert values()["apiServer"]["networkPolicy"]["ingress"]["from"]


def test_prometheus_reads_the_metrics_of_this_release() -> None:
    (monitor,) = documents("service-monitor.yaml")
    assert monitor["spec"]["selector"]["matchLabels"]["release"] == RELEASE
    assert monitor["spec"]["endpoints"][0]["path"] == "/hourcast/metrics"
    broker = new_secrets("db.example", {"POSTGRES_PASSWORD": "x"})["hourcast-broker"]["connection"]
    assert broker.endswith(f"@{RELEASE}-redis:6379/0")


def test_the_readme_names_every_file_and_says_what_was_not_run() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(name in text for name in VALUES + MANIFESTS)
    assert "never run on a cluster" in text
    assert "1.22.0" in text
    assert all("--version 1.22.0" in (FOLDER / name).read_text(encoding="utf-8") for name in VALUES)


def test_a_manifest_of_secrets_is_a_list_for_kubectl() -> None:
    loaded = json.loads(manifest(new_secrets("db.example", {"POSTGRES_PASSWORD": "x"})))
    assert loaded["kind"] == "List"
    assert {item["kind"] for item in loaded["items"]} == {"Secret"}
