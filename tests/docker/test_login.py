"""The login for Airflow's page."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.docker.compose import PROJECT_DIR


def write(path: Path, password: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", str(PROJECT_DIR / "docker" / "login.py"), str(path)]
    environment = {**os.environ, "AIRFLOW_ADMIN_PASSWORD": password}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def test_the_file_holds_the_password_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "login.json"
    assert write(path, 'with "quotes" and \\').returncode == 0
    assert json.loads(path.read_text(encoding="utf-8")) == {"admin": 'with "quotes" and \\'}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_password_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "login.json"
    write(path, "old")
    path.chmod(0o644)
    write(path, "new")
    assert json.loads(path.read_text(encoding="utf-8")) == {"admin": "new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["login.json"]


def test_an_empty_password_is_refused_with_the_remedy(tmp_path: Path) -> None:
    done = write(tmp_path / "login.json", "")
    assert done.returncode != 0
    assert "make env" in done.stderr
    assert list(tmp_path.iterdir()) == []
