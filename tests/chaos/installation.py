"""Small installations, each with a database and a folder of artefacts: copies of one that was made once.

The first one onboards three simulated tickers and runs two of the three hours after that. The hour between is missing,
so that a trial can fill it in.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

from include.local.postgres import HOURCAST_DATABASE, SUPERUSER, EmbeddedPostgres
from include.store.app_rights import APP_ROLE, OWNER_ROLE
from include.store.migrations import migrate
from tests.chaos.flaky_store import PROTOCOL
from tests.chaos.processes import Surroundings, Work, start, warm_up
from tests.support.databases import TEST_PORT, plain_url
from tests.support.products import product_environment

ONBOARDED_AT = datetime.fromisoformat("2025-03-31T12:35:00+00:00")
HOUR = timedelta(hours=1)
HISTORY_DAYS = {"ALFA.SIM": 160, "NOVA-USD.SIM": 45, "ORION-USD.SIM": 45}
"""The tickers and their history: of each enough bars for a pre-training. Two of them share a shard."""
NEW_TICKERS = ("BRAVO.SIM", "LYRA-USD.SIM", "bad_name!")
FIRST_HOUR, MISSING_HOUR, LAST_HOUR = (ONBOARDED_AT + count * HOUR for count in (1, 2, 3))
NEXT_HOUR = LAST_HOUR + HOUR
"""16:35 UTC: a bar of New York has closed, and four of each of the others have matured."""
NIGHT_HOUR = LAST_HOUR + 9 * HOUR
"""00:35 UTC, 20:35 in New York: it refreshes forecasts of a night."""

_OPTIONS = {
    "fsync": "off",  # the machine itself does not fail here
    "synchronous_commit": "on",  # a killed server keeps what it has said is committed
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "5s",
}
_SMALL_DISK = "48m"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Needs:
    """Where a copy lies: a database on a small disk, artefacts on a small disk or in an object store."""

    is_disk_small: bool = False
    is_folder_small: bool = False
    is_object_store: bool = False


@dataclass(frozen=True)
class Installation:
    """One installation: its database's name, its folder of artefacts, and what a task finds in its environment."""

    database: str
    url: str
    folder: Path
    environment: Mapping[str, str]

    @property
    def models_dir(self) -> Path:
        return self.folder / "models"

    @property
    def logs_dir(self) -> Path:
        return self.folder / "logs"

    def surroundings(self, **changes: Any) -> Surroundings:
        return Surroundings(self.environment, **changes)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, as the role that writes."""
        with closing(psycopg2.connect(plain_url(self.url))) as connection, connection, connection.cursor() as cursor:
            cursor.execute("set time zone 'UTC'")
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []


@dataclass
class Machine:
    """A Postgres server, a folder, and small disks, for all trials."""

    server: EmbeddedPostgres
    folder: Path
    can_mount: bool
    _admin: psycopg2.extensions.connection | None = field(default=None)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Runs a statement as the superuser, outside a transaction; its rows. A lost session is opened again."""
        try:
            return self._execute(statement, values)
        except psycopg2.OperationalError:
            self.close()
            return self._execute(statement, values)

    def _execute(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._admin is None:
            self._admin = psycopg2.connect(plain_url(self.server.url(SUPERUSER, "postgres")))
            self._admin.autocommit = True
        with self._admin.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def execute_in(self, database: str, script: str) -> None:
        """Runs a script in a database as the superuser."""
        with closing(psycopg2.connect(plain_url(self.server.url(SUPERUSER, database)))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(script)

    def copy(self, template: Installation, needs: Needs | None = None) -> Installation:
        """A copy of an installation; what it lies on is as a fault needs it."""
        needed = needs or Needs()
        name = f"trial_{next(_numbers)}"
        folder = self.folder / name
        (folder / "models").mkdir(parents=True)
        if needed.is_folder_small:
            mount_small(folder / "models", "2m")
        shutil.copytree(template.models_dir, folder / "models", dirs_exist_ok=True)
        place = ""
        if needed.is_disk_small:
            self._make_small_disk(folder / "disk", name)
            place = f"tablespace disk_{name}"
        self.execute(
            f"create database {name} owner {OWNER_ROLE} template {template.database} strategy = file_copy {place}"
        )
        self.execute(f"grant connect, temporary on database {name} to {APP_ROLE}")
        return _installation(self.server, name, folder, self.folder / "backbone", needed)

    def remove(self, installation: Installation) -> None:
        """Removes an installation: database, folder, disks."""
        self.execute(f"drop database if exists {installation.database} with (force)")
        if (installation.folder / "disk").exists():
            self.execute(f"drop tablespace if exists disk_{installation.database}")
            unmount(installation.folder / "disk")
        unmount(installation.models_dir)
        shutil.rmtree(installation.folder, ignore_errors=True)

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def _make_small_disk(self, folder: Path, name: str) -> None:
        folder.mkdir()
        mount_small(folder, _SMALL_DISK)
        inside = folder / "data"
        inside.mkdir()
        owner = self.server.data_dir.stat()
        os.chown(inside, owner.st_uid, owner.st_gid)
        self.execute(f"create tablespace disk_{name} location '{inside}'")


@contextmanager
def opened_machine() -> Iterator[Machine]:
    """A machine with a running server; everything of it is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hourcast-chaos-"))
    folder.chmod(0o755)  # the server's user must be able to pass
    server = EmbeddedPostgres(folder / "local", TEST_PORT, _OPTIONS)
    can_mount = _own_mounts()
    if can_mount:
        mount_small(folder, "4g")  # memory is faster than a disk that others use
    try:
        server.start()
        machine = Machine(server, folder, can_mount)
        yield machine
        machine.close()
    finally:
        server.stop()
        for disk in [*sorted(folder.glob("trial_*/*")), folder]:
            unmount(disk)
        shutil.rmtree(folder, ignore_errors=True)


def first_installation(machine: Machine) -> Installation:
    """The installation that every trial copies."""
    made = _installation(machine.server, HOURCAST_DATABASE, machine.folder / "first", machine.folder / "backbone")
    made.models_dir.mkdir(parents=True)
    warm_up((*HISTORY_DAYS, *NEW_TICKERS), NIGHT_HOUR)
    migrate(machine.server.migration_url())
    in_process("first", lambda: _set_up(machine.folder / "backbone"), made)
    return made


def in_process(name: str, work: Work, installation: Installation) -> Any:
    """The value of ``work``, done in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    attempt = start(name, 1, work, installation.surroundings(), installation.logs_dir)
    if not attempt.wait(300.0) or attempt.ended is None or not attempt.ended.is_success:
        log = attempt.result_file.with_suffix(".log").read_text(encoding="utf-8")
        message = f"{name} failed: {attempt.ended}\n{log[-3000:]}"
        raise RuntimeError(message)
    return attempt.ended.value


def mount_small(folder: Path, size: str) -> None:
    """Puts an empty disk of this size in memory at the folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "chaos", str(folder)], check=True)


def unmount(folder: Path) -> None:
    """Takes the disk away, if there is one; a database may need a moment to let go of it."""
    for _ in range(50):
        if not os.path.ismount(folder):
            return
        subprocess.run(["umount", str(folder)], check=False, capture_output=True)
        time.sleep(0.02)


def _own_mounts() -> bool:
    """Gives this process mounts of its own, which end with it; whether it may mount disks at all."""
    new_mounts, private_and_below = 0x00020000, (1 << 18) | (1 << 14)
    library = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or library.unshare(new_mounts) != 0:
        return False
    return bool(library.mount(b"none", b"/", None, private_and_below, None) == 0)


def _installation(
    server: EmbeddedPostgres, database: str, folder: Path, backbone: Path, needs: Needs | None = None
) -> Installation:
    url = server.url(APP_ROLE, database)
    environment = product_environment(url, folder / "models") | {
        "HOURCAST_BACKBONE_DIR": str(backbone),
        "HOURCAST_BACKBONE_TRAINING_STEPS": "1",
    }
    if needs and needs.is_object_store:
        environment["HOURCAST_ARTIFACTS_URI"] = f"{PROTOCOL}://{folder / 'models'}"
        environment["HOURCAST_CACHE_DIR"] = str(folder / "cache")
    return Installation(database, url, folder, environment)


def _set_up(backbone_dir: Path) -> None:
    """In a process of its own: backbone, tickers, two hours."""
    from include.artefacts.store import FolderStore
    from include.model.backbone import save_backbone
    from include.model.checkpoint import BACKBONE
    from include.model.shard import initial_state
    from include.pipeline import hour, onboarding
    from include.pipeline.models.networks import network_config
    from include.pipeline.services import open_services

    services = open_services()
    provenance = {"as_of": (ONBOARDED_AT - timedelta(days=100)).isoformat(), "kind": "backbone", "seed": 5}
    save_backbone(FolderStore(backbone_dir), initial_state((BACKBONE,), network_config(services), (5,)), provenance)
    for ticker, days in HISTORY_DAYS.items():
        form = {"tickers": [ticker], "history_days": days}
        onboarding.onboard(services, onboarding.Request.from_params(f"first {ticker}", ONBOARDED_AT, form))
    for as_of in (FIRST_HOUR, LAST_HOUR):
        hour.run_hour(services, as_of)
    with suppress(Exception):
        services.engine.dispose()
