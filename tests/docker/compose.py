"""The compose file and its neighbours as data, for the tests of this folder."""

import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

PROJECT_DIR = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")

IMAGE = "hourcast/hourcast:0.1.0"

Service = dict[str, Any]


def read(name: str) -> str:
    return (PROJECT_DIR / name).read_text(encoding="utf-8")


def project_version() -> str:
    with (PROJECT_DIR / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read("docker-compose.yaml"))
    return loaded


def services() -> dict[str, Service]:
    found: dict[str, Service] = compose()["services"]
    return found


def airflow_services() -> dict[str, Service]:
    return {name: service for name, service in services().items() if service["image"] == IMAGE}


def long_running() -> dict[str, Service]:
    return {name: service for name, service in services().items() if service["restart"] != "no"}


def required() -> set[str]:
    """Variables without which compose refuses the file."""
    return {found["name"] for found in VARIABLE.finditer(read("docker-compose.yaml")) if found["kind"] == "?"}


def defaults() -> dict[str, str]:
    """Variables that may be missing, with what then stands in for them."""
    found = VARIABLE.finditer(read("docker-compose.yaml"))
    return {match["name"]: match["rest"] for match in found if match["kind"] == "-"}


def example() -> dict[str, str]:
    """`.env.example`: name to value."""
    lines = [line for line in read(".env.example").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def load_script(name: str) -> ModuleType:
    """A script of `docker/` as a module; the folder is no package, since `docker` is a library's name."""
    module = ModuleType(name)
    exec(compile(read(f"docker/{name}.py"), f"docker/{name}.py", "exec"), vars(module))
    return module
