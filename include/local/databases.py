"""Which Postgres holds what: the embedded server, or one that ``HOURCAST_DATABASE_URL`` names.

With a server of yours, Airflow's metadata goes to ``HOURCAST_AIRFLOW_DATABASE_URL``, or without it to a database
``airflow`` beside yours, made with the same role if that may make databases; the role ``bi_reader`` is used if it
exists there. Where next: ``include/local/postgres`` for the embedded server, ``include/store/migrations`` for what
is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from include.errors import LaunchError
from include.local.postgres import (
    AIRFLOW_DATABASE,
    AIRFLOW_ROLE,
    APP_ROLE,
    HOURCAST_DATABASE,
    READER_ROLE,
    EmbeddedPostgres,
)
from include.settings import Settings
from include.store.engine import create_store_engine, execute, fetch_rows, transaction

_AIRFLOW_DATABASE_QUERY = """
select
    current_user as role,
    exists (select from pg_database where datname = :name) as is_there,
    (select rolcreatedb or rolsuper from pg_roles where rolname = current_user) as may_make
"""


@dataclass(frozen=True)
class Databases:
    """Addresses of both databases; ``server`` is the embedded Postgres, or None where the person brought one."""

    server: EmbeddedPostgres | None
    hourcast_url: Callable[[], str] = field(repr=False)
    airflow_url: Callable[[], str] = field(repr=False)

    def describe_reader(self) -> list[str]:
        """How to read the forecasts by SQL: lines for the terminal."""
        if self.server is not None:
            return [
                f"SQL      {self.server.psql_command(READER_ROLE, HOURCAST_DATABASE)}",
                f"BI tool  postgresql://{READER_ROLE}@127.0.0.1:{self.server.port}/{HOURCAST_DATABASE}"
                f"  (its password: {self.server.password_file})",
            ]
        parts = urlsplit(self.hourcast_url())
        host = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
        return [f"SQL      postgresql://{READER_ROLE}@{host}  (schema bi; set the role's password on your server)"]


def open_databases(settings: Settings) -> Databases:
    """The databases that the settings ask for; nothing is started or made."""
    own_url = settings.store.database_url
    if own_url is None:
        server = EmbeddedPostgres(settings.local.local_dir, settings.local.postgres_port)
        return Databases(
            server=server,
            hourcast_url=lambda: server.url(APP_ROLE, HOURCAST_DATABASE),
            airflow_url=lambda: settings.local.airflow_database_url or server.url(AIRFLOW_ROLE, AIRFLOW_DATABASE),
        )
    airflow_url = settings.local.airflow_database_url or beside(own_url, AIRFLOW_DATABASE)
    return Databases(server=None, hourcast_url=lambda: own_url, airflow_url=lambda: airflow_url)


def beside(url: str, database: str) -> str:
    """The address of another database on the same server, with the same role."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def ensure_airflow_database(settings: Settings) -> None:
    """Makes Airflow's database beside the person's own, if it is missing and was not named.

    Raises:
        LaunchError: the role may not make databases.
        StoreUnavailableError: the server does not answer.
    """
    own_url = settings.store.database_url
    if own_url is None or settings.local.airflow_database_url is not None:
        return
    engine = create_store_engine(own_url)
    try:
        with transaction(engine) as connection:
            (found,) = fetch_rows(connection, _AIRFLOW_DATABASE_QUERY, {"name": AIRFLOW_DATABASE})
        if found["is_there"]:
            return
        if not found["may_make"]:
            message = (
                f"Airflow needs a database, and role {found['role']!r} may not make one. Make a database "
                f"{AIRFLOW_DATABASE!r} that it owns, or set HOURCAST_AIRFLOW_DATABASE_URL."
            )
            raise LaunchError(message)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            execute(connection, f"create database {AIRFLOW_DATABASE}")
    finally:
        engine.dispose()


def airflow_revision(url: str) -> str | None:
    """The revision Airflow's database is at; None when it holds nothing yet."""
    engine = create_store_engine(url)
    try:
        with transaction(engine) as connection:
            (found,) = fetch_rows(connection, "select to_regclass('alembic_version') is not null as has_tables")
            rows = fetch_rows(connection, "select version_num from alembic_version") if found["has_tables"] else []
            return str(rows[0]["version_num"]) if rows else None
    finally:
        engine.dispose()
