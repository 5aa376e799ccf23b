"""Finds and ends the processes that one ``.local`` folder started, and no others.

Every process that the launcher starts has two environment variables, which its descendants inherit: the folder and the
component. They identify a process also after its parent has ended and under any name. (Airflow renames its processes;
``SPT_NOENV`` keeps that from overwriting the environment that the kernel shows.)
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

OWNER_MARK = "_HOURCAST_OWNER"
COMPONENT_MARK = "_HOURCAST_COMPONENT"
_ROUNDS = 5
_POLL_SECONDS = 0.1


def marks(local_dir: Path, component: str) -> dict[str, str]:
    """The environment variables that mark a process of ``local_dir`` and its descendants."""
    return {OWNER_MARK: str(local_dir), COMPONENT_MARK: component, "SPT_NOENV": "1"}


def find_marked(local_dir: Path, components: Collection[str] | None = None) -> list[psutil.Process]:
    """The running processes of ``local_dir`` (of some components, or all), without this process and its ancestors."""
    excluded = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in excluded and _belongs(process, str(local_dir), components)
    ]


def end_marked(local_dir: Path, components: Collection[str] | None = None, grace_seconds: float = 10.0) -> int:
    """Ends the processes that ``find_marked`` finds and those that they start meanwhile; returns their number.

    They get SIGTERM, and SIGKILL after ``grace_seconds``; with 0 seconds, SIGKILL at once.
    """
    seen: set[int] = set()
    for _ in range(_ROUNDS):
        found = find_marked(local_dir, components)
        if not found:
            break
        seen.update(process.pid for process in found)
        end(found, grace_seconds)
    return len(seen)


def end(processes: Sequence[psutil.Process], grace_seconds: float) -> None:
    """Ends these processes: SIGTERM, and SIGKILL for those that still run after ``grace_seconds``."""
    if grace_seconds > 0:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        wait_gone(processes, grace_seconds)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(processes, 5.0)


def wait_gone(processes: Sequence[psutil.Process], timeout_seconds: float) -> bool:
    """Whether all of them ended within the time; a zombie has ended."""
    deadline = time.monotonic() + timeout_seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still runs; another process that has got its number since does not count."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _belongs(process: psutil.Process, owner: str, components: Collection[str] | None) -> bool:
    try:
        environment = process.environ()
        if environment.get(OWNER_MARK) != owner:
            return False
        return (components is None or environment.get(COMPONENT_MARK) in components) and is_alive(process)
    except (psutil.Error, OSError):
        return False  # another user's process, or one that has just ended
