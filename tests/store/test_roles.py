"""Databases and roles on a server that starts empty."""

import re
from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import errors

from include.errors import StoreUnavailableError
from include.local.postgres import SUPERUSER, EmbeddedPostgres
from include.store.roles import DatabasePlan, Login, ensure_database
from tests.support.databases import run_as_superuser

pytestmark = pytest.mark.integration

OWNER = Login("shop_owner", "o'wner%s:password")
READER = Login("shop_reader", "reader")
PLAN = DatabasePlan("shop", writer=OWNER, readers=(READER,))


@pytest.fixture
def superuser(postgres_server: EmbeddedPostgres) -> Login:
    found = re.search(r"//\w+:([^@]+)@", postgres_server.url(SUPERUSER, "postgres"))
    assert found is not None
    return Login(SUPERUSER, found[1])


@pytest.fixture
def server(postgres_server: EmbeddedPostgres, superuser: Login) -> Iterator[EmbeddedPostgres]:
    ensure_database("127.0.0.1", postgres_server.port, superuser, PLAN)
    yield postgres_server
    run_as_superuser(
        postgres_server,
        "drop database shop with (force)",
        "drop role shop_owner",
        "drop role shop_reader",
    )


def connect(server: EmbeddedPostgres, login: Login, database: str = "shop") -> psycopg2.extensions.connection:
    return psycopg2.connect(
        host="127.0.0.1",
        port=server.port,
        user=login.role,
        password=login.password,
        dbname=database,
    )


def run(server: EmbeddedPostgres, login: Login, *statements: str) -> list[tuple[object, ...]]:
    connection = connect(server, login)
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_the_owner_makes_schemas_and_a_reader_sees_what_it_is_granted(server: EmbeddedPostgres) -> None:
    run(server, OWNER, "create schema inside", "create table inside.secret as select 1 as one")
    run(server, OWNER, "create schema bi", "create view bi.shown as select one from inside.secret")
    run(server, OWNER, "grant usage on schema bi to shop_reader", "grant select on bi.shown to shop_reader")
    assert run(server, READER, "select one from bi.shown") == [(1,)]
    with pytest.raises(errors.InsufficientPrivilege):
        run(server, READER, "select one from inside.secret")


def test_a_reader_writes_nothing(server: EmbeddedPostgres) -> None:
    with pytest.raises(errors.ReadOnlySqlTransaction):
        run(server, READER, "create table public.mine (one integer)")
    for statement in ("create table public.mine (one integer)", "create temporary table mine (one integer)"):
        with pytest.raises((errors.InsufficientPrivilege, errors.InvalidSchemaName)):
            run(server, READER, "set transaction read write", statement)
    with pytest.raises(errors.InsufficientPrivilege):
        run(server, READER, "set transaction read write", "select lo_create(0)")


def test_the_owner_keeps_advisory_locks_and_large_objects(server: EmbeddedPostgres) -> None:
    ((number,),) = run(server, OWNER, "select pg_advisory_xact_lock(1)", "select lo_create(0)")
    assert int(str(number)) > 0


def test_a_role_whose_name_needs_quotes_is_limited_too(postgres_server: EmbeddedPostgres, superuser: Login) -> None:
    odd = DatabasePlan("odd shop", writer=Login("odd owner", "o"), readers=(Login("odd reader", "r"),))
    ensure_database("127.0.0.1", postgres_server.port, superuser, odd)
    connection = connect(postgres_server, odd.readers[0], odd.name)
    with connection.cursor() as cursor:
        cursor.execute("show search_path")
        assert cursor.fetchone() == ("bi",)
    connection.close()
    run_as_superuser(postgres_server, 'drop database "odd shop"', 'drop role "odd owner"', 'drop role "odd reader"')


def test_no_other_role_may_connect(server: EmbeddedPostgres, superuser: Login) -> None:
    stranger = DatabasePlan("yard", writer=Login("yard_owner", "y"))
    ensure_database("127.0.0.1", server.port, superuser, stranger)
    try:
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            connect(server, stranger.writer)
    finally:
        run_as_superuser(server, "drop database yard", "drop role yard_owner")


def test_a_second_time_keeps_the_data_and_takes_over_a_new_password(
    server: EmbeddedPostgres,
    superuser: Login,
) -> None:
    run(server, OWNER, "create table public.kept as select 1 as one")
    changed = DatabasePlan("shop", writer=Login("shop_owner", "another"), readers=(READER,))
    ensure_database("127.0.0.1", server.port, superuser, changed)
    assert run(server, changed.writer, "select one from public.kept") == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        connect(server, OWNER)


def test_a_wrong_superuser_password_says_what_to_do(postgres_server: EmbeddedPostgres) -> None:
    wrong = Login(SUPERUSER, "wrong")
    with pytest.raises(StoreUnavailableError, match="put that one back"):
        ensure_database("127.0.0.1", postgres_server.port, wrong, PLAN)


def test_a_password_is_never_shown() -> None:
    assert "password" not in repr(OWNER)
