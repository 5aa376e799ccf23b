"""``make backup`` and ``make restore`` over real installations without Airflow."""

import re
from pathlib import Path

import pytest

from include.local.postgres import HOURCAST_DATABASE, EmbeddedPostgres
from include.store.app_rights import APP_ROLE
from include.store.engine import create_store_engine, execute, fetch_rows, transaction
from include.store.migrations import migrate
from tests.local.test___main__ import launch
from tests.support.databases import FAST_OPTIONS, TEST_PORT


def test_without_a_database_there_is_nothing_to_save(tmp_path: Path) -> None:
    done = launch(tmp_path / "local", "backup", HOURCAST_BACKUP_DIR=str(tmp_path / "backups"))
    assert done.returncode == 1
    assert "make run" in done.stderr
    assert not (tmp_path / "backups").exists()


def test_without_a_backup_nothing_is_restored(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = launch(tmp_path / "local", "restore", HOURCAST_BACKUP_DIR=str(tmp_path / "backups"))
    assert done.returncode == 1
    assert "has no backup" in done.stderr


@pytest.mark.integration
def test_what_one_installation_saves_another_restores(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    given = {"HOURCAST_BACKUP_DIR": str(tmp_path / "backups"), "HOURCAST_POSTGRES_PORT": str(TEST_PORT)}
    first = EmbeddedPostgres(tmp_path / "first", TEST_PORT, FAST_OPTIONS)
    first.start()
    try:
        migrate(first.migration_url())
        engine = create_store_engine(first.url(APP_ROLE, HOURCAST_DATABASE))
        with transaction(engine) as connection:
            execute(connection, "insert into forecast.planned_hour (as_of) values ('2025-03-31T15:35Z')")
        engine.dispose()
    finally:
        first.stop()

    made = launch(tmp_path / "first", "backup", **given)
    assert made.returncode == 0, made.stderr
    assert re.search(r"Backup +.*/backups/20", made.stdout)
    assert not first.is_ready(), "it was stopped before, so it is stopped again"

    done = launch(tmp_path / "second", "restore", **given)
    assert done.returncode == 0, done.stderr
    assert "0 of 0 forecasts have the same bits" in done.stdout
    second = EmbeddedPostgres(tmp_path / "second", TEST_PORT, FAST_OPTIONS)
    second.start()
    try:
        engine = create_store_engine(second.url(APP_ROLE, HOURCAST_DATABASE))
        with transaction(engine) as connection:
            assert len(fetch_rows(connection, "select from forecast.planned_hour")) == 1
        engine.dispose()
    finally:
        second.stop()
