"""Migrates a database to the schema of this version.

Alembic records which files of ``sql/migrations`` are applied (in ``forecast.alembic_version``); there are no Python
revisions. Views hold no data, so each migration drops them and creates those of ``sql/views``. Everything is one
transaction under a lock: of two processes that migrate at once the second finds nothing to do, and a failure changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script.base import Script
from alembic.script.revision import RevisionMap
from psycopg2.errors import LockNotAvailable

from include.errors import SettingsError, StoreUnavailableError
from include.store.accuracy import count_if_empty
from include.store.app_rights import APP_ROLE, grant_app
from include.store.engine import Connection, Engine, create_store_engine, execute, fetch_rows, run_script, transaction
from include.store.mirror_rights import MIRROR_ROLE, grant_mirror

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
READER_ROLE = "bi_reader"
"""The role of BI tools, which may read schema bi and nothing else; a database may be without it."""

_LOCK = 4_801_967_321
"""Key of the advisory lock for migrations: any number that is the same in all processes."""


LOCK_SECONDS = 90
"""How long a migration waits for sessions that use its tables; a reader's open transaction is ended before that."""


def migrate(url: str) -> None:
    """Applies the missing migrations to the database at ``url`` and creates its views.

    If there is a schema, the role of the address must be its owner or a superuser.

    Raises:
        SettingsError: the schema belongs to another role, or a newer version of Hourcast has migrated it.
        StoreUnavailableError: another session has used the tables for ``LOCK_SECONDS``, or Postgres is not available.
    """
    engine = create_store_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def upgrade(engine: Engine, lock_seconds: int = LOCK_SECONDS) -> None:
    """Applies the missing migrations, creates the views, grants what the roles of product, BI tools and mirror need.

    Raises:
        SettingsError: the schema belongs to another role, or a newer version of Hourcast has migrated it.
        StoreUnavailableError: another session has used the tables for ``lock_seconds``; the message names it.
    """
    try:
        _upgrade(engine, lock_seconds)
    except StoreUnavailableError as error:
        if not _is_lock_timeout(error):
            raise
        message = (
            f"The schema could not be migrated within {lock_seconds} s, because other sessions use its tables: "
            f"{_open_transactions(engine)}. Nothing was changed. End them and start again."
        )
        raise StoreUnavailableError(message) from error


def _upgrade(engine: Engine, lock_seconds: int) -> None:
    with transaction(engine) as connection:
        execute(connection, "select pg_advisory_xact_lock(:number)", {"number": _LOCK})  # another one may take long
        execute(connection, "select set_config('lock_timeout', :limit, true)", {"limit": f"{lock_seconds}s"})
        _become_owner(connection)
        execute(connection, "create schema if not exists forecast")
        _require_known(connection)
        _apply_migrations(connection)
        count_if_empty(connection)
        _make_views(connection)
        others = fetch_rows(connection, "select rolname from pg_roles where rolname <> current_user")
        for role, grant in ((APP_ROLE, grant_app), (READER_ROLE, grant_reader), (MIRROR_ROLE, grant_mirror)):
            if {"rolname": role} in others:
                grant(connection, role)


def _become_owner(connection: Connection) -> None:
    """Runs the rest of the transaction as the role that owns the schema, or the database while there is no schema."""
    (found,) = fetch_rows(
        connection,
        """
        select
            current_user as role, pg_get_userbyid(owner.role) as owner, owner.is_of_schema,
            pg_has_role(current_user, owner.role, 'member') as is_member
        from (
            select coalesce(namespace.nspowner, database.datdba) as role, namespace.oid is not null as is_of_schema
            from pg_database as database
            left join pg_namespace as namespace on namespace.nspname = 'forecast'
            where database.datname = current_database()
        ) as owner
        """,
    )
    if found["is_member"]:
        execute(connection, f"set local role {connection.dialect.identifier_preparer.quote(found['owner'])}")
    elif found["is_of_schema"]:
        message = (
            f"The role {found['role']!r} may write rows but not migrate the schema, which belongs to another role. "
            "`make run` and `make up` migrate; with a server of yours, use an address of the role that owns the schema."
        )
        raise SettingsError(message)


def _require_known(connection: Connection) -> None:
    """Refuses a schema with a migration that this version does not have: its code would misread the tables."""
    found = schema_version(connection)
    if found is not None and found not in (known := [number for number, _ in _files()]):
        message = (
            f"The database has the schema {found}, and this version of Hourcast knows up to {known[-1]}: a newer "
            "version has migrated it. Nothing was changed. Install that version again, or restore a backup from "
            "before it (make restore) into an empty installation."
        )
        raise SettingsError(message)


def schema_version(connection: Connection) -> str | None:
    """Number of the newest migration that the database has; None for a database without tables."""
    (found,) = fetch_rows(connection, "select to_regclass('forecast.alembic_version') is not null as has_tables")
    rows = fetch_rows(connection, "select version_num from forecast.alembic_version") if found["has_tables"] else []
    return str(rows[0]["version_num"]) if rows else None


def newest_version() -> str:
    """Number of the newest migration that this version of Hourcast has."""
    return _files()[-1][0]


def _files() -> list[tuple[str, Path]]:
    """The migration files with their numbers, oldest first."""
    return [(path.stem.partition("_")[0], path) for path in sorted((SQL_DIR / "migrations").glob("*.sql"))]


def _is_lock_timeout(error: StoreUnavailableError) -> bool:
    cause = error.__cause__
    return isinstance(getattr(cause, "orig", cause), LockNotAvailable)


def _open_transactions(engine: Engine) -> str:
    """The other sessions in this database that are in a transaction, the longest first."""
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            """
            select coalesce(usename, 'Postgres') || ' (process ' || pid || ', ' || coalesce(state, 'running')
                || ' since ' || to_char(xact_start at time zone 'UTC', 'HH24:MI:SS') || ' UTC)' as session
            from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
            order by xact_start
            """,
        )
    return ", ".join(row["session"] for row in rows) or "they have ended since"


def grant_reader(connection: Connection, reader_role: str) -> None:
    """Grants a role every view of schema bi, and takes schema forecast from it.

    What a view reads through a function is checked with the reader's rights, so the function's tables are granted too:
    a restored database has no rights from its migrations.
    """
    role = connection.dialect.identifier_preparer.quote(reader_role)
    execute(connection, "grant select on table forecast.split to public")
    execute(connection, f"revoke all on schema forecast from {role}")
    execute(connection, f"grant usage on schema bi to {role}")
    execute(connection, f"grant select on all tables in schema bi to {role}")


def _apply_migrations(connection: Connection) -> None:
    revisions: RevisionMap = RevisionMap(lambda: list(_revisions()))

    def missing_steps(current: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        missing = revisions.iterate_revisions("heads", current, implicit_base=True)
        return [
            MigrationStep.upgrade_from_script(revisions, script)
            for script in reversed(list(missing))
            if isinstance(script, Script)
        ]

    options = {"fn": missing_steps, "version_table_schema": "forecast", "transactional_ddl": True}
    MigrationContext.configure(connection, opts=options).run_migrations(connection=connection)


def _revisions() -> Iterator[Script]:
    """Each migration file as an Alembic revision: a module with its predecessor and its upgrade function."""
    previous = None
    for number, path in _files():
        module = ModuleType(path.stem)
        vars(module).update(down_revision=previous, revision=number, upgrade=_applier(path))
        yield Script(module, number, str(path))
        previous = number


def _applier(path: Path) -> Callable[[Connection], None]:
    def upgrade_by_file(connection: Connection) -> None:
        run_script(connection, path.read_text(encoding="utf-8"))

    return upgrade_by_file


def _make_views(connection: Connection) -> None:
    """Drops all views of schema bi and creates those of ``sql/views``.

    It fails if a view of another schema depends on one of them.
    """
    for row in fetch_rows(connection, "select viewname from pg_views where schemaname = 'bi' order by viewname"):
        execute(connection, f"drop view bi.{row['viewname']}")
    for path in sorted((SQL_DIR / "views").glob("*.sql")):
        run_script(connection, path.read_text(encoding="utf-8"))
