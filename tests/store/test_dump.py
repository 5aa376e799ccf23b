"""The schema as one file and back, between two databases of one server."""

from pathlib import Path

import pytest

from include.errors import SettingsError, StoreUnavailableError
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store.app_rights import APP_ROLE
from include.store.dump import dump_database, restore_database, row_counts
from include.store.engine import create_store_engine, execute, fetch_rows, transaction
from include.store.migrations import migrate
from tests.support.databases import fresh_database

pytestmark = pytest.mark.integration

ROW = "insert into forecast.planned_hour (as_of) values ('2025-03-31T15:35Z')"
COMPANY = "insert into filings.company values ('edgar', '0000000001', 'Nova', '{}')"
TICKER = (
    "insert into forecast.ticker (ticker, source, history_days, status, status_at) "
    "values ('AAPL', 'yahoo', 1, 'pending', now())"
)


def run(url: str, *statements: str) -> None:
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        for statement in statements:
            execute(connection, statement)
    engine.dispose()


def counts(url: str) -> dict[str, int]:
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        found = row_counts(connection)
    engine.dispose()
    return {name: count for name, count in found.items() if count and name != "alembic_version"}


def test_the_products_role_dumps_and_the_owner_restores_with_rights_and_views(
    migrated_server: EmbeddedPostgres, database_url: str, tmp_path: Path
) -> None:
    run(database_url, ROW, COMPANY)
    dump_database(database_url, tmp_path / "database.dump")
    with fresh_database(migrated_server) as name:
        owner = migrated_server.migration_url(name)
        restore_database(owner, tmp_path / "database.dump")
        migrate(owner)
        app = migrated_server.url(APP_ROLE, name)
        assert counts(app) == {"planned_hour": 1}
        run(app, "delete from forecast.planned_hour", "select count(*) from bi.forecast")
        run(app, COMPANY.replace("edgar", "dart"), "select 1 / (count(*) - 1) from filings.company")
        views = ("forecast", "latest_forecast", "forecast_interval", "superset_forecast", "event", "data_quality")
        run(migrated_server.url(READER_ROLE, name), *(f"select * from bi.{view} limit 1" for view in views))


def test_a_database_with_a_ticker_is_refused_and_left_alone(
    migrated_server: EmbeddedPostgres, database: str, database_url: str, tmp_path: Path
) -> None:
    dump_database(database_url, tmp_path / "database.dump")
    run(database_url, TICKER)
    with pytest.raises(SettingsError, match=r"has tickers already.*make clean"):
        restore_database(migrated_server.migration_url(database), tmp_path / "database.dump")
    assert counts(database_url) == {"ticker": 1}


def test_a_truncated_dump_leaves_an_empty_database_into_which_a_whole_one_goes(
    migrated_server: EmbeddedPostgres, database: str, database_url: str, tmp_path: Path
) -> None:
    run(database_url, ROW)
    dump_database(database_url, tmp_path / "database.dump")
    (tmp_path / "short.dump").write_bytes((tmp_path / "database.dump").read_bytes()[:-4000])
    owner = migrated_server.migration_url(database)
    with pytest.raises(StoreUnavailableError, match="pg_restore failed"):
        restore_database(owner, tmp_path / "short.dump")
    engine = create_store_engine(owner)
    with transaction(engine) as connection:
        assert fetch_rows(connection, "select from pg_tables where schemaname = 'forecast'") == []
    engine.dispose()
    restore_database(owner, tmp_path / "database.dump")
    assert counts(owner) == {"planned_hour": 1}


def test_the_password_is_no_argument_and_a_wrong_one_is_an_error_without_it(
    migrated_server: EmbeddedPostgres, database_url: str, tmp_path: Path
) -> None:
    wrong = database_url.replace(":", ":no-such-secret", 2).replace(":no-such-secret", ":", 1)
    with pytest.raises(StoreUnavailableError) as caught:
        dump_database(wrong, tmp_path / "database.dump")
    assert "no-such-secret" not in str(caught.value)
    assert "password authentication failed" in str(caught.value)
