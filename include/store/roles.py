"""Creates databases and login roles on a new Postgres server, as its superuser.

It is for a server that starts empty, such as that of the compose file. A repetition changes nothing. The rights of a
role within a database are granted in ``include/store/migrations.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import URL
from sqlalchemy.exc import OperationalError

from include.errors import StoreUnavailableError
from include.store.app_rights import OWNER_ROLE, extension_statement, owner_statements
from include.store.engine import Connection, create_store_engine, execute, fetch_rows, run_script
from include.store.reader_rights import database_statements, server_statements


@dataclass(frozen=True)
class Login:
    """A role with the right to log in, and its password."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class DatabasePlan:
    """A database, the role that writes to it, and the roles that may connect and read what is granted to them.

    The writer owns the database, unless ``is_owned_apart``: then ``hourcast_owner`` does, a role without a login.
    """

    name: str
    writer: Login
    readers: tuple[Login, ...] = ()
    is_owned_apart: bool = False


def ensure_database(host: str, port: int, superuser: Login, plan: DatabasePlan) -> None:
    """Creates the plan's missing roles and database on the server, and sets the roles' passwords.

    Afterwards only the writer and the readers may connect to the database. A reader may do what
    ``include/store/reader_rights.py`` leaves to it, and a writer that is not the owner what ``app_rights.py`` does.

    Raises:
        StoreUnavailableError: the server cannot be reached, or it refuses this superuser.
    """
    address = URL.create("postgresql+psycopg2", superuser.role, superuser.password, host, port)
    try:
        with _connected(address.set(database="postgres")) as connection:
            _apply(connection, plan)
        with _connected(address.set(database=plan.name)) as connection:
            _limit_roles(connection, plan)
    except OperationalError as error:
        message = (
            f"Postgres at {host}:{port} refused {superuser.role}: {str(error.orig).strip()} "
            "(A server keeps the superuser's password that it was first started with; put that one back.)"
        )
        raise StoreUnavailableError(message) from error


@contextmanager
def _connected(address: URL) -> Iterator[Connection]:
    """A connection without a transaction, inside which a database cannot be made."""
    engine = create_store_engine(address.render_as_string(hide_password=False))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
    finally:
        engine.dispose()


def _apply(connection: Connection, plan: DatabasePlan) -> None:
    quote = connection.dialect.identifier_preparer.quote_identifier
    for login in (plan.writer, *plan.readers):
        role = quote(login.role)
        if not fetch_rows(connection, "select 1 from pg_roles where rolname = :name", {"name": login.role}):
            execute(connection, f"create role {role}")
        execute(connection, f"alter role {role} login password :password", {"password": login.password})
    database, owner = quote(plan.name), quote(plan.writer.role)
    if not fetch_rows(connection, "select 1 from pg_database where datname = :name", {"name": plan.name}):
        execute(connection, f"create database {database} owner {owner}")
    execute(connection, f"revoke all on database {database} from public")


def _limit_roles(connection: Connection, plan: DatabasePlan) -> None:
    quote = connection.dialect.identifier_preparer.quote_identifier
    database, writer = quote(plan.name), quote(plan.writer.role)
    statements = [*owner_statements(database, writer), extension_statement(writer)] if plan.is_owned_apart else []
    writers = [OWNER_ROLE, writer] if plan.is_owned_apart else [writer]
    for login in plan.readers:
        reader = quote(login.role)
        statements += [*server_statements(reader), *database_statements(database, writers, reader)]
    for statement in statements:
        run_script(connection, statement)
