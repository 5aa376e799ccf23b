"""MLflow beside the containers: an image of its own, a port for this machine alone, and nothing that waits for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from include.local import dotenv
from include.settings import load_settings
from tests.docker.compose import PROJECT_DIR, VARIABLE, compose, read, services
from tracking.facts import RECORDS

DOCKERFILE = "docker/experiments/Dockerfile"
DATABASE_PASSWORDS = {"PGPASSWORD": "MLFLOW_DATABASE_PASSWORD", "HOURCAST_DATABASE_URL": "MIRROR_DATABASE_PASSWORD"}


def plain(text: str) -> str:
    """A value of the compose file with the defaults of its variables, and ``secret`` for what has none."""
    return VARIABLE.sub(lambda found: found["rest"] if found["kind"] == "-" else "secret", text)


def environment(name: str) -> dict[str, str]:
    return {key: plain(str(value)) for key, value in services()[name]["environment"].items()}


def test_its_port_is_on_the_loopback_and_other_names_get_no_answer() -> None:
    assert services()["mlflow"]["ports"] == ["127.0.0.1:${MLFLOW_PORT:-5001}:5000"]
    assert "ports" not in services()["mlflow-mirror"]
    allowed = environment("mlflow")["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert set(allowed) == {"mlflow:5000", "localhost:*", "127.0.0.1:*"}
    assert environment("mlflow-mirror")["HOURCAST_MLFLOW_URI"] == f"http://{allowed[0]}"


def test_each_half_knows_one_password_of_its_own_and_the_migration_both() -> None:
    for secret in DATABASE_PASSWORDS.values():
        assert secret in dotenv.SECRETS
        holders = {name for name, service in services().items() if f"{{{secret}:" in str(service)}
        mine = "mlflow" if secret.startswith("MLFLOW") else "mlflow-mirror"
        assert holders == {mine, "migrate"}
    for name in ("mlflow", "mlflow-mirror"):
        named = {found["name"] for found in VARIABLE.finditer(str(services()[name])) if found["kind"] == "?"}
        assert len(named) == 1
    assert environment("mlflow-mirror")["HOURCAST_DATABASE_URL"].startswith("postgresql+psycopg2://hourcast_mirror:")


def test_the_settings_of_the_mirror_are_settings_and_its_folders_are_mounted_read_only() -> None:
    settings = load_settings(environment("mlflow-mirror"))
    mounts = dict(plain(mount).split(":", 1) for mount in services()["mlflow-mirror"]["volumes"])
    assert mounts == {
        "models": f"{settings.model.models_dir}:ro",
        "evaluations": f"{settings.local.local_dir / RECORDS}:ro",
    }
    assert f"models:{settings.model.models_dir}" in services()["scheduler"]["volumes"]
    assert settings.operations.mlflow_uri == "http://mlflow:5000"


def test_nothing_of_the_product_waits_for_it() -> None:
    for name, service in services().items():
        if not name.startswith("mlflow"):
            assert not {"mlflow", "mlflow-mirror"} & set(service.get("depends_on", {})), name
            assert "http://mlflow" not in str(service), name


def test_its_image_has_its_own_lock_without_torch_and_the_code_of_the_mirror() -> None:
    text = read(DOCKERFILE)
    left_out = re.search(r"grep -vE '\^\((.*)\)=='", text)
    assert left_out is not None
    pinned = {line.partition("==")[0] for line in read("requirements-mlflow.txt").splitlines() if "==" in line}
    assert set(left_out[1].split("|")) <= pinned
    assert "torch" in left_out[1].split("|")
    assert "pip check" in text
    assert "MLFLOW_DISABLE_TELEMETRY=true" in text
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {"include", "tracking", "docker/experiments"} <= sources
    assert not {"dags", "plugins", "sql", "requirements.txt"} & sources


def copied_code() -> list[str]:
    """The folders of code that the image has."""
    return re.findall(r"^COPY (\w+) /opt/hourcast/\w+$", read(DOCKERFILE), re.MULTILINE)


def test_the_mirror_needs_no_code_and_no_torch_that_the_image_lacks(tmp_path: Path) -> None:
    """MLflow itself is no part of this environment, so what the mirror imports beside it is imported here."""
    for name in copied_code():
        (tmp_path / name).symlink_to(PROJECT_DIR / name)
    code = "import sys, tracking.facts, tracking.plots, tracking.repeating; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_user_is_the_one_whose_weights_it_reads() -> None:
    account = re.compile(r"groupadd --gid (\d+) hourcast .*?useradd --uid (\d+) --gid (\d+)", re.DOTALL)
    ours, theirs = (account.search(read(name)) for name in ("Dockerfile", DOCKERFILE))
    assert ours is not None
    assert theirs is not None
    assert ours.groups() == theirs.groups()


def test_what_it_writes_lies_in_a_volume_that_its_user_owns() -> None:
    assert services()["mlflow"]["volumes"] == ["mlflow:/var/lib/hourcast/mlflow"]
    assert "mlflow" in compose()["volumes"]
    made = re.search(r"install -d -o hourcast -g hourcast -m 0750 \\\n(.*)$", read(DOCKERFILE), re.MULTILINE)
    assert made is not None
    assert {"/var/lib/hourcast/mlflow", "/var/lib/hourcast/models"} <= set(made[1].split())
    assert 'ARTEFACTS: Final = "/var/lib/hourcast/mlflow"' in read("tracking/server.py")


def test_the_password_of_its_database_is_in_no_argument() -> None:
    script = read("tracking/server.py")
    assert 'DATABASE: Final = "postgresql+psycopg2://mlflow@postgres:5432/mlflow"' in script
    assert "environ" not in script


@pytest.mark.parametrize(("first", "status"), [("", 2), ("forecast", 2)], ids=["nothing", "something else"])
def test_the_start_script_names_what_it_runs(first: str, status: int, tmp_path: Path) -> None:
    script = PROJECT_DIR / "docker" / "experiments" / "start.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    argv = ["sh", str(script), *([first] if first else [])]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "serve, mirror or check" in done.stderr


def test_the_mirror_is_well_while_it_has_succeeded_within_half_an_hour(tmp_path: Path) -> None:
    mirror = services()["mlflow-mirror"]
    mark = mirror["command"][mirror["command"].index("--mark") + 1]
    kind, check = mirror["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert mark in check
    mine = tmp_path / "mirrored"
    check = check.replace(mark, str(mine))

    def is_well() -> bool:
        return subprocess.run(["sh", "-c", check], capture_output=True, check=False).returncode == 0

    assert not is_well()
    mine.touch()
    assert is_well()
    subprocess.run(["touch", "-d", "40 minutes ago", str(mine)], check=True)
    assert not is_well()
