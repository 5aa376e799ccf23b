"""The files and folders that ``make run`` creates, below one folder (``.local``)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent

_OUR_NAMES = (
    *("airflow", "cache", "logs", "metrics", "models", "pgpass"),
    *("postgres", "run.lock", "running.json", "supervisor"),
)
"""The names of Hourcast's files and folders start with one of these."""

_LONGEST_SOCKET_PATH = 90
"""Bytes. The kernel allows 107 (Linux) or 103 (macOS); supervisord binds ``<path>.<pid>`` before it renames."""


@dataclass(frozen=True)
class LocalPaths:
    """The files and folders below ``local_dir``, which is absolute."""

    local_dir: Path

    def strange_names(self) -> list[str]:
        """Names in a chosen ``local_dir`` that are not Hourcast's, so that `make clean` never removes a home folder."""
        if self.local_dir == PROJECT_DIR / ".local" or not self.local_dir.exists():
            return []
        return sorted(path.name for path in self.local_dir.iterdir() if not path.name.startswith(_OUR_NAMES))

    @property
    def airflow_home(self) -> Path:
        """AIRFLOW_HOME."""
        return self.local_dir / "airflow"

    @property
    def keys_file(self) -> Path:
        """Airflow's generated keys; mode 0600."""
        return self.airflow_home / "keys.json"

    @property
    def login_file(self) -> Path:
        """Name and password for Airflow's page, in the format of its simple auth manager; mode 0600."""
        return self.airflow_home / "login.json"

    @property
    def metrics_token_file(self) -> Path:
        """The token with which Prometheus reads the metrics; mode 0600."""
        return self.local_dir / "metrics.token"

    @property
    def migrated_file(self) -> Path:
        """The version of Airflow that migrated its database last, and the revision."""
        return self.airflow_home / "migrated.json"

    @property
    def logs_dir(self) -> Path:
        """One rotated log for each component, and pip's; ``tasks/`` holds the logs of Airflow's tasks."""
        return self.local_dir / "logs"

    @property
    def run_lock(self) -> Path:
        """The lock of the running `make run`; holds its process number."""
        return self.local_dir / "run.lock"

    @property
    def state_file(self) -> Path:
        """Port and fingerprint with which the running components were started."""
        return self.local_dir / "running.json"

    @property
    def supervisor_config(self) -> Path:
        """Configuration of supervisord, written at every start."""
        return self.local_dir / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """The socket of supervisord: below ``local_dir``, or in a private temporary folder where that is too long."""
        path = self.local_dir / "supervisor.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        name = hashlib.sha256(os.fsencode(self.local_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hourcast-{os.geteuid()}-{name}" / "supervisor.sock"
