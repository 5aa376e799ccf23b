"""What the role of BI tools can do with a database of Hourcast: each forbidden thing is tried."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import psycopg2
import pytest
from psycopg2 import errors

from include.local.postgres import HOURCAST_DATABASE, READER_ROLE, EmbeddedPostgres
from include.store.app_rights import APP_ROLE
from include.store.reader_rights import CONNECTION_LIMIT
from tests.support.databases import plain_url

pytestmark = pytest.mark.integration

WRITES = {
    "a table in bi": "create table bi.mine (one integer)",
    "a table in public": "create table public.mine (one integer)",
    "a view in bi": "create view bi.mine as select 1 as one",
    "a function": "create function bi.mine() returns integer language sql as 'select 1'",
    "a schema": "create schema mine",
    "a temporary table": "create temporary table mine (one integer)",
    "a temporary table by select": "select 1 as one into temporary mine",
    "a temporary sequence": "create temporary sequence mine",
    "an empty large object": "select lo_create(0)",
    "a large object": "select lo_creat(-1)",
    "a large object of bytes": "select lo_from_bytea(0, 'x')",
    "bytes of a large object": "select lo_put(1, 0, 'x')",
    "an opened large object": "select lo_open(1, 131072)",
    "written bytes": "select lowrite(0, 'x')",
    "a removed large object": "select lo_unlink(1)",
    "a server's file as a large object": "select lo_import('/etc/hostname')",
    "a server's file": "copy (select 1) to '/tmp/mine'",
    "a program": "copy (select 1) to program 'true'",
    "a message in the log": "select pg_logical_emit_message(false, 'mine', 'x')",
    "an advisory lock": "select pg_advisory_lock(1)",
    "an advisory lock without waiting": "select pg_try_advisory_xact_lock(1)",
    "rows of a view": "delete from bi.ticker_status",
    "a comment": "comment on view bi.forecast is 'mine'",
    "a lock that blocks readers": "begin; lock table bi.ticker_status in exclusive mode",
    "a role": "create role mine",
    "a database": "create database mine",
    "rights of another role": f"set role {APP_ROLE}",
    "a higher limit of temporary files": "set temp_file_limit = -1",
    "more connections": f"alter role {READER_ROLE} connection limit 1000",
    "a superuser's right": f"alter role {READER_ROLE} superuser",
    "a default limit of temporary files": f"alter role {READER_ROLE} set temp_file_limit = -1",
}

READS = {
    "a table": "select * from forecast.ticker",
    "a table's size by a function": "select * from forecast.bars_known_at(now())",
    "password hashes": "select * from pg_authid",
    "a server's file": "select pg_read_file('/etc/hostname')",
    "a large object": "select lo_get(1)",
    "statistics of columns": "select 1 / count(*) from pg_stats where schemaname = 'forecast'",
}

SHOWN = {
    "search_path": "bi",
    "transaction_read_only": "on",
    "statement_timeout": "1min",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "1min",
    "idle_session_timeout": "1h",
    "temp_file_limit": "1GB",
}

REFUSALS = (
    errors.InsufficientPrivilege,
    errors.InvalidSchemaName,
    errors.UndefinedTable,
    errors.WrongObjectType,
    errors.ObjectNotInPrerequisiteState,
    errors.DivisionByZero,
)


@pytest.fixture
def reader(reader_url: str) -> Iterator[psycopg2.extensions.cursor]:
    """A session of the role that has turned its read-only default off."""
    connection = psycopg2.connect(plain_url(reader_url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = off")
        yield cursor
    connection.close()


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES.keys())
def test_a_session_that_turned_read_only_off_still_changes_nothing(
    reader: psycopg2.extensions.cursor, statement: str
) -> None:
    with pytest.raises(REFUSALS):
        reader.execute(statement)


@pytest.mark.parametrize("question", READS.values(), ids=READS.keys())
def test_nothing_but_the_views_can_be_read(reader: psycopg2.extensions.cursor, question: str) -> None:
    with pytest.raises(REFUSALS):
        reader.execute(question)


def test_no_function_that_stores_or_blocks_is_left(reader: psycopg2.extensions.cursor) -> None:
    reader.execute(
        """
        select count(*), count(*) filter (where has_function_privilege(oid, 'execute')) from pg_proc
        where proname like 'lo\\_%' or proname in ('loread', 'lowrite') or proname like 'pg%advisory%lock%'
        """
    )
    row = reader.fetchone()
    assert row is not None
    assert row[0] > 30
    assert row[1] == 0


def test_a_new_session_reads_only_finds_the_views_and_has_limits(reader_url: str) -> None:
    connection = psycopg2.connect(plain_url(reader_url))
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from latest_forecast")
        cursor.execute("select name, current_setting(name) from unnest(%s) as name", (list(SHOWN),))
        assert dict(cursor.fetchall()) == SHOWN
        cursor.execute("select rolconnlimit from pg_roles where rolname = current_user")
        assert cursor.fetchone() == (CONNECTION_LIMIT,)
    connection.close()


@pytest.mark.parametrize("database", ["postgres", "template1", "airflow"])
def test_no_other_database_of_the_server_opens(migrated_server: EmbeddedPostgres, database: str) -> None:
    address = plain_url(migrated_server.url(READER_ROLE, database))
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(address)


def test_more_connections_than_the_limit_are_refused(migrated_server: EmbeddedPostgres) -> None:
    address = plain_url(migrated_server.url(READER_ROLE, HOURCAST_DATABASE))
    with ExitStack() as held:
        for _ in range(CONNECTION_LIMIT):
            held.enter_context(closing(psycopg2.connect(address)))
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            psycopg2.connect(address)
