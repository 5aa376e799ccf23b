"""Where the project's files are, and how a test runs a tool over them."""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]
PRODUCT_FOLDERS = ("include", "dags", "docker", "plugins", "research", "tracking", "language")


def product_files() -> list[Path]:
    """Every Python file of the product, without its tests."""
    return sorted(path for folder in PRODUCT_FOLDERS for path in (PROJECT_DIR / folder).rglob("*.py"))


def relative(path: Path) -> str:
    """The path as people write it: from the project's folder."""
    return path.relative_to(PROJECT_DIR).as_posix()


@cache
def syntax_tree(path: Path) -> ast.Module:
    """What Python reads in a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def tool(name: str) -> str:
    """A program that was installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def run(
    arguments: Sequence[str],
    folder: Path = PROJECT_DIR,
    given: str | None = None,
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program in a folder; what it printed and how it ended."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOURCAST_", "AIRFLOW__"))}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **(more or {})}
    return subprocess.run(
        arguments, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False, timeout=240
    )
