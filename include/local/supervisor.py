"""Runs supervisord, the background daemon that starts and restarts Postgres and Airflow's components.

A component that ends is started again, each time after a longer wait; its log is rotated. Stopping signals the process
groups of Airflow's components first and Postgres last. The daemon runs in a new session, so that a Ctrl-C in the
terminal that started it does not reach it. Where next: ``include/local/processes`` for what is left when the daemon
itself was killed, ``include/local/stack`` for the programs.
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

from include.durable import write_private
from include.errors import LaunchError
from include.local.paths import PROJECT_DIR, LocalPaths
from include.local.processes import COMPONENT_MARK, end, find_marked, marks

DAEMON = "supervisord"
GROUP = "airflow"

_START_SECONDS = 10.0
_STOP_SECONDS = 75.0  # Airflow's components together, then Postgres
_RPC_FAILURES = (OSError, HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True)
class Program:
    """One component: its full argv, the signal that stops it, and the seconds until SIGKILL."""

    name: str
    argv: tuple[str, ...]
    is_airflow: bool
    stop_signal: str = "TERM"
    stop_seconds: int = 20


@dataclass(frozen=True)
class ProgramState:
    """The state of a component as supervisord names it (RUNNING, BACKOFF, FATAL, ...)."""

    name: str
    state: str
    description: str


def config_text(paths: LocalPaths, programs: Sequence[Program], account: str | None) -> str:
    """The text of supervisord's configuration; ``account`` is the account's name where supervisord runs as root.

    Only Postgres starts with the daemon: Airflow's components start when its database is migrated.
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
        *([f"user={account}"] if account else []),  # without this line supervisord warns about running as root
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        *(line for program in programs for line in _program_lines(paths, program)),
        "",
        f"[group:{GROUP}]",  # the programs of one group are stopped at the same time
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
        f"stopasgroup={'true' if program.is_airflow else 'false'}",  # Postgres stops its children itself
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_escape(str(log_of(paths, program.name)))}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]


def log_of(paths: LocalPaths, name: str) -> Path:
    """Path of a component's log."""
    return paths.logs_dir / f"{name}.log"


def _escape(text: str) -> str:
    """``text`` for supervisord's configuration, where % is special and a semicolon after a space begins a comment."""
    if " ;" in text or "\n" in text:
        message = (
            f"{text!r} contains ' ;' or a line break, which supervisord's configuration cannot hold; rename the folder."
        )
        raise LaunchError(message)
    return text.replace("%", "%%")


class Supervisor:
    """The daemon of one local folder, running or not."""

    def __init__(self, paths: LocalPaths) -> None:
        self._paths = paths
        self._child: subprocess.Popen[bytes] | None = None

    def process(self) -> psutil.Process | None:
        """The running daemon, found by its environment: the oldest, because new children have the same for a moment."""
        found = find_marked(self._paths.local_dir, [DAEMON])
        return min(found, key=lambda process: process.create_time(), default=None)

    def start(self, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
        """Starts the daemon, and with it Postgres; every component gets ``environment``.

        Raises:
            LaunchError: the daemon did not start; the message shows the end of its output.
        """
        paths = self._paths
        paths.logs_dir.mkdir(parents=True, exist_ok=True)
        _make_socket_folder(paths)
        account = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
        write_private(paths.supervisor_config, config_text(paths, programs, account))
        argv = [sys.executable, "-m", "supervisor.supervisord", "-c", str(paths.supervisor_config)]
        error_log = paths.logs_dir / "supervisord.err"
        with error_log.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603  # a fixed argv
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
                output = error_log.read_text(encoding="utf-8", errors="replace").strip()[-1000:]
                message = f"supervisord did not start: {output or 'it printed nothing'} (see {paths.logs_dir})"
                raise LaunchError(message)
            time.sleep(0.1)

    def states(self) -> list[ProgramState]:
        """The components' states; empty when the daemon does not run or cannot be reached."""
        with suppress(*_RPC_FAILURES), self._remote() as remote:
            rows = cast("list[dict[str, Any]]", remote.supervisor.getAllProcessInfo())
            return [_state_of(row) for row in rows]
        return []

    def start_airflow(self) -> None:
        """Starts Airflow's components, without waiting for them.

        Raises:
            LaunchError: the daemon cannot be reached.
        """
        try:
            with self._remote() as remote:
                remote.supervisor.startProcessGroup(GROUP, False)
        except _RPC_FAILURES as error:
            message = f"supervisord cannot be reached ({error}); see {self._paths.logs_dir / 'supervisord.log'}"
            raise LaunchError(message) from error

    def stop(self) -> None:
        """Stops every component and the daemon, if need be with SIGKILL; returns when the daemon has ended."""
        process = self.process()
        if process is not None:
            end([process], _STOP_SECONDS)
        if self._child is not None:  # a child of this process stays a zombie until it is waited for
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
    """Creates the socket's folder; outside the project it must be private, because others can write beside it.

    Raises:
        LaunchError: there is a folder of that name that is not private.
    """
    folder = paths.socket.parent
    if folder == paths.local_dir:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o077 or folder.is_symlink():
        message = f"{folder} is not private to this user; remove it, then run again."
        raise LaunchError(message)
