"""Migrations: each once, all or nothing, the views anew, and the reader shut out of everything else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2
import pytest

from include.contracts import FEATURE_COLUMNS
from include.errors import DataContractError
from include.local.postgres import APP_ROLE, HOURCAST_DATABASE, EmbeddedPostgres
from include.store import migrations
from include.store.bars import upsert_bars
from include.store.dividends import load_dividends
from include.store.engine import (
    Connection,
    Engine,
    create_store_engine,
    execute,
    fetch_rows,
    rows_of,
    transaction,
    upsert,
)
from include.store.features import load_features
from include.store.migrations import SQL_DIR, migrate, upgrade
from include.store.tables import PREDICTION
from tests.support.databases import fresh_database, plain_url
from tests.support.rows import at, bars, features, predictions, track

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


def test_what_was_stored_before_the_dividend_gap_gets_what_its_hour_would_have_stored(
    postgres_server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "views").mkdir()
    for path in [path for path in (SQL_DIR / "migrations").glob("*.sql") if path.name < "0008"]:
        (tmp_path / "migrations" / path.name).write_text(path.read_text(encoding="utf-8"))
    with fresh_database(postgres_server, template="template0") as name:
        engine = create_store_engine(postgres_server.url(APP_ROLE, name))
        with monkeypatch.context() as patch:
            patch.setattr(migrations, "SQL_DIR", tmp_path)
            upgrade(engine)
        with transaction(engine) as connection:
            _store_as_before_the_dividend_gap(connection)
        upgrade(engine)

        with transaction(engine) as connection:
            rows = load_features(connection, ["AAPL"], at(5.5))
            later = load_features(connection, ["AAPL"], at(20))
            told = load_dividends(connection, ["AAPL"], at(20))["AAPL"]
            scored = fetch_rows(connection, "select horizon, dividend_gap from forecast.score order by horizon")
        engine.dispose()
    gap, late = pytest.approx(np.log(1 - 1 / 80), rel=1e-6), pytest.approx(np.log(1 - 1 / 90), rel=1e-6)
    assert rows["dividend_gap"].tolist() == [0, 0, 0, gap, 0]
    assert later["dividend_gap"].tolist() == [0, 0, 0, gap, 0, late]  # nothing that was not known then
    # one was told by the first backfill, before which nobody had looked; the others by hours
    assert [item.known_at for item in told] == [at(19), at(3) + timedelta(minutes=2), at(7)]
    assert [row["dividend_gap"] for row in scored] == [0, 0, 0, gap]


def _store_as_before_the_dividend_gap(connection: Connection) -> None:
    """Bars and features of a ticker onboarded after five of six, three dividends, scored forecasts over the second."""
    track(connection, "AAPL", as_of=at(5))
    upsert_bars(connection, bars([100.0, 100.0, 80.0, 90.0, 90.0]))
    upsert_bars(connection, bars([89.0], first=5, known_at=at(7)))
    then = replace(PREDICTION, values=tuple(name for name in PREDICTION.values if name != "tail_width_factor"))
    upsert(connection, then, rows_of(predictions(at(0.6)), then.columns))
    rows = features([0.0] * 5).drop(columns=["ticker", "dividend_gap"])
    moments = pd.concat([rows[["closed_at", "known_at"]], features([0.0], first=5, known_at=at(7))])
    zeros = ", ".join(["0"] * (len(FEATURE_COLUMNS) - 1))
    for closed_at, known_at in moments[["closed_at", "known_at"]].itertuples(index=False):
        execute(
            connection,
            f"insert into forecast.feature values ('AAPL', :closed_at, :known_at, {zeros})",
            {"closed_at": closed_at, "known_at": known_at},
        )
    for ex_at, known_at in ((at(3), at(5)), (at(5), at(7)), (at(1), at(19))):
        execute(
            connection,
            "insert into forecast.dividend values ('AAPL', :ex_at, 1, :known_at)",
            {"ex_at": ex_at, "known_at": known_at},
        )
    for horizon in (1, 2, 3, 4):
        execute(
            connection,
            "insert into forecast.score values "
            "('AAPL', :as_of, :horizon, 'hourcast', 90, :known_at, 1, 1, 1, true, true, true, true, :known_at)",
            {"as_of": at(0.6), "horizon": horizon, "known_at": at(5)},
        )


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
