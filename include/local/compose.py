"""``python include/local/compose.py COMMAND``: the Makefile's commands for containers.

Standard library only and no import from ``include``, because a server that runs containers needs no environment of
its own. Everything is read from docker itself, so that both versions of compose serve. Where next:
``docker-compose.yaml``; ``include/local/__main__`` has the same commands for ``make run``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
WAIT_SECONDS = 600.0
POLL_SECONDS = 2.0
TAIL_LINES = 15
MIRROR = "mlflow-mirror"
"""The service that writes to MLflow."""

STATUS_QUERIES = (
    ("Newest hour", "select as_of, status, count(*) as tickers from bi.hour_outcome where as_of = "
     "(select max(as_of) from bi.hour_outcome) group by as_of, status order by tickers desc"),
    ("Tickers", "select status, count(*) as tickers from bi.ticker_status group by status order by tickers desc"),
    ("Not forecast", "select ticker, status, status_reason from bi.ticker_status "
     "where status not in ('active', 'retired') order by ticker limit 20"),
)  # fmt: skip

_ADDRESSES = (
    ("8080/tcp", "Airflow", "http://", "   login admin, password: AIRFLOW_ADMIN_PASSWORD in .env"),
    ("8443/tcp", "With TLS", "https://", "   the same page and login"),
    ("5000/tcp", "MLflow", "http://", "   no login, so for this machine alone"),
    ("5432/tcp", "Postgres", "", "   database hourcast, role bi_reader, password: BI_READER_PASSWORD in .env"),
)


@dataclass(frozen=True)
class Container:
    """One container of the install: its service, its state ("running", "exited"), its health ("healthy", "" for none).

    ``ports`` are the addresses that the host publishes, by the container's port.
    """

    identity: str
    service: str
    name: str
    state: str
    health: str
    exit_code: int
    started_at: str
    ports: Mapping[str, str]

    @property
    def is_well(self) -> bool:
        """Whether it runs and its health check agrees; a one-shot one is well when it has ended without an error."""
        if self.state == "exited":
            return self.service == "migrate" and self.exit_code == 0
        return self.state == "running" and self.health in {"", "healthy"}

    @property
    def has_failed(self) -> bool:
        """Whether waiting longer is useless."""
        return self.health == "unhealthy" or (self.state in {"exited", "dead"} and not self.is_well)


def parse_containers(inspected: str) -> list[Container]:
    """The containers in what ``docker inspect`` printed, in alphabetical order of their names."""
    return sorted((_container(each) for each in json.loads(inspected)), key=lambda found: found.name)


def _container(report: Mapping[str, Any]) -> Container:
    state = report["State"]
    published = {
        port: f"{bindings[0]['HostIp']}:{bindings[0]['HostPort']}"
        for port, bindings in (report["NetworkSettings"]["Ports"] or {}).items()
        if bindings
    }
    return Container(
        identity=report["Id"],
        service=report["Config"]["Labels"]["com.docker.compose.service"],
        name=report["Name"].lstrip("/"),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        exit_code=state["ExitCode"],
        started_at=state["StartedAt"][:19],
        ports=published,
    )


def describe_addresses(containers: Sequence[Container]) -> list[str]:
    """What to open, with which login, and what to do next: lines for a terminal, without a secret."""
    ports = {port: address for found in containers for port, address in found.ports.items()}
    lines = [f"{title:<9}  {scheme}{ports[port]}{rest}" for port, title, scheme, rest in _ADDRESSES if port in ports]
    return [
        *lines,
        'Next       make cli ARGS="onboard ALPHA.SIM BETA.SIM", or the form of onboard_ticker on the page;',
        "           then make status, and make psql, which reads the forecasts in bi.latest_forecast.",
    ]


class Install:
    """The containers of the compose project in one folder, as docker knows them."""

    def __init__(self, project_dir: Path) -> None:
        self.project_dir = project_dir
        self._compose = _compose_program()

    def compose(self, *arguments: str) -> int:
        """Runs compose with the terminal's input and output; its exit status."""
        return _run([*self._compose, *arguments], self.project_dir).returncode

    def containers(self) -> list[Container]:
        """The project's containers, those that have ended included; empty without any."""
        listed = self._read([*self._compose, "ps", "--all", "--quiet"])
        return parse_containers(self._read(["docker", "inspect", *listed.split()])) if listed.split() else []

    def running(self, service: str) -> str:
        """The identity of a running container of ``service``.

        Raises:
            SystemExit: none runs.
        """
        for found in self.containers():
            if found.service == service and found.state == "running":
                return found.identity
        message = f"No container of the service {service} runs; start it with `make up`."
        raise SystemExit(message)

    def execute(
        self, service: str, argv: Sequence[str], secrets: Mapping[str, str] | None = None, text: bytes | None = None
    ) -> int:
        """Runs a program in a container; the exit status.

        ``secrets`` are handed on by the environment, so that no argument shows them. ``text`` is its standard input,
        else the terminal's.
        """
        is_terminal = text is None and sys.stdin.isatty() and sys.stdout.isatty()
        names = [option for name in secrets or {} for option in ("--env", name)]
        call = ["docker", "exec", "--interactive", *(["--tty"] if is_terminal else []), *names]
        environment = {**os.environ, **(secrets or {})}
        return _run([*call, self.running(service), *argv], environment=environment, text=text).returncode

    def psql(self, options: Sequence[str]) -> int:
        """Runs psql as bi_reader in the database's container; files of ``--file`` are read here. Its exit status."""
        rest, text = read_files(options, self.project_dir)
        program = ["psql", "-h", "127.0.0.1", "-U", "bi_reader", "-d", "hourcast", *rest]
        return self.execute("postgres", program, {"PGPASSWORD": self._setting("BI_READER_PASSWORD")}, text)

    def _setting(self, name: str) -> str:
        lines = (self.project_dir / ".env").read_text(encoding="utf-8").splitlines()
        return next(line.partition("=")[2] for line in reversed(lines) if line.startswith(f"{name}="))

    def _read(self, argv: Sequence[str]) -> str:
        done = _run(argv, self.project_dir, is_captured=True)
        if done.returncode:
            message = f"{' '.join(argv[:3])} failed: {done.stderr.decode(errors='replace').strip()}"
            raise SystemExit(message)
        return done.stdout.decode()


def read_files(options: Sequence[str], folder: Path) -> tuple[list[str], bytes | None]:
    """The options for psql with the files that they name replaced by standard input, and the text of these files.

    The container has none of the host's files. None without a file.

    Raises:
        SystemExit: a file cannot be read.
    """
    rest: list[str] = []
    texts: list[bytes] = []
    waiting = list(options[1:] if options[:1] == ["--"] else options)
    while waiting:
        option = waiting.pop(0)
        if option in {"-f", "--file"} and waiting:
            texts.append(_read_file(folder / waiting.pop(0)))
        elif option.startswith("--file="):
            texts.append(_read_file(folder / option.removeprefix("--file=")))
        else:
            rest.append(option)
    return (rest, None) if not texts else ([*rest, "--file=-"], b"\n".join(texts))


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise SystemExit(message) from error


def up(install: Install, options: Sequence[str]) -> int:
    """Builds the images, starts the containers, waits until all are healthy and prints what to open; the exit status.

    Raises:
        SystemExit: a container failed or is not healthy in time; the message names it and where its log is.
    """
    if status := install.compose("up", "--build", "--detach", *options):
        sys.stderr.write("The containers did not start; `make logs` shows why.\n")
        return status
    containers = wait_until_well(install)
    sys.stdout.write("\n".join(["", *describe_addresses(containers), ""]))
    return 0


def wait_until_well(install: Install, wait_seconds: float = WAIT_SECONDS) -> list[Container]:
    """The containers, once each is healthy.

    Raises:
        SystemExit: one failed, or ``wait_seconds`` passed.
    """
    due = time.monotonic() + wait_seconds
    while True:
        containers = install.containers()
        if containers and all(found.is_well for found in containers):
            return containers
        waiting = [found for found in containers if not found.is_well]
        failed = [found for found in waiting if found.has_failed]
        if failed or time.monotonic() > due:
            named = ", ".join(f"{found.service} ({found.health or found.state})" for found in failed or waiting)
            message = f"Not healthy: {named or 'no container'}. `make logs` shows why; `make up` tries again."
            raise SystemExit(message)
        time.sleep(POLL_SECONDS)


def status(install: Install) -> int:
    """Prints the containers, the newest hour and the tickers; 0 when everything is well, else 1."""
    containers = install.containers()
    if not containers:
        sys.stdout.write("No container exists here. Start with `make up`.\n")
        return 1
    width = max(len(found.name) for found in containers)
    for found in containers:
        state = found.health or (f"{found.state} ({found.exit_code})" if found.state == "exited" else found.state)
        sys.stdout.write(f"{found.name:<{width}}  {state:<12} since {found.started_at}Z\n")
    sys.stdout.write("\n".join(["", *describe_addresses(containers), "", ""]))
    sys.stdout.flush()
    has_database = any(found.service == "postgres" and found.is_well for found in containers)
    for title, query in STATUS_QUERIES if has_database else ():
        install.psql(["--quiet", "--pset", "footer=off", "--pset", f"title={title}", "--command", query])
    return 0 if all(found.is_well for found in containers) else 1


def restore(install: Install, options: Sequence[str]) -> int:
    """Stops everything but the database, and restores a backup in a container of its own; the exit status."""
    working = [found.service for found in install.containers() if found.service not in {"postgres", "migrate"}]
    if working and (status := install.compose("stop", *sorted(set(working)))):
        return status
    status = install.compose("run", "--rm", "migrate", "restore", *options)
    sys.stderr.write("Start everything again with: make up\n")
    return status


def mlflow(install: Install, options: Sequence[str]) -> int:
    """Mirrors into MLflow at once, or says where it differs (``check``, also without options); the exit status.

    Raises:
        SystemExit: MLflow is no part of this installation.
    """
    containers = install.containers()
    if not any(found.service == MIRROR for found in containers):
        message = "MLflow is not part of this installation. Add mlflow to COMPOSE_PROFILES in .env, then: make up"
        raise SystemExit(message)
    sys.stdout.write("\n".join(line for line in describe_addresses(containers) if line.startswith("MLflow")) + "\n")
    sys.stdout.flush()
    return install.execute(MIRROR, ["python", "-m", "tracking", *(options or ["check"])])


def main(arguments: Sequence[str]) -> int:
    """Runs the command named first; its exit status. ``exists`` is 0 where the install has a container.

    Raises:
        SystemExit: docker or compose is missing or failed, or no container runs; the message says which.
    """
    command, *options = arguments
    if command == "exists" and not (PROJECT_DIR / ".env").exists():
        return 1
    install = Install(PROJECT_DIR)
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: up(install, options),
        "status": lambda: status(install),
        "logs": lambda: install.compose("logs", "--tail", str(TAIL_LINES), *options),
        "down": lambda: install.compose("down", *options),
        "psql": lambda: install.psql(options),
        "restore": lambda: restore(install, options),
        "exec": lambda: install.execute("scheduler", options),
        "mlflow": lambda: mlflow(install, options),
        "exists": lambda: 0 if install.containers() else 1,
    }
    return commands[command]()


def _run(
    argv: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    text: bytes | None = None,
    *,
    is_captured: bool = False,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603  # docker, with the options that the person typed; no shell
        argv, cwd=folder, env=environment, input=text, capture_output=is_captured, check=False
    )


def _compose_program() -> list[str]:
    """The plugin of docker (version 2), or the program of version 1, the only one in Debian 12."""
    for program in (["docker", "compose"], ["docker-compose"]):
        try:
            if _run([*program, "version"], is_captured=True).returncode == 0:
                return program
        except FileNotFoundError:
            continue
    message = "This needs docker with compose, and found none. On Debian: apt install docker.io docker-compose"
    raise SystemExit(message)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
