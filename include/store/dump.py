"""The schemas ``forecast`` and ``filings`` as one file, and back: pg_dump and pg_restore of the installed Postgres.

Schema ``bi`` is not in the file: it has only views, which every migration creates again. Nor are owners and rights,
which depend on the installation.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL, make_url

from include.errors import SettingsError, StoreUnavailableError
from include.store.engine import Connection, create_store_engine, execute, fetch_rows, transaction
from include.store.programs import programs_folder

_LIVE_TABLES = ("ticker", "prediction")
"""Tables of which one row is enough for a database that is in use."""

_SCHEMAS = ("--schema=forecast", "--schema=filings", "--exclude-table=filings.vector_*")
"""Vectors are made from the chunks again, and need an extension that the other server may lack."""


def dump_database(url: str, target: Path) -> None:
    """Writes both schemas with their rows, as of one instant, to the file ``target`` (pg_dump's custom format).

    Raises:
        StoreUnavailableError: pg_dump failed; the message has its words.
    """
    _run("pg_dump", url, ["--format=custom", *_SCHEMAS, "--no-owner", "--no-privileges", f"--file={target}"])


def restore_database(url: str, source: Path) -> None:
    """Replaces the empty schemas by those of the file, as the role that owns the database.

    The address is that of this role or of a superuser. If it fails, the database is without them, and the
    restoration can be repeated. Schema ``bi`` is empty afterwards: call ``migrate``, which creates its views.

    Raises:
        SettingsError: the database is in use: it has tickers or forecasts.
        StoreUnavailableError: pg_restore failed; the message has its words.
    """
    engine = create_store_engine(url)
    try:
        with transaction(engine) as connection:
            require_empty(connection)
            (owner,) = fetch_rows(
                connection,
                "select pg_get_userbyid(datdba) as name from pg_database where datname = current_database()",
            )
            execute(connection, "drop schema if exists bi cascade")
            execute(connection, "drop schema if exists forecast cascade")
            execute(connection, "drop schema if exists filings cascade")
            execute(connection, f"set local role {connection.dialect.identifier_preparer.quote(owner['name'])}")
            execute(connection, "create schema bi")
    finally:
        engine.dispose()
    options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", f"--role={owner['name']}"]
    _run("pg_restore", url, [*options, str(source)])


def require_empty(connection: Connection) -> None:
    """Returns if the database has neither tickers nor forecasts, with or without tables.

    Raises:
        SettingsError: it has some.
    """
    for table in _LIVE_TABLES:
        (found,) = fetch_rows(connection, f"select to_regclass('forecast.{table}') is not null as is_there")
        if found["is_there"] and fetch_rows(connection, f"select from forecast.{table} limit 1"):  # a constant
            message = (
                "The database has tickers already, and a restoration would replace them. Restore into an empty "
                "installation: another folder, or this one after `make backup` and `make clean`."
            )
            raise SettingsError(message)


def row_counts(connection: Connection) -> dict[str, int]:
    """Number of rows of every table of the schema, by name."""
    tables = fetch_rows(connection, "select tablename from pg_tables where schemaname = 'forecast' order by tablename")
    names = [row["tablename"] for row in tables]
    counted = " union all ".join(f"select '{name}' as name, count(*) as rows from forecast.{name}" for name in names)  # noqa: S608  # names of the catalogue
    return {row["name"]: row["rows"] for row in fetch_rows(connection, counted)} if names else {}


def _run(program: str, url: str, options: Sequence[str]) -> None:
    """Runs one of Postgres' programs; the password reaches it by its environment, never by its arguments."""
    address = make_url(url).set(drivername="postgresql")
    password = str(address.password or "")
    done = subprocess.run(  # noqa: S603  # a fixed program
        [str(programs_folder() / program), "--no-password", f"--dbname={_without_password(address)}", *options],
        env={"PGPASSWORD": password} if password else {},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"{program} failed with exit status {done.returncode}: {done.stderr.strip()[-1000:]}"
        raise StoreUnavailableError(message)


def _without_password(address: URL) -> str:
    return URL.create(
        address.drivername, address.username, None, address.host, address.port, address.database, address.query
    ).render_as_string()
