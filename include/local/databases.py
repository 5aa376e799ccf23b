"""The addresses of the databases: on the embedded server, or on one that ``HOURCAST_DATABASE_URL`` names.

On an external server, Airflow's metadata goes to ``HOURCAST_AIRFLOW_DATABASE_URL``, or to a database ``airflow`` on the
same server, which is created if the role may create databases; the role ``bi_reader`` is used if it exists there.
Where next: ``include/local/postgres`` for the embedded server, ``include/store/migrations`` for the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from include.errors import LaunchError
from include.local.postgres import (
    AIRFLOW_DATABASE,
    AIRFLOW_ROLE,
    HOURCAST_DATABASE,
    READER_ROLE,
    EmbeddedPostgres,
)
from include.settings import Settings
from include.store.app_rights import APP_ROLE
from include.store.engine import create_store_engine, execute, fetch_rows, transaction
from include.store.programs import programs_folder

_AIRFLOW_DATABASE_QUERY = """
select
    current_user as role,
    exists (select from pg_database where datname = :name) as is_present,
    (select rolcreatedb or rolsuper from pg_roles where rolname = current_user) as may_create
"""


@dataclass(frozen=True)
class Databases:
    """Addresses of both databases; ``server`` is the embedded Postgres, or None with an external server."""

    server: EmbeddedPostgres | None
    hourcast_url: Callable[[], str] = field(repr=False)
    migration_url: Callable[[], str] = field(repr=False)
    airflow_url: Callable[[], str] = field(repr=False)
    reader_url: Callable[[], str | None] = field(repr=False)

    def describe_reader(self) -> list[str]:
        """Lines for the terminal: how to read the forecasts by SQL."""
        if self.server is None:
            return [f"SQL      {self.reader_address()}  (schema bi; set the role's password on your server)"]
        return [
            "SQL      make psql",
            f"BI tool  {self.server.reader_address()}",
            f"         (a tool that knows no passfile: the password is the last field of {self.server.reader_file})",
        ]

    def reader_address(self) -> str:
        """Address of the forecasts for psql and BI tools, as ``bi_reader``; it holds no password."""
        if self.server is not None:
            return self.server.reader_address()
        parts = urlsplit(self.hourcast_url())
        return f"postgresql://{READER_ROLE}@{parts.hostname}:{parts.port or 5432}{parts.path}"

    def psql_call(self) -> list[str]:
        """Argv of psql as ``bi_reader``; on an external server it prompts for the password.

        Raises:
            LaunchError: the embedded server does not run.
        """
        if self.server is not None:
            if not self.server.is_ready():
                message = "The database does not run; start it with: make run"
                raise LaunchError(message)
            self.server.ensure_initialised()  # one that an older version started has no password file for the reader
        return [str(programs_folder() / "psql"), self.reader_address()]


def open_databases(settings: Settings) -> Databases:
    """The databases that the settings name; starts and creates nothing."""
    external_url = settings.store.database_url
    if external_url is None:
        server = EmbeddedPostgres(settings.local.local_dir, settings.local.postgres_port)
        return Databases(
            server=server,
            hourcast_url=lambda: server.url(APP_ROLE, HOURCAST_DATABASE),
            migration_url=server.migration_url,
            airflow_url=lambda: settings.local.airflow_database_url or server.url(AIRFLOW_ROLE, AIRFLOW_DATABASE),
            reader_url=lambda: server.url(READER_ROLE, HOURCAST_DATABASE),
        )
    airflow_url = settings.local.airflow_database_url or beside(external_url, AIRFLOW_DATABASE)
    return Databases(
        server=None,
        hourcast_url=lambda: external_url,
        migration_url=lambda: external_url,
        airflow_url=lambda: airflow_url,
        reader_url=lambda: settings.store.reader_url,
    )


def beside(url: str, database: str) -> str:
    """The address of another database on the same server, with the same role."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def ensure_airflow_database(settings: Settings) -> None:
    """Creates Airflow's database on an external server, if it is missing and no setting names another.

    Raises:
        LaunchError: the role may not create databases.
        StoreUnavailableError: the server cannot be reached.
    """
    external_url = settings.store.database_url
    if external_url is None or settings.local.airflow_database_url is not None:
        return
    engine = create_store_engine(external_url)
    try:
        with transaction(engine) as connection:
            (found,) = fetch_rows(connection, _AIRFLOW_DATABASE_QUERY, {"name": AIRFLOW_DATABASE})
        if found["is_present"]:
            return
        if not found["may_create"]:
            message = (
                f"Airflow needs a database, and the role {found['role']!r} may not create one. Create a database "
                f"{AIRFLOW_DATABASE!r} that this role owns, or set HOURCAST_AIRFLOW_DATABASE_URL."
            )
            raise LaunchError(message)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            execute(connection, f"create database {AIRFLOW_DATABASE}")
    finally:
        engine.dispose()


def airflow_revision(url: str) -> str | None:
    """The migration revision of Airflow's database; None while it is empty."""
    engine = create_store_engine(url)
    try:
        with transaction(engine) as connection:
            (found,) = fetch_rows(connection, "select to_regclass('alembic_version') is not null as has_tables")
            rows = fetch_rows(connection, "select version_num from alembic_version") if found["has_tables"] else []
            return str(rows[0]["version_num"]) if rows else None
    finally:
        engine.dispose()
