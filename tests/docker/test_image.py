"""The image: our lock on the slim Python, run by a user who cannot change the code, with nothing private inside."""

import re
import subprocess
from pathlib import Path

from tests.docker.compose import PROJECT_DIR, airflow_services, read

INSTRUCTION = re.compile(r"^(FROM|COPY|USER|ENTRYPOINT|ARG|WORKDIR)\s+(.*)$", re.MULTILINE)


def instructions(kind: str) -> list[str]:
    return [found[2] for found in INSTRUCTION.finditer(read("Dockerfile")) if found[1] == kind]


def test_the_base_is_the_slim_python_of_the_lock() -> None:
    assert instructions("FROM") == ["${PYTHON_IMAGE} AS packages", "${PYTHON_IMAGE}"]
    assert instructions("ARG")[0] == "PYTHON_IMAGE=python:3.11-slim-bookworm"


def test_the_packages_are_the_lock_and_are_checked() -> None:
    text = read("Dockerfile")
    assert 'pip install --no-cache-dir --no-compile -r "/opt/build/$REQUIREMENTS"' in text
    assert "pip check" in text
    # The lock is copied before the code, so that a change of code does not install everything again.
    assert instructions("COPY")[0].startswith("requirements.txt ")


def test_the_lock_for_kubernetes_adds_to_the_lock_and_changes_none_of_it() -> None:
    lines = [line for line in read("requirements-kubernetes.txt").splitlines() if not line.startswith("#")]
    assert lines[0] == "-r requirements.txt"
    added = [line.partition("==")[0].lower() for line in lines[1:]]
    assert all("==" in line for line in lines[1:])
    pinned = {line.partition("==")[0].lower() for line in read("requirements.txt").splitlines()}
    assert not pinned & set(added)
    assert "apache-airflow-providers-cncf-kubernetes" in added


def test_the_image_takes_the_packages_after_what_nothing_uses_was_removed() -> None:
    text = read("Dockerfile")
    assert (
        text.index("pip install") < text.index("sh /opt/build/slim.sh /opt/venv") < text.index("COPY --from=packages")
    )
    assert "pip install" not in text.partition("COPY --from=packages")[2]
    script = PROJECT_DIR / "docker" / "slim.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert "pip check" in script.read_text(encoding="utf-8")


def test_the_image_does_not_run_as_root() -> None:
    assert instructions("USER")[-1] == "hourcast"
    text = read("Dockerfile")
    assert text.rindex("\nUSER hourcast") > text.rindex("\nRUN ")
    assert "useradd --uid 10001" in text


def test_no_address_of_a_package_index_is_built_in() -> None:
    assert instructions("ARG")[1:] == ['TORCH_INDEX=""', "REQUIREMENTS=requirements.txt"]
    assert "http" not in read("Dockerfile")


def test_the_builder_gets_what_is_copied_and_nothing_else() -> None:
    rules = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    of_mlflow = [
        found[2] for found in INSTRUCTION.finditer(read("docker/experiments/Dockerfile")) if found[1] == "COPY"
    ]
    lines = [line for line in [*instructions("COPY"), *of_mlflow] if not line.startswith("--from=")]
    copied = {source.split("/")[0] for line in lines for source in line.split()[:-1]}
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert all((PROJECT_DIR / name).exists() for name in copied)


def test_the_volumes_folders_belong_to_the_user() -> None:
    made = re.search(r"install -d -o hourcast -g hourcast -m 0750 \\\n(.*)$", read("Dockerfile"), re.MULTILINE)
    assert made is not None
    targets = {mount.split(":")[1] for service in airflow_services().values() for mount in service["volumes"][:2]}
    assert targets <= set(made[1].split())


def test_the_start_script_is_a_shell_script_without_errors(tmp_path: Path) -> None:
    script = PROJECT_DIR / "docker" / "start.sh"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    done = subprocess.run(["sh", str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "migrate" in done.stderr
