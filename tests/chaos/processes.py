"""Tasks in processes of their own: forked from a parent that has imported torch and has never used it.

A fork after the first use of torch or of a database connection would share threads and sockets, so the parent uses
neither.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from include.contracts import BarRequest
from include.errors import HourcastError, PermanentError
from include.market.simulated import SimulatedSource
from include.pipeline.services import code_version
from include.store.engine import create_store_engine

Work = Callable[[], Any]


@dataclass(frozen=True)
class Ended:
    """How an attempt ended: with a value, with an error (its class, permanent or not), or by a signal.

    ``is_foreign``: the error is none of ``include/errors.py``.
    """

    value: Any = None
    error: str | None = None
    message: str = ""
    is_permanent: bool = False
    is_foreign: bool = False

    @property
    def is_success(self) -> bool:
        return self.error is None


@dataclass
class Attempt:
    """One try of a task, in a process of its own."""

    pid: int
    task_id: str
    number: int
    result_file: Path
    started_at: float
    ended: Ended | None = None
    ended_at: float = 0.0

    def poll(self) -> Ended | None:
        """How it ended; None while it runs."""
        if self.ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.ended, self.ended_at = _how(status, self.result_file), time.monotonic()
        return self.ended

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether it ended in time."""
        deadline = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return self.ended is not None


@dataclass(frozen=True)
class Surroundings:
    """What a task finds: its environment, a limit on file sizes (bytes, None for none), a shift of its clock (s)."""

    environment: Mapping[str, str]
    file_size_limit: int | None = None
    clock_shift: float = 0.0


def warm_up(tickers: Sequence[str], as_of: datetime) -> None:
    """Computes in the parent what every task would compute again: calendars, simulated prices, a hash of the code."""
    source = SimulatedSource()
    profiles, _ = source.describe(tickers, as_of)
    requests = [BarRequest(profile, as_of - timedelta(days=90)) for profile in profiles.values()]
    source.fetch_bars(requests, as_of)
    source.fetch_extended(requests, as_of)
    create_store_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none").dispose()  # it connects on first use
    code_version()
    gc.collect()
    gc.freeze()


def start(task_id: str, number: int, work: Work, surroundings: Surroundings, folder: Path) -> Attempt:
    """The task as a new process; what it prints goes to a file of ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    result_file = folder / f"{task_id}.{number}.{time.monotonic_ns()}.json"
    pid = os.fork()
    if pid == 0:
        _run_and_exit(work, surroundings, result_file)
    return Attempt(pid, task_id, number, result_file, time.monotonic())


def _run_and_exit(work: Work, surroundings: Surroundings, result_file: Path) -> None:
    """In the forked process: never returns, and runs none of the parent's clean-up."""
    try:
        _settle(surroundings, result_file.with_suffix(".log"))
        _write(result_file, {"value": work()})
    except BaseException as error:  # noqa: BLE001  # whatever it is, the parent reads it
        _lift_limit()
        traceback.print_exc()
        written = {
            "error": type(error).__name__,
            "message": str(error),
            "is_permanent": isinstance(error, PermanentError),
            "is_foreign": not isinstance(error, HourcastError),
        }
        _write(result_file, written)
    finally:
        os._exit(0)


def _settle(surroundings: Surroundings, log_file: Path) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with log_file.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    for name in [name for name in os.environ if name.startswith("HOURCAST_")]:
        del os.environ[name]
    os.environ.update(surroundings.environment)
    if surroundings.file_size_limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (surroundings.file_size_limit, hard))
    if surroundings.clock_shift:
        real = time.time
        time.time = lambda: real() + surroundings.clock_shift


def _lift_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _write(result_file: Path, written: Mapping[str, Any]) -> None:
    _lift_limit()
    temporary = result_file.with_suffix(".part")
    temporary.write_text(json.dumps(written, default=str), encoding="utf-8")
    temporary.replace(result_file)


def _how(status: int, result_file: Path) -> Ended:
    if os.WIFSIGNALED(status):
        return Ended(error=signal.Signals(os.WTERMSIG(status)).name, message="killed")
    if not result_file.exists():
        return Ended(error="NoResult", message="the process ended without a result")
    written = json.loads(result_file.read_text(encoding="utf-8"))
    return Ended(
        value=written.get("value"),
        error=written.get("error"),
        message=str(written.get("message", "")),
        is_permanent=bool(written.get("is_permanent", False)),
        is_foreign=bool(written.get("is_foreign", False)),
    )
