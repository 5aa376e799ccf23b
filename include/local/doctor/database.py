"""Checks of the database: reachable, its version, its clock, its schema, the rights of its roles, its indexes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from include.errors import SettingsError, StoreUnavailableError
from include.local.doctor.installation import Installation
from include.local.doctor.problem import NotCheckedError, Problem
from include.store.engine import fetch_rows
from include.store.migrations import READER_ROLE, SQL_DIR
from include.store.reader import Engine, create_reader_engine, reading

OLDEST_SERVER = 18
"""The version of Postgres that Hourcast is tested with."""

_VERSION = "select current_setting('server_version_num')::integer / 10000 as major, now() as at"
_REVISION = "select to_regclass('forecast.alembic_version') is not null as has_schema"
_APPLIED = "select version_num from forecast.alembic_version"
_VIEWS = "select viewname from pg_views where schemaname = 'bi'"
_APP_ROLE = "select rolname, rolsuper, rolcreaterole, rolbypassrls from pg_roles where rolname = current_user"
_READER_RIGHTS = """
select
    rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as is_privileged,
    (
        select string_agg(format('%I.%I', nspname, relname), ', ' order by nspname, relname)
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        where nspname in ('forecast', 'bi') and relkind in ('r', 'p', 'v', 'm')
            and has_table_privilege(rolname, pg_class.oid, 'insert, update, delete, truncate')
    ) as writable,
    coalesce(has_schema_privilege(rolname, to_regnamespace('forecast'), 'usage'), false) as has_tables,
    (
        select string_agg(relname, ', ' order by relname)
        from pg_class
        where relnamespace = to_regnamespace('bi') and relkind = 'v'
            and not has_table_privilege(rolname, pg_class.oid, 'select')
    ) as closed
from pg_roles
where rolname = :role
"""
_INVALID_INDEXES = """
select format('%I.%I', nspname, relname) as name
from pg_index
inner join pg_class on pg_class.oid = indexrelid
inner join pg_namespace on pg_namespace.oid = relnamespace
where not (indisvalid and indisready) and nspname = 'forecast'
order by 1
"""
_START = "Start it with `make run`; if it does not start, its log is logs/postgres.log in HOURCAST_LOCAL_DIR."


def open_database(found: Installation) -> Engine:
    """Read-only connections with short time-outs to the Hourcast database; it connects on first use."""
    return create_reader_engine(found.hourcast_url())


def check_reachable(found: Installation) -> Iterator[Problem]:
    """Whether the database responds."""
    reason = unreachable_reason(found.hourcast_url)
    if reason is not None:
        advice = _START if found.is_embedded else "Check HOURCAST_DATABASE_URL, and that the server runs."
        yield Problem("database-unreachable", f"The database does not respond: {reason}", advice)


def unreachable_reason(url: Callable[[], str]) -> str | None:
    """Why the database at this address does not respond, as one sentence; None if it does."""
    try:
        engine = create_reader_engine(url())
        with reading(engine) as connection:
            fetch_rows(connection, "select 1 as one")
    except FileNotFoundError:
        return "this installation was never started."
    except (OSError, KeyError, SettingsError, StoreUnavailableError) as error:
        return str(error).splitlines()[0]
    engine.dispose()
    return None


def check_server(found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the server's version is one that Hourcast is tested with, and its clock agrees with this machine's."""
    started = time.monotonic()
    with reading(engine) as connection:
        (row,) = fetch_rows(connection, _VERSION)
    if row["major"] < OLDEST_SERVER:
        text = f"The server is Postgres {row['major']}; Hourcast is tested with {OLDEST_SERVER}."
        yield Problem("server-version", text, f"Upgrade the server to Postgres {OLDEST_SERVER}.")
    off = abs((found.now() - row["at"]).total_seconds()) - (time.monotonic() - started)
    if off > found.limits.clock_seconds:
        yield Problem(
            "clock-database",
            f"The database's clock differs from this machine's by {off:.0f} s.",
            "Set both clocks and turn on their synchronisation (NTP).",
        )


def check_schema(_found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the schema is that of this code."""
    known = [path.stem.partition("_")[0] for path in sorted((SQL_DIR / "migrations").glob("*.sql"))]
    with reading(engine) as connection:
        (row,) = fetch_rows(connection, _REVISION)
        applied = [str(item["version_num"]) for item in fetch_rows(connection, _APPLIED)] if row["has_schema"] else []
        views = {str(item["viewname"]) for item in fetch_rows(connection, _VIEWS)}
    if not applied:
        yield Problem("schema-missing", "The database has no tables yet.", "Run `make run`, which makes them.")
    elif applied[0] not in known:
        yield Problem(
            "schema-newer",
            f"The database has migration {applied[0]}, and this code ends with {known[-1]}: it is older.",
            "Install the version of Hourcast that this database was last used with, or a newer one.",
        )
    elif applied[0] != known[-1]:
        yield Problem(
            "schema-older",
            f"The database has migration {applied[0]}, and this code needs {known[-1]}.",
            "Run `make down`, then `make run`, which migrates the database.",
        )
    elif missing := sorted({path.stem for path in (SQL_DIR / "views").glob("*.sql")} - views):
        text = f"Schema bi lacks {', '.join(missing)}."
        yield Problem("view-missing", text, "Run `include.cli migrate`, which makes all views again.")


def check_roles(_found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether the role that writes has too many rights, and the role that reads too many or too few."""
    with reading(engine) as connection:
        (app,) = fetch_rows(connection, _APP_ROLE)
        readers = fetch_rows(connection, _READER_RIGHTS, {"role": READER_ROLE})
    if app["rolsuper"] or app["rolcreaterole"] or app["rolbypassrls"]:
        yield Problem(
            "app-role",
            f"The role {app['rolname']}, with which the pipeline writes, is a superuser or may make roles.",
            f"As a superuser: alter role {app['rolname']} nosuperuser nocreaterole nobypassrls;",
        )
    if not readers:
        yield Problem(
            "reader-missing",
            f"There is no role {READER_ROLE}, so neither the page nor BI tools can read.",
            f"As a superuser: create role {READER_ROLE} login; then run `include.cli migrate`.",
        )
        return
    reader = readers[0]
    if reader["is_privileged"] or reader["writable"] or reader["has_tables"]:
        what = "has rights on the server" if reader["is_privileged"] else "may use schema forecast"
        what = f"may write {reader['writable']}" if reader["writable"] else what
        yield Problem(
            "reader-rights",
            f"The role {READER_ROLE} {what}.",
            "Run `make down`, then `make run`, which sets its rights again; on a server of yours, revoke them.",
        )
    elif reader["closed"]:
        text = f"The role {READER_ROLE} may not read {reader['closed']} in schema bi."
        yield Problem("reader-closed", text, "Run `include.cli migrate`, which grants them again.")


def check_reader_login(found: Installation, _engine: Engine) -> Iterator[Problem]:
    """Whether the role that reads can log in.

    Raises:
        NotCheckedError: its address is not set.
    """
    url = found.reader_url()
    if url is None:
        message = "HOURCAST_READER_URL is not set here; Airflow's api-server needs it for the page Forecasts"
        raise NotCheckedError(message)
    engine = create_reader_engine(url)
    try:
        with reading(engine) as connection:
            fetch_rows(connection, "select 1 as one")
    except StoreUnavailableError as error:
        text = f"The role {READER_ROLE} cannot log in: {str(error).splitlines()[0]}"
        yield Problem("reader-login", text, "Run `make down`, then `make run`, which sets its password again.")
    finally:
        engine.dispose()


def check_indexes(_found: Installation, engine: Engine) -> Iterator[Problem]:
    """Whether an index is invalid, which happens when its creation was interrupted."""
    with reading(engine) as connection:
        names = [str(row["name"]) for row in fetch_rows(connection, _INVALID_INDEXES)]
    for name in names:
        yield Problem(
            "index-invalid",
            f"The index {name} is invalid, so queries do not use it or miss rows.",
            f"Run as the owner of the database: reindex index {name};",
        )
