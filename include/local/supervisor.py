"""The background daemon that keeps Postgres and Airflow's components running: supervisord, told what to keep.

A component that ends is started again, each time a second later than the time before; its log is rotated; stopping
signals its whole process group, Airflow's first and Postgres' last. The daemon runs in a session of its own, so a
Ctrl-C in the terminal that started it does not reach it. Where next: ``include/local/processes`` for what it cannot
end because it was itself killed, ``include/local/stack`` for what it runs.
"""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

import psutil
from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]  # it ships no types

from include.errors import LaunchError
from include.local.durable import write_private
from include.local.paths import PROJECT_DIR, LocalPaths
from include.local.processes import COMPONENT_MARK, end, find_marked, marks

DAEMON = "supervisord"
GROUP = "airflow"

_START_SECONDS = 10.0
_STOP_SECONDS = 75.0  # Airflow's components together, then Postgres
_RPC_FAILURES = (OSError, HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True)
class Program:
    """One component: its full argv, how it is asked to stop, and how long it may take."""

    name: str
    argv: tuple[str, ...]
    is_airflow: bool
    stop_signal: str = "TERM"
    stop_seconds: int = 20


@dataclass(frozen=True)
class ProgramState:
    """How a component is: ``state`` is supervisord's word (RUNNING, BACKOFF, FATAL, ...)."""

    name: str
    state: str
    description: str


def config_text(paths: LocalPaths, programs: Sequence[Program], account: str | None) -> str:
    """Supervisord's configuration; ``account`` is the account's name where supervisord runs as root.

    Only Postgres starts with the daemon: Airflow's components wait until its database is migrated.
    """
    airflow = ",".join(program.name for program in programs if program.is_airflow)
    lines = [
        "[unix_http_server]",
        f"file={_escape(str(paths.socket))}",
        "chmod=0700",
        "",
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={_escape(str(paths.logs_dir / 'supervisord.log'))}",
        "logfile_maxbytes=5MB",
        "logfile_backups=2",
        f"pidfile={_escape(str(paths.local_dir / 'supervisord.pid'))}",
        "umask=077",
        "minfds=256",
        "minprocs=50",
        *([f"user={account}"] if account else []),  # without it supervisord warns a root that is root on purpose
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        *(line for program in programs for line in _program_lines(paths, program)),
        "",
        f"[group:{GROUP}]",  # one group stops at once, not one after the other
        f"programs={airflow}",
        "priority=20",
        "",
    ]
    return "\n".join(lines)


def _program_lines(paths: LocalPaths, program: Program) -> list[str]:
    return [
        "",
        f"[program:{program.name}]",
        f"command={_escape(shlex.join(program.argv))}",
        f"directory={_escape(str(PROJECT_DIR))}",
        f"priority={20 if program.is_airflow else 10}",
        f"autostart={'false' if program.is_airflow else 'true'}",
        "autorestart=true",
        f'environment={COMPONENT_MARK}="{program.name}"',
        "startsecs=5",
        "startretries=1000",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_seconds}",
        f"stopasgroup={'true' if program.is_airflow else 'false'}",  # Postgres tells its own children
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_escape(str(log_of(paths, program.name)))}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]


def log_of(paths: LocalPaths, name: str) -> Path:
    """The log of a component."""
    return paths.logs_dir / f"{name}.log"


def _escape(text: str) -> str:
    """``text`` as supervisord reads it back: it expands %, and takes a semicolon after a space for a comment."""
    if " ;" in text or "\n" in text:
        message = (
            f"{text!r} holds ' ;' or a line break, which supervisord's configuration cannot say; rename the folder."
        )
        raise LaunchError(message)
    return text.replace("%", "%%")


class Supervisor:
    """The daemon of one local folder, whether it runs or not."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._child: subprocess.Popen[bytes] | None = None

    def process(self) -> psutil.Process | None:
        """The live daemon, found by its mark; the oldest, for a child carries it too until it becomes its component."""
        found = find_marked(self._paths.local_dir, [DAEMON])
        return min(found, key=lambda process: process.create_time(), default=None)

    def start(self, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
        """Starts the daemon, and with it Postgres; ``environment`` is what every component gets.

        Raises:
            LaunchError: it did not come up; the message has its last words.
        """
        paths = self._paths
        paths.logs_dir.mkdir(parents=True, exist_ok=True)
        _make_socket_folder(paths)
        account = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
        write_private(paths.supervisor_config, config_text(paths, programs, account))
        argv = [sys.executable, "-m", "supervisor.supervisord", "-c", str(paths.supervisor_config)]
        last_words = paths.logs_dir / "supervisord.err"
        with last_words.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603  # our own argv
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=PROJECT_DIR,
                env=dict(environment) | marks(paths.local_dir, DAEMON),
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.states():
            if self._child.poll() is not None or time.monotonic() > deadline:
                words = last_words.read_text(encoding="utf-8", errors="replace").strip()[-1000:]
                message = f"supervisord did not start: {words or 'no reason given'} (see {paths.logs_dir})"
                raise LaunchError(message)
            time.sleep(0.1)

    def states(self) -> list[ProgramState]:
        """How the components are; empty when the daemon does not run or does not answer."""
        with suppress(*_RPC_FAILURES), self._remote() as remote:
            rows = cast("list[dict[str, Any]]", remote.supervisor.getAllProcessInfo())
            return [_state_of(row) for row in rows]
        return []

    def start_airflow(self) -> None:
        """Starts Airflow's components, without waiting for them.

        Raises:
            LaunchError: the daemon does not answer.
        """
        try:
            with self._remote() as remote:
                remote.supervisor.startProcessGroup(GROUP, False)
        except _RPC_FAILURES as error:
            message = f"supervisord does not answer ({error}); see {self._paths.logs_dir / 'supervisord.log'}"
            raise LaunchError(message) from error

    def stop(self) -> None:
        """Stops every component and the daemon; returns when the daemon has ended, or was ended after its time."""
        process = self.process()
        if process is not None:
            end([process], _STOP_SECONDS)
        if self._child is not None:  # ours to bury, where this very process started it
            self._child.wait()
            self._child = None

    @contextmanager
    def _remote(self) -> Iterator[xmlrpc.client.ServerProxy]:
        transport = SupervisorTransport(None, None, f"unix://{self._paths.socket}")
        try:
            yield xmlrpc.client.ServerProxy(f"http://{DAEMON}", transport=transport)
        finally:
            transport.close()


def _state_of(row: Mapping[str, Any]) -> ProgramState:
    return ProgramState(
        name=str(row["name"]),
        state=str(row["statename"]),
        description=str(row["description"]),
    )


def _make_socket_folder(paths: LocalPaths) -> None:
    """The socket's folder; one outside the project must be ours alone, for anybody can write beside it.

    Raises:
        LaunchError: somebody else made a folder of that name.
    """
    folder = paths.socket.parent
    if folder == paths.local_dir:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o077 or folder.is_symlink():
        message = f"{folder} is not private to this user; remove it, then run again."
        raise LaunchError(message)
