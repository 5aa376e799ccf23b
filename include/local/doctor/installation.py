"""The installation that is looked over: its settings, its folders, and the addresses of its databases.

It is that of `make run`, or any other whose environment names a database (a container of the compose file).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from include.local.databases import open_databases
from include.local.paths import PROJECT_DIR, LocalPaths
from include.settings import Settings, load_settings

GIGABYTE = 1024**3
_AIRFLOW_ADDRESS = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


@dataclass(frozen=True)
class Limits:
    """From where on something counts as wrong."""

    free_bytes: int = GIGABYTE
    clock_seconds: float = 5.0
    heartbeat_seconds: float = 120.0
    queued_seconds: float = 1800.0


@dataclass(frozen=True)
class Installation:
    """One installation. The addresses are functions, since an embedded server has none before its first start."""

    settings: Settings
    paths: LocalPaths
    is_embedded: bool
    hourcast_url: Callable[[], str] = field(repr=False)
    airflow_url: Callable[[], str] = field(repr=False)
    reader_url: Callable[[], str | None] = field(repr=False)
    limits: Limits = Limits()
    clock_address: str = "https://query2.finance.yahoo.com"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def models_dir(self) -> Path:
        """The folder of the artefacts."""
        return self.settings.model.models_dir


def open_installation(environment: Mapping[str, str]) -> Installation:
    """The installation that the environment describes; starts and creates nothing.

    Raises:
        SettingsError: a setting is wrong.
    """
    local_dir = Path(environment.get("HOURCAST_LOCAL_DIR") or PROJECT_DIR / ".local")
    defaults = {"HOURCAST_MODELS_DIR": str(local_dir / "models"), "HOURCAST_CACHE_DIR": str(local_dir / "cache")}
    given = {name: value for name, value in environment.items() if value}
    settings = load_settings(defaults | given)
    databases = open_databases(settings)
    airflow = given.get(_AIRFLOW_ADDRESS)
    is_embedded = databases.server is not None
    return Installation(
        settings=settings,
        paths=LocalPaths(settings.local.local_dir.absolute()),
        is_embedded=is_embedded,
        hourcast_url=databases.hourcast_url,
        airflow_url=(lambda: airflow) if airflow and not is_embedded else databases.airflow_url,
        reader_url=databases.reader_url,
    )
