"""Checks of the machine: disk, ports, the clock, private files, and what killed processes left behind."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import psutil
import requests

from include.local.doctor.installation import GIGABYTE, Installation
from include.local.doctor.problem import NotCheckedError, Problem
from include.local.paths import PROJECT_DIR
from include.local.ports import HOST

_NETWORK_SECONDS = 3.0
_LEFTOVER_SECONDS = 3600.0
_OTHERS = 0o077


def check_disk(found: Installation) -> Iterator[Problem]:
    """Whether the disks of the database and of the artefacts have room."""
    folders = {found.models_dir, *([found.paths.local_dir] if found.is_embedded else [])}
    seen: set[int] = set()
    for folder in sorted(folders):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        device = existing.stat().st_dev
        if free < found.limits.free_bytes and device not in seen:
            seen.add(device)
            yield Problem(
                "disk",
                f"The disk of {folder} has {free / GIGABYTE:.1f} GB left; an hour fails when it is full.",
                "Make room, or set HOURCAST_MODEL_RETENTION_DAYS lower and run `include.cli prune`.",
            )


def check_ports(found: Installation) -> Iterator[Problem]:
    """Whether another program has taken the port of the embedded Postgres while that does not run."""
    port_file = found.paths.local_dir / "postgres.port"
    if not found.is_embedded or not port_file.exists():
        return
    text = port_file.read_text(encoding="ascii").strip()
    if text.isdigit() and _listens(int(text)) and not _is_running(found.paths.local_dir / "postgres"):
        yield Problem(
            "port",
            f"Another program listens on port {text} of {HOST}, which is that of this installation's Postgres.",
            "End that program, or run `make run`, which takes another port; BI tools then need the new address.",
        )


def check_network_clock(found: Installation) -> Iterator[Problem]:
    """Whether this machine's clock agrees with the date of an HTTP response.

    Raises:
        NotCheckedError: there is no response.
    """
    address = found.clock_address
    try:
        response = requests.head(address, timeout=_NETWORK_SECONDS, allow_redirects=False)
        at = parsedate_to_datetime(response.headers["Date"])
    except (requests.RequestException, KeyError, ValueError) as error:
        message = f"{address} gives no date ({type(error).__name__})"
        raise NotCheckedError(message) from error
    off = abs((found.now() - at).total_seconds())
    if off > found.limits.clock_seconds + _NETWORK_SECONDS:
        yield Problem(
            "clock-network",
            f"This machine's clock differs from the network's by {timedelta(seconds=round(off))}.",
            "Set the clock and turn on its synchronisation (NTP): an hour reads what was known at its instant.",
        )


def check_secrets(found: Installation) -> Iterator[Problem]:
    """Whether other users of the machine can read a file with passwords or keys."""
    paths = found.paths
    files = (
        paths.local_dir / "pgpass",
        paths.local_dir / "pgpass.bi_reader",
        paths.local_dir / "metrics.token",
        paths.keys_file,
        paths.login_file,
        PROJECT_DIR / ".env",
    )
    for path in files:
        if path.exists() and path.stat().st_mode & _OTHERS:
            mode = path.stat().st_mode & 0o777
            yield Problem(
                "secret-mode",
                f"Other users can read or write {path} (mode {mode:04o}), which holds secrets.",
                f"Run: chmod 600 {path}",
            )


def check_reader_file(found: Installation) -> Iterator[Problem]:
    """Whether the password file of the role bi_reader is there and has its one line."""
    path = found.paths.local_dir / "pgpass.bi_reader"
    if not found.is_embedded or not (found.paths.local_dir / "postgres").exists():
        return
    parts = path.read_text(encoding="ascii").strip().split(":") if path.exists() else []
    if len(parts) != 5 or parts[3] != "bi_reader":
        yield Problem(
            "reader-file",
            f"{path}, with which psql and BI tools log in, is missing or damaged.",
            "Run `make run`, which writes it again.",
        )


def check_leftovers(found: Installation) -> Iterator[Problem]:
    """Whether killed processes left files behind that nothing removes by itself."""
    data = found.paths.local_dir / "postgres"
    lock = data / "postmaster.pid"
    if found.is_embedded and lock.exists() and not _is_running(data):
        yield Problem(
            "lock",
            f"{lock} is left over: the database was killed.",
            "Run `make run`, which cleans up after it and starts it again.",
        )
    if parts := _old_parts(found.models_dir):
        yield Problem(
            "partial-file",
            f"{found.models_dir} has {len(parts)} files that a killed task did not finish, such as {parts[0].name}.",
            "Remove the files in that folder that begin with a point and end in .tmp.",
        )


def _old_parts(folder: Path) -> list[Path]:
    """Temporary files of artefacts that no task can still be writing."""
    oldest = time.time() - _LEFTOVER_SECONDS
    return sorted(path for path in folder.glob(".*.tmp") if path.stat().st_mtime < oldest)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
        return True
    return False


def _is_running(data_dir: Path) -> bool:
    """Whether the process that the server's lock file names works in the data folder."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        number = int((data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(data_dir.resolve())
    return False
