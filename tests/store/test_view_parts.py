"""A view in months and tickers: all of its rows, each in one part, in the same order on every server."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from include.store.bars import upsert_bars
from include.store.engine import Connection, Engine, create_store_engine, fetch_rows, transaction
from include.store.export import read_table
from include.store.features import save_features
from include.store.forecasts import save_predictions
from include.store.migrations import SQL_DIR
from include.store.view_parts import begin_snapshot, find_view, list_parts, read_parts
from tests.support.databases import owner_url
from tests.support.rows import bars, features, predictions, track

pytestmark = pytest.mark.integration
END_OF_MARCH = datetime(2025, 3, 31, 23, 35, tzinfo=UTC)
VIEWS = sorted(path.stem for path in (SQL_DIR / "views").glob("*.sql"))


@pytest.fixture(scope="module")
def module_engine(module_database_url: str) -> Iterator[Engine]:
    """An engine that may make views."""
    engine = create_store_engine(owner_url(module_database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def stored(connection: Connection) -> Connection:
    """Bars, features and forecasts of two tickers around the end of March, and a ticker that is pending."""
    track(connection, "AAPL", "MSFT")
    upsert_bars(connection, pd.concat([bars([1.0] * 20, "MSFT"), bars([2.0] * 4, "AAPL")]))
    save_features(connection, features([1.0] * 4))
    for as_of in (END_OF_MARCH, END_OF_MARCH + timedelta(hours=1)):
        save_predictions(connection, predictions(as_of))
    return connection


def test_a_month_is_that_of_the_first_column_that_has_one(connection: Connection) -> None:
    columns = {name: getattr(find_view(connection, name), "month_column", None) for name in VIEWS}

    assert {name: columns[name] for name in ("bar", "feature", "forecast", "superset_forecast", "data_quality")} == {
        "bar": "closed_at",
        "feature": "closed_at",
        "forecast": "as_of",
        "superset_forecast": "closed_at",
        "data_quality": "day_exchange",
    }
    assert columns["accuracy"] is None
    assert find_view(connection, "bar; drop") is None


def test_months_begin_at_midnight_utc_and_name_their_tickers_in_order(stored: Connection) -> None:
    bar, forecast = find_view(stored, "bar"), find_view(stored, "forecast")
    assert bar is not None
    assert forecast is not None

    assert list_parts(stored, bar) == {"2025-03": ["AAPL", "MSFT"], "2025-04": ["MSFT"]}
    assert list_parts(stored, bar, ["2025-04", "2024-01"]) == {"2025-04": ["MSFT"]}
    assert list_parts(stored, bar, ["2025-02", "2025-05"]) == {}
    assert list_parts(stored, forecast) == {"2025-03": ["AAPL"], "2025-04": ["AAPL"]}
    (april,) = read_parts(stored, forecast, "2025-04", ["AAPL"])
    assert april.column("as_of").to_pylist() == [END_OF_MARCH + timedelta(hours=1)] * 7
    assert april.column("horizon").to_pylist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("name", VIEWS)
def test_the_parts_of_every_view_together_are_the_view(stored: Connection, name: str) -> None:
    view = find_view(stored, name)
    assert view is not None

    parts = {
        month: list(read_parts(stored, view, month, tickers)) for month, tickers in list_parts(stored, view).items()
    }

    tables = [table for group in parts.values() for table in group]
    assert sum(table.num_rows for table in tables) == read_table(stored, f"select * from bi.{name}").num_rows
    assert all(table.num_rows for table in tables)
    for table in tables:
        assert [field.metadata[b"comment"].decode() for field in table.schema] == list(view.comments.values())


def test_a_row_without_a_time_is_in_a_part_of_its_own(stored: Connection) -> None:
    track(stored, "NEW")
    stored.exec_driver_sql(
        "create view bi.last_bar as select ticker.ticker, max(closed_at) as closed_at from forecast.ticker "
        "left join forecast.bar using (ticker) group by 1"
    )
    view = find_view(stored, "last_bar")
    assert view is not None

    assert list_parts(stored, view) == {"2025-03": ["AAPL"], "2025-04": ["MSFT"], None: ["NEW"]}
    (table,) = read_parts(stored, view, None, ["NEW"])
    assert table.to_pylist() == [{"ticker": "NEW", "closed_at": None}]


def test_a_view_by_day_and_without_tickers_has_months_too(connection: Connection) -> None:
    connection.exec_driver_sql(
        "create view bi.by_day as select day::date as day, '[1]'::json as words from "
        "generate_series('2025-03-30'::date, '2025-04-02', '1 day') as day"
    )
    view = find_view(connection, "by_day")
    assert view is not None

    assert list_parts(connection, view) == {"2025-03": [None], "2025-04": [None]}
    (table,) = read_parts(connection, view, "2025-03", [None])
    assert table.column("day").to_pylist() == [date(2025, 3, 30), date(2025, 3, 31)]


def test_a_feature_row_that_a_newer_one_replaced_is_not_in_the_view(stored: Connection) -> None:
    later = datetime(2025, 4, 2, tzinfo=UTC)
    save_features(stored, features([5.0], known_at=later))

    rows = fetch_rows(stored, "select known_at, log_return_1 from bi.feature order by closed_at")

    assert len(rows) == 4
    assert (rows[0]["known_at"], rows[0]["log_return_1"]) == (later, 5.0)


def test_a_snapshot_does_not_see_later_rows_and_cannot_write(engine: Engine) -> None:
    with transaction(engine) as reading:
        begin_snapshot(reading)
        assert fetch_rows(reading, "select * from bi.bar") == []
        with transaction(engine) as writing:
            track(writing, "AAPL")
            upsert_bars(writing, bars([1.0]))
        assert fetch_rows(reading, "select * from bi.bar") == []
        assert fetch_rows(reading, "show transaction_read_only") == [{"transaction_read_only": "on"}]
