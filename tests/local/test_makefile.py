"""The Makefile: works from any folder, and gives a clear error where Python is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).parents[2]
MAKEFILE = (PROJECT_DIR / "Makefile").read_text()
USER_TARGETS = [
    "run",
    "psql",
    "status",
    "doctor",
    "logs",
    "down",
    "backup",
    "restore",
    "clean",
    "env",
    "up",
    "cli",
    "mlflow",
    "tune",
    "help",
]
DEVELOPER_TARGETS = [
    "test",
    "tune-test",
    "check",
    "fix",
    "audit",
    "bench",
    "pretrain",
    "evaluate",
    "leakcheck",
    "chaos",
    "soak",
    "loop",
    "yahoo",
]
TARGETS = [*USER_TARGETS, *DEVELOPER_TARGETS]


def make(*arguments: str, cwd: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program is not None
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment = inherited | ({"PATH": path} if path is not None else {})
    return subprocess.run(
        [program, "--no-print-directory", "-C", str(PROJECT_DIR), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_exists_and_has_a_description(target: str) -> None:
    assert re.search(rf"^{target}:.*## \S", MAKEFILE, re.MULTILINE)


def test_help_lists_a_users_targets_and_then_a_developers_from_any_folder(tmp_path: Path) -> None:
    done = make("help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for_users, for_developers = (part.splitlines() for part in done.stdout.split("\n\n"))
    assert for_users[0] == "Using Hourcast"
    assert for_developers[0] == "Developing Hourcast"
    assert [line.split()[1] for line in for_users[1:]] == USER_TARGETS
    assert [line.split()[1] for line in for_developers[1:]] == DEVELOPER_TARGETS


def test_each_target_has_one_line_of_help_that_fits_a_wide_terminal(tmp_path: Path) -> None:
    lines = make("help", cwd=tmp_path).stdout.splitlines()
    assert max(map(len, lines)) <= 120
    starts = {line.index(line.split(maxsplit=2)[2]) for line in lines if line.startswith("  make")}
    assert len(starts) == 1, "the descriptions are aligned"


def test_without_a_python_the_error_names_the_versions_that_work(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    shim = tmp_path / "python3.11"  # as a version manager leaves behind: a program that only prints an error
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    done = make("venv", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode != 0
    assert "Hourcast needs Python 3.11, 3.12 or 3.13" in done.stderr


def test_mlflow_is_installed_apart_and_reports_nothing(tmp_path: Path) -> None:
    done = make("--dry-run", "mlflow", "ARGS=check", cwd=tmp_path)
    assert "-r requirements-mlflow.txt" in done.stdout
    assert "MLFLOW_DISABLE_TELEMETRY=true" in done.stdout
    assert done.stdout.rstrip().endswith("-m tracking check")


def test_tickers_reach_the_launcher_unread_by_the_shell_and_never_as_options(tmp_path: Path) -> None:
    done = make("--dry-run", "run", "TICKERS=^GSPC EURUSD=X $(touch oops)", cwd=tmp_path)
    assert '--tickers="$TICKERS"' in done.stdout
    assert "^GSPC" not in done.stdout
