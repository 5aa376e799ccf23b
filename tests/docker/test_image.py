"""The image: our lock on the slim Python, run by a user who cannot change the code, with nothing private inside."""

import re
import subprocess
from pathlib import Path

from tests.docker.compose import PROJECT_DIR, airflow_services, read

INSTRUCTION = re.compile(r"^(FROM|COPY|USER|ENTRYPOINT|ARG|WORKDIR)\s+(.*)$", re.MULTILINE)


def instructions(kind: str) -> list[str]:
    return [found[2] for found in INSTRUCTION.finditer(read("Dockerfile")) if found[1] == kind]


def test_the_base_is_the_slim_python_of_the_lock() -> None:
    assert instructions("FROM") == ["python:3.11-slim-bookworm"]


def test_the_packages_are_the_lock_and_are_checked() -> None:
    text = read("Dockerfile")
    assert "pip install --no-cache-dir -r /opt/hourcast/requirements.txt" in text
    assert "pip check" in text
    # The lock is copied before the code, so that a change of code does not install everything again.
    assert instructions("COPY")[0].startswith("requirements.txt ")


def test_the_image_does_not_run_as_root() -> None:
    assert instructions("USER")[-1] == "hourcast"
    text = read("Dockerfile")
    assert text.rindex("\nUSER hourcast") > text.rindex("\nRUN ")
    assert "useradd --uid 10001" in text


def test_no_address_of_a_package_index_is_built_in() -> None:
    assert instructions("ARG") == ['TORCH_INDEX=""']
    assert "http" not in read("Dockerfile")


def test_the_builder_gets_what_is_copied_and_nothing_else() -> None:
    rules = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    copied = {source for line in instructions("COPY") for source in line.split()[:-1]}
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
