"""Migrations: each once, all or nothing, the views anew, and the reader shut out of everything else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2
import pytest

from include.contracts import FEATURE_COLUMNS
from include.errors import DataContractError, SettingsError, StoreUnavailableError
from include.evaluation.promotion import SequentialTest
from include.local.postgres import HOURCAST_DATABASE, EmbeddedPostgres
from include.store import migrations
from include.store.app_rights import APP_ROLE, OWNER_ROLE
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
from include.store.migrations import SQL_DIR, migrate, schema_version, upgrade
from include.store.models import FINE_TUNE, FIRST_TRAINING, RESTART, find_versions
from include.store.tables import BASELINE_PREDICTION, MODEL_VERSION, PREDICTION, SCORE, Table
from tests.support.databases import fresh_database, plain_url, run_as_superuser
from tests.support.rows import at, bars, features, predictions, prices, track

pytestmark = pytest.mark.integration

KINDS = (FIRST_TRAINING, FINE_TUNE, RESTART)

REFRESH_COLUMNS = {"is_refresh", "believed_price", "believed_at", "reasons"}
"""Columns of a forecast that the migrations before 0016 do not have."""


@pytest.fixture
def engine(migrated_server: EmbeddedPostgres, database: str) -> Iterator[Engine]:
    """An engine with the rights that migrations have."""
    engine = create_store_engine(migrated_server.migration_url(database))
    yield engine
    engine.dispose()


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
        url = postgres_server.migration_url(name)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(migrate, [url, url]))

        engine = create_store_engine(url)
        assert "bar" in _names(engine, "forecast")
        engine.dispose()


def test_the_role_of_the_product_may_not_migrate_and_is_told_who_does(database_url: str) -> None:
    with pytest.raises(SettingsError, match=r"'hourcast_app' may write rows but not migrate .*`make run`"):
        migrate(database_url)


def test_an_address_of_the_role_that_owns_the_database_migrates_too(postgres_server: EmbeddedPostgres) -> None:
    with fresh_database(postgres_server, template="template0") as name:
        run_as_superuser(postgres_server, f"alter database {name} owner to {APP_ROLE}")
        migrate(postgres_server.url(APP_ROLE, name))
        migrate(postgres_server.url(APP_ROLE, name))


def test_a_database_of_a_newer_version_is_refused_and_left_alone(engine: Engine) -> None:
    with transaction(engine) as connection:
        execute(connection, "update forecast.alembic_version set version_num = '9999'")
    with pytest.raises(SettingsError, match=r"has the schema 9999, and this version .* Nothing was changed"):
        upgrade(engine)
    with transaction(engine) as connection:
        assert schema_version(connection) == "9999"
    assert "forecast" in _names(engine, "bi")


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


@pytest.fixture
def migrate_through(
    postgres_server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, Callable[[Connection], None]], Engine]]:
    """A function that migrates to before a migration, stores rows there, applies all others; the engine."""
    with ExitStack() as stack:

        def run(number: str, store: Callable[[Connection], None]) -> Engine:
            for folder in ("migrations", "views"):
                (tmp_path / folder).mkdir()
            for path in [path for path in (SQL_DIR / "migrations").glob("*.sql") if path.name < number]:
                (tmp_path / "migrations" / path.name).write_text(path.read_text(encoding="utf-8"))
            name = stack.enter_context(fresh_database(postgres_server, template="template0"))
            engine = create_store_engine(postgres_server.migration_url(name))
            stack.callback(engine.dispose)
            with monkeypatch.context() as patch:
                patch.setattr(migrations, "SQL_DIR", tmp_path)
                upgrade(engine)
            with transaction(engine) as connection:
                store(connection)
            upgrade(engine)
            return engine

        yield run


def test_what_was_stored_before_the_dividend_gap_gets_what_its_hour_would_have_stored(
    migrate_through: Callable[[str, Callable[[Connection], None]], Engine],
) -> None:
    engine = migrate_through("0008", _store_as_before_the_dividend_gap)

    with transaction(engine) as connection:
        rows = load_features(connection, ["AAPL"], at(5.5))
        later = load_features(connection, ["AAPL"], at(20))
        stored = load_dividends(connection, ["AAPL"], at(20))["AAPL"]
        scored = fetch_rows(connection, "select horizon, dividend_gap from forecast.score order by horizon")
    gap, late = pytest.approx(np.log(1 - 1 / 80), rel=1e-6), pytest.approx(np.log(1 - 1 / 90), rel=1e-6)
    assert rows["dividend_gap"].tolist() == [0, 0, 0, gap, 0]
    assert later["dividend_gap"].tolist() == [0, 0, 0, gap, 0, late]  # nothing that was not known then
    # the first backfill read one, dated by the feed's delay; hours read the others
    assert [item.known_at for item in stored] == [at(19), at(3) + timedelta(minutes=2), at(7)]
    assert [row["dividend_gap"] for row in scored] == [0, 0, 0, gap]


def _store_as_before_the_dividend_gap(connection: Connection) -> None:
    """Bars and features of a ticker onboarded after five of six, three dividends, scored forecasts over the second."""
    track(connection, "AAPL", as_of=at(5))
    upsert_bars(connection, bars([100.0, 100.0, 80.0, 90.0, 90.0]))
    upsert_bars(connection, bars([89.0], first=5, known_at=at(7)))
    old_names = {"written_by": "origin"}
    later = {"tail_width_factor", *REFRESH_COLUMNS}
    values = [old_names.get(name, name) for name in PREDICTION.values if name not in later]
    then = replace(PREDICTION, values=tuple(values))
    upsert(connection, then, rows_of(predictions(at(0.6)).rename(columns=old_names), then.columns))
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


OLD_TEST = {
    "origin": "m0",
    "counted_at": "2025-03-31T15:00:00+00:00",
    "line": 2,
    "bars": 17,
    "gains": [0.1, 1e-300, -2.5, 0.0],
    "alarms": [-0.1, 1 / 3, 0.0, 7.0],
    "balance": -0.1234567890123456,
    "is_proven": False,
}
"""The state of a sequential test under its names before migration 0011."""


def _store_as_before_the_new_names(connection: Connection) -> None:
    """A fine-tuned version with a test, a first training without one, a restart, and forecasts with old reasons."""
    names = [*MODEL_VERSION.keys, *MODEL_VERSION.values[:-1], "evidence"]
    table = replace(MODEL_VERSION, values=tuple(names[2:]))
    configs = ({"steps": 4}, {"steps": 4}, {"reason": "it lost against its origin"})
    for hour, kind, test, config in zip((1, 2, 3), KINDS, (None, OLD_TEST, OLD_TEST), configs, strict=True):
        row = (
            "AAPL",
            at(hour),
            f"m{hour}",
            "m0",
            kind,
            True,
            "a.safetensors",
            0,
            config,
            1,
            "c0de",
            9,
            None,
            0.5,
            test,
        )
        upsert(connection, table, [row])
    reasons = ("the model m1 answered nonsense for AAPL", "no model answered", "no model yet")
    names = [name for name in PREDICTION.values if name not in REFRESH_COLUMNS]
    values = tuple("origin" if name == "written_by" else name for name in names)
    for hour, reason in enumerate(reasons, start=1):
        rows = predictions(at(hour), is_fallback=True, fallback_reason=reason, written_by="onboarding")
        table = replace(PREDICTION, values=values)
        upsert(connection, table, rows_of(rows.rename(columns={"written_by": "origin"}), table.columns))


def test_the_new_names_keep_every_row_and_number(
    migrate_through: Callable[[str, Callable[[Connection], None]], Engine],
) -> None:
    engine = migrate_through("0011", _store_as_before_the_new_names)

    with transaction(engine) as connection:
        first, tuned, restart = (find_versions(connection, "AAPL", as_of=at(hour))[0] for hour in (1, 2, 3))
        rows = fetch_rows(connection, "select * from forecast.prediction_by_horizon where horizon = 7 order by as_of")
        seen = fetch_rows(connection, "select distinct origin, written_by from bi.forecast")
    assert (first.sequential_test, first.config) == (None, {"steps": 4})
    assert tuned.sequential_test is not None
    found = SequentialTest.from_dict(tuned.sequential_test)
    assert (found.reference, found.challenger_number, found.bar_count) == ("m0", 2, 17)
    assert (list(found.log_e_values), list(found.log_alarm_e_values)) == (OLD_TEST["gains"], OLD_TEST["alarms"])
    assert (found.total_score_difference, found.counted_at, found.is_proven) == (OLD_TEST["balance"], at(1), False)
    assert restart.config == {"reason": "it lost against its reference"}
    assert [row["fallback_reason"] for row in rows] == [
        "the model m1 gave quantiles that are no plausible log returns at AAPL",
        "no model gave a forecast",
        "no model yet",
    ]
    assert seen == [{"origin": "onboarding", "written_by": "onboarding"}]


BY_HORIZON = (
    ("prediction", "prediction_by_horizon", PREDICTION),
    ("baseline_prediction", "baseline_by_horizon", BASELINE_PREDICTION),
    ("score", "score_by_method", SCORE),
)
"""Tables before migration 0018, the views that show the same rows, and their keys and columns."""


def _stored(connection: Connection, name: str, table: Table) -> list[dict[str, object]]:
    query = f"select {', '.join(table.columns)} from forecast.{name} order by {', '.join(table.keys)}"
    return fetch_rows(connection, query)


def _store_by_horizon(connection: Connection) -> None:
    """Forecasts of all kinds with baselines and scores: a refresh, a fallback, one from before two width factors."""
    kinds: dict[float, dict[str, object]] = {
        0.6: {"model_version": "0123456789abcdef" * 4, "tail_width_factor": None, "width_factor": 1 / 3},
        1.6: {"is_refresh": True, "believed_price": 100.1, "believed_at": at(1.5), "last_close": 100.3},
        2.6: {"is_fallback": True, "fallback_reason": "no model", "model_version": None},
        3.6: {"reasons": [None, *[[{"kind": "night_price", "text": "'+1 %'"}]] * 6]},
    }
    for hour, changes in kinds.items():
        for ticker in ("MSFT", "AAPL"):
            forecasts = predictions(at(hour), ticker, **changes)
            har = prices(at(hour), ticker, median=100.2).assign(baseline="seasonal_har")
            walk = prices(at(hour), ticker).assign(baseline="random_walk")
            upsert(connection, PREDICTION, rows_of(forecasts, PREDICTION.columns))
            for rows in (walk, har)[: 1 if hour == 2.6 else 2]:
                upsert(connection, BASELINE_PREDICTION, rows_of(rows, BASELINE_PREDICTION.columns))
    for number, method in enumerate(("hourcast", "random_walk", "seasonal_har"), start=1):
        execute(
            connection,
            """
            insert into forecast.score
            select ticker, as_of, horizon, :method, last_close + 0.1, target_at, 0.1 * :number, horizon / 3.0, 1 / 7.0,
                mod(horizon, :number) = 0, mod(horizon, 2) = 0, mod(horizon, 3) = 0, true, target_at, -0.01, is_refresh
            from forecast.prediction where horizon < 4 and (not is_fallback or :method <> 'seasonal_har')
            """,
            {"method": method, "number": number},
        )


def test_forecasts_in_arrays_are_every_row_and_bit_that_was_stored_by_horizon(
    migrate_through: Callable[[str, Callable[[Connection], None]], Engine],
) -> None:
    before: dict[str, list[dict[str, object]]] = {}

    def store(connection: Connection) -> None:
        _store_by_horizon(connection)
        before.update({name: _stored(connection, name, table) for name, _, table in BY_HORIZON})

    engine = migrate_through("0018", store)

    with transaction(engine) as connection:
        after = {name: _stored(connection, view, table) for name, view, table in BY_HORIZON}
    assert [len(rows) for rows in after.values()] == [56, 98, 66]
    for row in before["score"]:
        row["pinball"] = pytest.approx(row["pinball"]) if row["method"] == "hourcast" else None
        row["absolute_error"] = row["absolute_error"] if row["method"] == "hourcast" else None
    for name, rows in before.items():
        assert after[name] == rows


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
        execute(connection, f"set local role {OWNER_ROLE}")
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
                "select * from filings.chunk",
                "select * from forecast.split",  # granted to all, for the function that the views use
                "select * from forecast.split_factor_between('AAPL', now(), now())",
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


def test_a_session_that_keeps_a_view_open_is_named_and_nothing_is_changed(engine: Engine) -> None:
    with engine.connect() as reader:
        assert fetch_rows(reader, "select ticker from bi.ticker_status") == []
        (process,) = fetch_rows(reader, "select pg_backend_pid() as id")
        with pytest.raises(StoreUnavailableError, match=r"within 1 s, because .*Nothing was changed") as caught:
            upgrade(engine, lock_seconds=1)
        assert f"(process {process['id']}, idle in transaction since" in str(caught.value)
    upgrade(engine, lock_seconds=1)
