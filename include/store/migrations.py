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

from include.errors import StoreUnavailableError
from include.store.accuracy import count_if_empty
from include.store.engine import Connection, Engine, create_store_engine, execute, fetch_rows, run_script, transaction

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
READER_ROLE = "bi_reader"
"""The role of BI tools, which may read schema bi and nothing else; a database may be without it."""

_LOCK = 4_801_967_321
"""Key of the advisory lock for migrations: any number that is the same in all processes."""


LOCK_SECONDS = 90
"""How long a migration waits for sessions that use its tables; a reader's open transaction is ended before that."""


def migrate(url: str) -> None:
    """Applies the missing migrations to the database at ``url`` and creates its views.

    Raises:
        StoreUnavailableError: another session has used the tables for ``LOCK_SECONDS``, or Postgres is not available.
    """
    engine = create_store_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def upgrade(engine: Engine, lock_seconds: int = LOCK_SECONDS) -> None:
    """Applies the missing migrations, creates the views, and grants them to the reader role if it exists.

    Raises:
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
        execute(connection, "create schema if not exists forecast")
        _apply_migrations(connection)
        count_if_empty(connection)
        _make_views(connection)
        if fetch_rows(connection, "select 1 from pg_roles where rolname = :role", {"role": READER_ROLE}):
            grant_reader(connection, READER_ROLE)


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
    """Grants a role every view of schema bi, and takes schema forecast from it."""
    role = connection.dialect.identifier_preparer.quote(reader_role)
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
    for path in sorted((SQL_DIR / "migrations").glob("*.sql")):
        module = ModuleType(path.stem)
        number = path.stem.partition("_")[0]
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
