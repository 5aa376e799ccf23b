"""Brings a database to this version's schema: numbered SQL files once each, in order; then every view anew.

Alembic keeps count of the files of ``sql/migrations`` (in ``forecast.alembic_version``); there are no Python
revisions, the SQL is the truth. Views hold no data, so the files of ``sql/views`` are simply made again. All of it is
one transaction behind a lock: two processes that migrate at once do it once, and a failure leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script.base import Script
from alembic.script.revision import RevisionMap

from include.store.engine import Connection, Engine, create_store_engine, execute, fetch_rows, run_script, transaction

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
READER_ROLE = "bi_reader"
"""The role of BI tools, where the database has one; it may read schema bi and nothing else."""

_LOCK = 4_801_967_321
"""Any number, the same in every process that migrates."""


def migrate(url: str) -> None:
    """Brings the database at ``url`` up to date; does nothing that was done before."""
    engine = create_store_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def upgrade(engine: Engine) -> None:
    """Applies the migrations that are missing, makes the views anew, and lets the reader read them."""
    with transaction(engine) as connection:
        execute(connection, "select pg_advisory_xact_lock(:number)", {"number": _LOCK})
        execute(connection, "create schema if not exists forecast")
        _apply_migrations(connection)
        _make_views(connection)
        if fetch_rows(connection, "select 1 from pg_roles where rolname = :role", {"role": READER_ROLE}):
            grant_reader(connection, READER_ROLE)


def grant_reader(connection: Connection, reader_role: str) -> None:
    """Lets a role read every view of schema bi, and no table."""
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
    """Each migration file as Alembic sees one: a module with its predecessor and how to apply it."""
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
    """Drops every view of schema bi and makes those that have a file; a view of somebody else's on top refuses it."""
    for row in fetch_rows(connection, "select viewname from pg_views where schemaname = 'bi' order by viewname"):
        execute(connection, f"drop view bi.{row['viewname']}")
    for path in sorted((SQL_DIR / "views").glob("*.sql")):
        run_script(connection, path.read_text(encoding="utf-8"))
