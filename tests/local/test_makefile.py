"""The Makefile: found from any folder, and clear where Python is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).parents[2]
MAKEFILE = (PROJECT_DIR / "Makefile").read_text()
TARGETS = ("run", "test", "check", "fix", "up", "down", "status", "logs", "clean", "env", "yahoo", "help")


def make(*arguments: str, cwd: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program is not None
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment = inherited | ({"PATH": path} if path is not None else {})
    return subprocess.run(
        [program, "-C", str(PROJECT_DIR), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_there_and_says_what_it_does(target: str) -> None:
    assert re.search(rf"^{target}:.*## \S", MAKEFILE, re.MULTILINE)


def test_help_works_from_any_folder_and_names_every_target(tmp_path: Path) -> None:
    done = make("help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(f"make {target}" in done.stdout for target in TARGETS)


def test_without_a_python_it_says_which_ones_would_do(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    stand_in = tmp_path / "python3.11"  # as a version manager leaves behind: a name that only prints an error
    stand_in.write_text("#!/bin/sh\nexit 127\n")
    stand_in.chmod(0o755)
    done = make("venv", cwd=tmp_path, path=str(tmp_path))
    assert done.returncode != 0
    assert "Hourcast needs Python 3.11, 3.12 or 3.13" in done.stderr


def test_tickers_reach_the_launcher_unread_by_the_shell(tmp_path: Path) -> None:
    done = make("--dry-run", "run", "TICKERS=^GSPC EURUSD=X $(touch oops)", cwd=tmp_path)
    assert '--tickers "$TICKERS"' in done.stdout
    assert "^GSPC" not in done.stdout
