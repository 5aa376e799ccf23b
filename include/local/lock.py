"""A lock file that allows one ``make run`` at a time; it holds the process number of its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from include.errors import LaunchError
from include.local.processes import end

_STOP_SECONDS = 120.0  # the holder stops what it started before it ends
_MAKE_NAMES = frozenset({"make", "gmake"})


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Holds the lock; the kernel releases it when this process ends.

    A holder whose `make` was killed is ended first.

    Raises:
        LaunchError: another `make run` holds the lock.
    """
    with path.open("a+", encoding="ascii") as handle:
        if not _try_lock(handle.fileno()):
            holder = _holder(path)
            if holder is not None and _is_orphan(holder):
                end([holder], _STOP_SECONDS)
            if not _try_lock(handle.fileno()):
                number = "" if holder is None else f" (process {holder.pid})"
                message = (
                    f"Another `make run` is running in {path.parent}{number}; wait for it, or end it with `make down`."
                )
                raise LaunchError(message)
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def end_holder(path: Path) -> None:
    """Ends the `make run` that holds the lock, if there is one; returns when it has stopped what it started."""
    if not path.exists():
        return
    with path.open("a+", encoding="ascii") as handle:
        holder = None if _try_lock(handle.fileno()) else _holder(path)
    if holder is not None:
        end([holder], _STOP_SECONDS)


def _try_lock(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _holder(path: Path) -> psutil.Process | None:
    text = path.read_text(encoding="ascii").strip()
    if not text.isdigit():
        return None
    with suppress(psutil.Error):
        process = psutil.Process(int(text))
        if "include.local" in process.cmdline():
            return process
    return None


def _is_orphan(process: psutil.Process) -> bool:
    """Whether `make` started the process and has ended."""
    with suppress(psutil.Error, OSError):
        was_made = "MAKELEVEL" in process.environ()
        return was_made and not any(parent.name() in _MAKE_NAMES for parent in process.parents())
    return False
