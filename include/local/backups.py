"""``make backup`` and ``make restore``: with the installation's database, which is started for it if it does not run.

The work itself is ``include/pipeline/backups.py``, in a process with the installation's environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from include.errors import LaunchError
from include.local.lock import hold
from include.local.paths import PROJECT_DIR
from include.local.screen import Screen
from include.local.stack import Stack


def back_up(stack: Stack, screen: Screen) -> int:
    """Makes a backup of the installation while it runs, or while it is stopped; the exit status.

    Raises:
        LaunchError: nothing is installed here, or the backup failed; the message has the reason.
    """
    server = stack.databases.server
    if server is not None and not server.data_dir.exists():
        message = "There is no database here yet; start with: make run"
        raise LaunchError(message)
    with _database(stack):
        made = _run(stack, ["backup"], {})
    screen.field("Backup", made["backup"])
    screen.field("Holds", f"database {_size(made['database_bytes'])}, {made['artefacts']} artefacts of "
                          f"{_size(made['artefact_bytes'])}")  # fmt: skip
    if made["removed"]:
        screen.field("Removed", f"older than the newest {len(made['removed'])}: {', '.join(made['removed'])}")
    _warn_of_missing(screen, made["missing_artefacts"])
    return 0


def restore(stack: Stack, screen: Screen, name: str, sample: int) -> int:
    """Restores a backup into an empty installation and replays forecasts; the exit status, 1 if one differs.

    Raises:
        LaunchError: Airflow runs, or the restoration failed; the message has the reason.
    """
    stack.paths.local_dir.mkdir(parents=True, exist_ok=True)
    with hold(stack.paths.run_lock):
        if stack.supervisor.process() is not None:
            message = "Hourcast runs, and a restoration replaces its tables; stop it first with: make down"
            raise LaunchError(message)
        stack.paths.logs_dir.mkdir(exist_ok=True)
        with _database(stack):
            screen.progress("restoring ...")
            given = [name] if name else []
            migration = {"HOURCAST_MIGRATION_URL": stack.databases.migration_url()}
            done = _run(stack, ["restore", *given, "--sample", str(sample)], migration)
    screen.field("Restored", f"{done['restored']}: {done['rows']} rows, {done['artefacts']} artefacts")
    same = done["replayed"] - len(done["different"])
    screen.field("Replayed", f"{same} of {done['replayed']} forecasts have the same bits")
    for text in done["other_settings"]:
        screen.field("Setting", text)
    _warn_of_missing(screen, done["missing_artefacts"])
    for text in done["different"]:
        screen.field("Differs", text)
    screen.field("Next", "make run")
    return int(bool(done["different"]))


@contextmanager
def _database(stack: Stack) -> Iterator[None]:
    """The installation's Postgres runs inside the block, as it did before or for the block alone."""
    server = stack.databases.server
    is_started_here = server is not None and not server.is_ready()
    if server is not None:
        server.start()
    try:
        yield
    finally:
        if server is not None and is_started_here:
            server.stop()


def _run(stack: Stack, arguments: Sequence[str], more: Mapping[str, str]) -> dict[str, Any]:
    """The JSON that a command of ``include.cli`` prints; a replay that differs is no failure of the command."""
    done = subprocess.run(  # noqa: S603  # a fixed program
        [sys.executable, "-m", "include.cli", *arguments],
        env=stack.environment() | dict(more),
        cwd=PROJECT_DIR,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        reason = done.stderr.strip().splitlines()
        message = f"{arguments[0]} failed: {reason[-1] if reason else f'exit status {done.returncode}'}"
        raise LaunchError(message) from error
    return found


def _warn_of_missing(screen: Screen, names: Sequence[str]) -> None:
    if names:
        screen.field("Missing", f"{len(names)} artefacts that rows name were not there, such as {names[0]}")


def _size(byte_count: int) -> str:
    return f"{byte_count / 1e6:.1f} MB"
