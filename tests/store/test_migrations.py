"""Migrations: each once, all or nothing, the views anew, and the reader shut out of everything else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from include.errors import DataContractError
from include.local.postgres import APP_ROLE, HOURCAST_DATABASE, EmbeddedPostgres
from include.store import migrations
from include.store.engine import Engine, create_store_engine, execute, fetch_rows, transaction
from include.store.migrations import SQL_DIR, migrate, upgrade
from tests.support.databases import fresh_database, plain_url

pytestmark = pytest.mark.integration


def _names(engine: Engine, schema: str) -> list[str]:
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            "select table_name from information_schema.tables where table_schema = :schema order by 1",
            {"schema": schema},
        )
    return [row["table_name"] for row in rows]


def test_migrating_twice_equals_migrating_once(engine: Engine) -> None:
    before = _names(engine, "forecast"), _names(engine, "bi")

    upgrade(engine)

    assert (_names(engine, "forecast"), _names(engine, "bi")) == before


def test_every_migration_and_every_view_file_is_applied(engine: Engine) -> None:
    numbers = [path.stem.partition("_")[0] for path in sorted((SQL_DIR / "migrations").glob("*.sql"))]
    views = sorted(path.stem for path in (SQL_DIR / "views").glob("*.sql"))

    with transaction(engine) as connection:
        applied = fetch_rows(connection, "select version_num from forecast.alembic_version")

    assert [row["version_num"] for row in applied] == [numbers[-1]]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
    assert _names(engine, "bi") == views


def test_two_that_migrate_at_once_do_it_once(postgres_server: EmbeddedPostgres) -> None:
    with fresh_database(postgres_server, template="template0") as name:
        url = postgres_server.url(APP_ROLE, name)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(migrate, [url, url]))

        engine = create_store_engine(url)
        assert "bar" in _names(engine, "forecast")
        engine.dispose()


def test_only_the_missing_migrations_are_applied(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "views").mkdir()
    for path in (SQL_DIR / "migrations").glob("*.sql"):
        (tmp_path / "migrations" / path.name).write_text("this was applied already and must not run again")
    (tmp_path / "migrations" / "9999_more.sql").write_text("create table forecast.more (share text default '5 %');")
    monkeypatch.setattr(migrations, "SQL_DIR", tmp_path)

    upgrade(engine)

    assert "more" in _names(engine, "forecast")


def test_a_migration_that_fails_leaves_nothing_half_done(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "views").mkdir()
    for path in (SQL_DIR / "migrations").glob("*.sql"):
        (tmp_path / "migrations" / path.name).write_text("")
    (tmp_path / "migrations" / "9998_good.sql").write_text("create table forecast.more (x integer);")
    (tmp_path / "migrations" / "9999_bad.sql").write_text("insert into forecast.ticker (ticker) values (null);")
    monkeypatch.setattr(migrations, "SQL_DIR", tmp_path)

    with pytest.raises(DataContractError):
        upgrade(engine)

    assert "more" not in _names(engine, "forecast")
    assert _names(engine, "bi") != []


def test_a_view_without_a_file_goes(engine: Engine) -> None:
    with transaction(engine) as connection:
        execute(connection, "create view bi.leftover as select 1 as one")

    upgrade(engine)

    assert "leftover" not in _names(engine, "bi")


def test_the_reader_reads_every_view_and_nothing_else(engine: Engine, reader_url: str) -> None:
    upgrade(engine)  # also after the views were made anew
    reader = psycopg2.connect(plain_url(reader_url))
    reader.autocommit = True
    try:
        with reader.cursor() as cursor:
            for view in _names(engine, "bi"):
                cursor.execute(f"select * from bi.{view} limit 1")
            cursor.execute("set default_transaction_read_only = off")  # anybody may; it must not help
            for refused in (
                "select * from forecast.bar",
                "select * from forecast.bars_known_at(now())",
                "delete from forecast.bar",
                "create table bi.mine (x integer)",
                "create table public.mine (x integer)",
                "create temporary table mine (x integer)",
                "create schema mine",
            ):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(refused)
    finally:
        reader.close()


def test_the_template_of_all_tests_is_left_as_it_was_migrated(migrated_server: EmbeddedPostgres) -> None:
    engine = create_store_engine(migrated_server.url(APP_ROLE, HOURCAST_DATABASE))
    with transaction(engine) as connection:
        assert fetch_rows(connection, "select * from forecast.ticker") == []
    engine.dispose()
