"""The accelerated clock of the soak: what an hour leaves behind gets the time that it would have."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bench.soak.product import DATED_BACK, FIRST_HOUR, Product, environment_of, real_time
from include.local.airflow_api import AirflowApi
from include.local.paths import LocalPaths
from include.settings import load_settings
from include.store.engine import create_store_engine, execute, fetch_rows, transaction
from tests.support.databases import owner_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Airflow's tables, as far as they are dated back."""
    engine = create_store_engine(owner_url(database_url))
    with transaction(engine) as connection:
        for table, columns in DATED_BACK.items():
            execute(connection, f"create table {table} ({', '.join(f'{column} timestamptz' for column in columns)})")
    yield engine
    engine.dispose()


def product_of(engine: Engine, folder: Path) -> Product:
    paths = LocalPaths(folder)
    return Product(paths, folder / "models", AirflowApi("http://127.0.0.1:9", "admin", ""), engine, engine)


@pytest.mark.integration
def test_rows_of_an_hour_are_dated_back_and_older_ones_stay(engine: Engine, tmp_path: Path) -> None:
    began_at = real_time()
    old, new = began_at - timedelta(hours=1), began_at + timedelta(milliseconds=1)
    for table, columns in DATED_BACK.items():
        with transaction(engine) as connection:
            for moment in (old, new):
                values = dict.fromkeys(columns, moment)
                names = ", ".join(f":{column}" for column in columns)
                execute(connection, f"insert into {table} values ({names})", values)
    product_of(engine, tmp_path).date_back(began_at, FIRST_HOUR)
    for table, columns in DATED_BACK.items():
        with transaction(engine) as connection:
            rows = fetch_rows(connection, f"select * from {table} order by {columns[0]}")
        assert [row[columns[-1]] for row in rows][1] == old
        assert abs(rows[0][columns[-1]] - FIRST_HOUR) < timedelta(minutes=1)


@pytest.mark.integration
def test_files_of_an_hour_are_dated_back_and_older_ones_stay(engine: Engine, tmp_path: Path) -> None:
    old, new = tmp_path / "logs" / "tasks" / "old.log", tmp_path / "models" / "new.safetensors"
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.touch()
    began_at = real_time()
    os.utime(old, (began_at.timestamp() - 60, began_at.timestamp() - 60))
    os.utime(new, (began_at.timestamp() + 1, began_at.timestamp() + 1))
    product_of(engine, tmp_path).date_back(began_at, FIRST_HOUR)
    assert datetime.fromtimestamp(new.stat().st_mtime, UTC) == FIRST_HOUR
    assert old.stat().st_mtime == pytest.approx(began_at.timestamp() - 60, abs=0.01)


def test_each_table_is_dated_back_by_the_time_that_airflows_clean_up_looks_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    from airflow.utils.db_cleanup import config_dict

    assert {table: columns[0] for table, columns in DATED_BACK.items()} == {
        table: config_dict[table].recency_column_name for table in DATED_BACK
    }


def test_a_soak_has_settings_of_its_own_only(tmp_path: Path) -> None:
    found = environment_of({"HOURCAST_SEED": "7", "AIRFLOW_HOME": "/elsewhere", "LANG": "C"}, tmp_path)
    settings = load_settings(found)
    assert found["LANG"] == "C"
    assert "AIRFLOW_HOME" not in found
    assert settings.model.seed == load_settings({}).model.seed
    assert settings.local.local_dir == tmp_path
    assert settings.store.airflow_retention_days == settings.model.model_retention_days == 1
