"""Airflow's configuration, all of it in environment variables; pure but for the keys it keeps in private files.

Every variable has its reason beside it where the default would not do. Where next: ``include/local/supervisor`` for
the processes that get this environment.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.local.durable import write_private
from include.local.paths import PROJECT_DIR, LocalPaths
from include.local.ports import HOST

LOGIN_NAME = "admin"

_DROPPED_PREFIXES = ("AIRFLOW_", "_AIRFLOW_", "PG", "_HOURCAST_")
_DROPPED_NAMES = frozenset(
    {"PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
)
_SINGLE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, repr=False)
class AirflowKeys:
    """What Airflow's components share and nobody else may know."""

    jwt_secret: str
    secret_key: str
    fernet_key: str


def load_keys(paths: LocalPaths) -> AirflowKeys:
    """The installation's keys, made on the first call and kept with mode 0600."""
    if not paths.keys_file.exists():
        paths.airflow_home.mkdir(parents=True, exist_ok=True)
        fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        made = {
            "jwt_secret": secrets.token_urlsafe(48),
            "secret_key": secrets.token_urlsafe(32),
            "fernet_key": fernet_key,
        }
        write_private(paths.keys_file, json.dumps(made) + "\n")
    return AirflowKeys(**json.loads(paths.keys_file.read_text(encoding="utf-8")))


def load_password(paths: LocalPaths) -> str:
    """The password of ``LOGIN_NAME`` on Airflow's page, made on the first call and kept with mode 0600."""
    if not paths.login_file.exists():
        paths.airflow_home.mkdir(parents=True, exist_ok=True)
        write_private(paths.login_file, json.dumps({LOGIN_NAME: secrets.token_urlsafe(12)}) + "\n")
    password: str = json.loads(paths.login_file.read_text(encoding="utf-8"))[LOGIN_NAME]
    return password


def inherited_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` without what would bend Airflow, Postgres' clients or Python: another Airflow's settings, say.

    Our own interpreter comes first in PATH, and a proxy is never asked for this machine's own addresses.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_DROPPED_PREFIXES) and name not in _DROPPED_NAMES
    }
    local_hosts = f"{HOST},localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = f"{kept[name]},{local_hosts}" if kept.get(name) else local_hosts
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept.get('PATH', '/usr/bin:/bin')}"
    kept["PYTHONPATH"] = str(PROJECT_DIR)
    kept["PYTHONUNBUFFERED"] = "1"  # a log shows a line when it is written
    kept |= dict.fromkeys(_SINGLE_THREAD, "1")  # parallelism is processes; threads would fight for the same cores
    return kept


def hourcast_environment(
    environment: Mapping[str, str],
    paths: LocalPaths,
    database_url: str,
) -> dict[str, str]:
    """The ``HOURCAST_*`` settings of every component: the person's own, the installation's database and folders."""
    defaults = {
        "HOURCAST_MODELS_DIR": str(paths.local_dir / "models"),
        "HOURCAST_CACHE_DIR": str(paths.local_dir / "cache"),
    }
    given = {name: value for name, value in environment.items() if name.startswith("HOURCAST_")}
    fixed = {"HOURCAST_DATABASE_URL": database_url, "HOURCAST_LOCAL_DIR": str(paths.local_dir)}
    return defaults | given | fixed


def airflow_environment(paths: LocalPaths, keys: AirflowKeys, database_url: str, port: int) -> dict[str, str]:
    """Airflow's settings for one small machine: page on ``port`` of 127.0.0.1, metadata at ``database_url``."""
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": PROJECT_DIR / "dags",
            "plugins_folder": PROJECT_DIR / "plugins",
            "load_examples": False,
            "dags_are_paused_at_creation": False,
            "executor": "LocalExecutor",
            "parallelism": 4,  # this many worker processes wait from the start, 120 MB each
            "execution_api_server_url": f"http://{HOST}:{port}/execution/",  # does not follow the page's port by itself
            "fernet_key": keys.fernet_key,
            "simple_auth_manager_users": f"{LOGIN_NAME}:admin",
            "simple_auth_manager_passwords_file": paths.login_file,
        },
        "database": {"sql_alchemy_conn": database_url},
        "api": {"host": HOST, "port": port, "workers": 1, "secret_key": keys.secret_key},
        "api_auth": {"jwt_secret": keys.jwt_secret},
        "execution_api": {"jwt_expiration_time": 7200},  # a task longer than this lives dies when its token is renewed
        "workers": {"max_failed_heartbeats": 20},  # a restarted page must not cost the running tasks their lives
        "scheduler": {
            # after a kill -9 the next scheduler takes the lost tasks back within a minute instead of five
            "orphaned_tasks_check_interval": 30,
            "task_instance_heartbeat_timeout": 120,
        },
        "dag_processor": {"parsing_processes": 1, "min_file_process_interval": 60, "refresh_interval": 30},
        "logging": {
            "base_log_folder": paths.logs_dir / "tasks",
            "dag_processor_child_process_log_directory": paths.logs_dir / "dag_processor",
            "colored_console_log": False,
        },
    }
    variables = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, values in sections.items()
        for name, value in values.items()
    }
    return {"AIRFLOW_HOME": str(paths.airflow_home)} | variables
