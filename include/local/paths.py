"""Where everything that ``make run`` makes lies, below one folder (``.local``)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent

_OUR_NAMES = ("airflow", "cache", "logs", "models", "pgpass", "postgres", "run.lock", "running.json", "supervisor")
"""What the names of our files and folders start with."""

_LONGEST_SOCKET_PATH = 90
"""Bytes. The kernel takes 107 (Linux) or 103 (macOS); supervisord binds ``<path>.<pid>`` before it renames."""


@dataclass(frozen=True)
class LocalPaths:
    """The files and folders below ``local_dir``, which is absolute."""

    local_dir: Path

    def strange_names(self) -> list[str]:
        """What lies in a chosen ``local_dir`` that was not made here, so that nobody's home is cleaned away."""
        if self.local_dir == PROJECT_DIR / ".local" or not self.local_dir.exists():
            return []
        return sorted(path.name for path in self.local_dir.iterdir() if not path.name.startswith(_OUR_NAMES))

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder."""
        return self.local_dir / "airflow"

    @property
    def keys_file(self) -> Path:
        """Airflow's generated keys; mode 0600."""
        return self.airflow_home / "keys.json"

    @property
    def login_file(self) -> Path:
        """Name and password for Airflow's page, in the form its simple auth manager reads; mode 0600."""
        return self.airflow_home / "login.json"

    @property
    def migrated_file(self) -> Path:
        """Which Airflow brought its database to which revision."""
        return self.airflow_home / "migrated.json"

    @property
    def logs_dir(self) -> Path:
        """One log a component, rotated; ``tasks/`` holds what Airflow's tasks wrote."""
        return self.local_dir / "logs"

    @property
    def run_lock(self) -> Path:
        """Held by the `make run` at work; holds its process number."""
        return self.local_dir / "run.lock"

    @property
    def state_file(self) -> Path:
        """What the running components were started with."""
        return self.local_dir / "running.json"

    @property
    def supervisor_config(self) -> Path:
        """Supervisord's configuration, written at every start."""
        return self.local_dir / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """Supervisord's unix socket: below ``local_dir``, or in a private temporary folder where that is too deep."""
        path = self.local_dir / "supervisor.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        name = hashlib.sha256(os.fsencode(self.local_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hourcast-{os.geteuid()}-{name}" / "supervisor.sock"
