"""The embedded Postgres: private, restartable, and complete whatever process was killed."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from include.errors import SettingsError
from include.local.ports import HOST
from include.local.postgres import HOURCAST_DATABASE, READER_ROLE, SUPERUSER, EmbeddedPostgres
from include.store.app_rights import APP_ROLE, OWNER_ROLE
from include.store.programs import programs_folder
from include.store.reader_rights import SETTINGS
from tests.support.databases import FAST_OPTIONS, plain_url

FIRST_PORT = 54620
PROJECT_DIR = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "local"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder, FIRST_PORT, FAST_OPTIONS)
    yield server
    server.stop()


def _query(server: EmbeddedPostgres, role: str, statement: str) -> object:
    connection = psycopg2.connect(plain_url(server.url(role, HOURCAST_DATABASE)))
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def test_a_first_start_makes_roles_databases_and_private_passwords(server: EmbeddedPostgres) -> None:
    server.start()

    assert _query(server, APP_ROLE, "select current_user") == APP_ROLE
    assert _query(server, READER_ROLE, "show default_transaction_read_only") == "on"
    assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_a_wrong_password_and_a_foreign_database_are_refused(server: EmbeddedPostgres) -> None:
    server.start()
    address = plain_url(server.url(READER_ROLE, HOURCAST_DATABASE))

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(address.replace(f"{READER_ROLE}:", f"{READER_ROLE}:x"))
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(address.replace(f"/{HOURCAST_DATABASE}", "/airflow"))


def test_a_second_start_finds_the_same_data_port_and_passwords(server: EmbeddedPostgres, folder: Path) -> None:
    server.start()
    _query(server, SUPERUSER, f"alter database {HOURCAST_DATABASE} owner to {APP_ROLE}; commit; select 1")  # as once
    _query(server, APP_ROLE, "create schema old; create table old.kept as select 1; commit; select 1")
    address = server.url(APP_ROLE, HOURCAST_DATABASE)
    server.stop()
    assert not server.is_ready()

    again = EmbeddedPostgres(folder, FIRST_PORT, FAST_OPTIONS)
    again.start()

    assert again.url(APP_ROLE, HOURCAST_DATABASE) == address
    assert _query(again, SUPERUSER, "select count(*) from old.kept") == 1
    owned = "select tableowner || ' ' || pg_get_userbyid(datdba) from pg_tables, pg_database"
    owners = _query(again, APP_ROLE, f"{owned} where tablename = 'kept' and datname = current_database()")
    assert owners == f"{OWNER_ROLE} {OWNER_ROLE}"
    again.stop()


def test_another_object_sees_and_stops_the_running_server(server: EmbeddedPostgres, folder: Path) -> None:
    server.start()
    other = EmbeddedPostgres(folder, FIRST_PORT)

    other.start()
    assert other.is_ready()
    assert other.port == server.port
    other.stop()

    assert not server.is_ready()


def test_a_killed_server_starts_again(server: EmbeddedPostgres) -> None:
    server.start()
    assert server._process is not None
    server._process.send_signal(signal.SIGKILL)
    server._process.wait()
    assert (server.data_dir / "postmaster.pid").exists()

    server.start()

    assert _query(server, APP_ROLE, "select 1") == 1


def test_a_lock_file_whose_process_number_another_process_has_got_does_not_block(server: EmbeddedPostgres) -> None:
    server.ensure_initialised()
    lock = server.data_dir / "postmaster.pid"
    lock.write_text(f"1\n{server.data_dir}\n1\n{server.port}\n\n{HOST}\n0 0\nready\n")

    server.start()

    assert _query(server, APP_ROLE, "select 1") == 1


def test_the_incomplete_folder_of_a_killed_first_run_is_removed(server: EmbeddedPostgres, folder: Path) -> None:
    half = folder / "postgres.new-dead" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    server.start()

    assert not half.exists()
    assert _query(server, APP_ROLE, "select 1") == 1


def test_lost_passwords_are_generated_again(server: EmbeddedPostgres) -> None:
    server.start()
    before = server.url(APP_ROLE, HOURCAST_DATABASE)
    server.stop()
    server.password_file.unlink()

    server.start()

    assert server.url(APP_ROLE, HOURCAST_DATABASE) != before
    assert _query(server, APP_ROLE, "select 1") == 1


def test_a_taken_port_is_left_for_the_next_free_one(server: EmbeddedPostgres) -> None:
    server.ensure_initialised()
    first = server.port
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, first))
        listener.listen()

        server.start()

        assert server.port != first
        assert _query(server, APP_ROLE, "select 1") == 1


def test_the_readers_address_opens_psql_also_where_the_folder_has_a_space(tmp_path: Path) -> None:
    spaced = EmbeddedPostgres(tmp_path / "my project", FIRST_PORT, FAST_OPTIONS)
    spaced.start()
    try:
        argv = [str(programs_folder() / "psql"), spaced.reader_address(), "-Atc", "select current_user"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    finally:
        spaced.stop()

    assert (done.stdout.strip(), done.stderr) == (READER_ROLE, "")


def test_the_readers_file_holds_its_password_alone_and_follows_the_port(server: EmbeddedPostgres, folder: Path) -> None:
    server.start()
    before = server.port
    server.stop()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, before))
        listener.listen()
        server.start()
    (line,) = (folder / "pgpass.bi_reader").read_text().splitlines()
    host, port, database, role, password = line.split(":")

    assert (host, int(port), database, role) == (HOST, server.port, HOURCAST_DATABASE, READER_ROLE)
    assert server.port != before
    assert plain_url(server.url(READER_ROLE, HOURCAST_DATABASE)).split("@")[0].endswith(f":{password}")
    assert stat.S_IMODE(server.reader_file.stat().st_mode) == 0o600


def test_a_start_gives_the_reader_its_limits_and_its_password_again(server: EmbeddedPostgres) -> None:
    server.start()
    connection = psycopg2.connect(plain_url(server.url(READER_ROLE, HOURCAST_DATABASE)))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = off")
        for change in (
            "set statement_timeout = 0",
            "in database hourcast set lock_timeout = 0",
            "password 'another'",
        ):
            cursor.execute(f"alter role {READER_ROLE} {change}")
    connection.close()
    server.stop()

    server.start()

    assert _query(server, READER_ROLE, "show statement_timeout") == SETTINGS["statement_timeout"].replace("60s", "1min")
    assert _query(server, READER_ROLE, "show lock_timeout") == SETTINGS["lock_timeout"]


def test_a_running_server_of_an_older_version_gets_the_readers_file(server: EmbeddedPostgres) -> None:
    server.start()
    server.reader_file.unlink()

    server.ensure_initialised()

    assert server.reader_file.exists()


def test_only_the_loopback_listens(server: EmbeddedPostgres) -> None:
    server.start()

    assert _query(server, SUPERUSER, "show listen_addresses") == HOST
    assert _query(server, SUPERUSER, "show unix_socket_directories") == ""


def test_a_folder_that_is_no_database_is_refused_and_left_alone(server: EmbeddedPostgres) -> None:
    server.ensure_initialised()
    version = server.data_dir / "PG_VERSION"
    version.unlink()

    with pytest.raises(SettingsError, match="is not a database"):
        server.ensure_initialised()

    assert (server.data_dir / "base").exists()


def test_a_first_run_killed_at_any_point_is_completed_by_the_next(server: EmbeddedPostgres, folder: Path) -> None:
    code = (
        "from pathlib import Path; from include.local.postgres import EmbeddedPostgres; "
        f"print('ready', flush=True); EmbeddedPostgres(Path({str(folder)!r}), {FIRST_PORT}, {FAST_OPTIONS!r}).start()"
    )
    for delay in (0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=PROJECT_DIR) as first_run:
            assert first_run.stdout is not None
            first_run.stdout.readline()
            time.sleep(delay)
            first_run.kill()

    server.start()

    assert _query(server, APP_ROLE, "select 1") == 1
    assert list(folder.glob("postgres.new-*")) == []


def test_two_first_runs_at_once_make_one_database(server: EmbeddedPostgres, folder: Path) -> None:
    servers = [EmbeddedPostgres(folder, FIRST_PORT, FAST_OPTIONS) for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(EmbeddedPostgres.ensure_initialised, servers))
    server.start()

    assert _query(server, APP_ROLE, "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a folder to the server's user and still use it")
def test_root_runs_it_below_a_folder_that_its_user_cannot_enter(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    server = EmbeddedPostgres(tmp_path / "closed" / "local", FIRST_PORT, FAST_OPTIONS)
    try:
        server.start()

        assert _query(server, APP_ROLE, "select 1") == 1
        assert server.data_dir.stat().st_uid != 0
        assert stat.S_IMODE((tmp_path / "closed").stat().st_mode) == 0o700
    finally:
        server.stop()


def test_before_the_first_run_there_is_no_port(server: EmbeddedPostgres) -> None:
    with pytest.raises(SettingsError, match="never initialised"):
        _ = server.port
    assert not server.is_ready()
    server.stop()  # nothing to stop is no trouble
