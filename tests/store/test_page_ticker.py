"""The queries of a ticker's page: only rows of that ticker and period, in their order, with what belongs together."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from include.contracts import OutcomeStatus
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store import registry
from include.store.bars import upsert_bars
from include.store.engine import create_store_engine, execute, transaction
from include.store.forecasts import save_predictions
from include.store.models import save_model_versions
from include.store.page_hours import OutcomeQuery, read_hour_outcomes, read_hours
from include.store.page_ticker import (
    Days,
    Period,
    read_bars,
    read_events,
    read_forecasts,
    read_outcomes,
    read_quality,
    read_versions,
)
from include.store.reader import Engine, create_reader_engine
from tests.support.rows import at, bars, predictions, track, version

pytestmark = pytest.mark.integration

EVERYTHING = Period(100)
MARCH = Days(date(2025, 3, 1), date(2025, 4, 30))
ANNOUNCED = [{"kind": "announcement", "text": "Rate decision"}]
TEXT = "Rate decision"


@pytest.fixture(scope="module")
def page(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Engine]:
    """Two tickers with the same hours, of which BBB must never show in the page of AAA."""
    store = create_store_engine(module_database_url)
    with transaction(store) as connection:
        track(connection, "AAA", "BBB")
        for ticker in ("AAA", "BBB"):
            upsert_bars(connection, bars([1.0, 2.0, 3.0, 4.0], ticker))
            for hour in (1.6, 2.6, 3.6):
                save_predictions(connection, predictions(at(hour), ticker))
            night = {"is_refresh": True, "believed_price": 5.0, "believed_at": at(4.5), "reasons": [ANNOUNCED] * 7}
            save_predictions(connection, predictions(at(4.6), ticker, **night))
            save_model_versions(connection, [version(at(hour), ticker, f"m{hour}", row=hour) for hour in (1, 2)])
        for hour in (1, 2, 3):
            registry.plan_hour(connection, at(hour), 1, 1)
            registry.record_outcomes(connection, at(hour), {"AAA": (OutcomeStatus.SKIPPED, f"reason {hour}")})
        execute(
            connection,
            "insert into forecast.dividend (ticker, ex_at, known_at, amount) "
            "values ('BBB', :ex_at, :ex_at, 1), ('AAA', :ex_at, :ex_at, 2)",
            {"ex_at": at(2)},
        )
    store.dispose()
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    yield engine
    engine.dispose()


def test_bars_are_the_newest_of_the_period_oldest_first(page: Engine) -> None:
    assert [row["close"] for row in read_bars(page, "AAA", EVERYTHING)] == [1.0, 2.0, 3.0, 4.0]
    assert [row["close"] for row in read_bars(page, "AAA", Period(2, None, at(3)))] == [2.0, 3.0]
    assert [row["close"] for row in read_bars(page, "AAA", Period(9, at(2), at(3)))] == [2.0, 3.0]
    assert read_bars(page, "NONE", EVERYTHING) == []


def test_forecasts_are_the_newest_of_the_period_with_their_bars(page: Engine) -> None:
    newest, *others = read_forecasts(page, "AAA", EVERYTHING)
    assert (newest["as_of"], newest["is_refresh"], newest["believed_price"]) == (at(4.6), True, 5.0)
    assert [row["as_of"] for row in others] == [at(3.6), at(2.6), at(1.6)]
    assert [bar["horizon"] for bar in newest["bars"]] == list(range(1, 8))
    limited = read_forecasts(page, "AAA", Period(2, None, at(3.6)))
    assert [row["as_of"] for row in limited] == [at(3.6), at(2.6)]
    assert [row["as_of"] for row in read_forecasts(page, "AAA", Period(9, at(2), at(3)))] == [at(2.6)]


def test_one_horizon_of_forecasts_is_one_bar_each(page: Engine) -> None:
    assert [[bar["horizon"] for bar in row["bars"]] for row in read_forecasts(page, "AAA", Period(2), 4)] == [[4], [4]]


def test_outcomes_are_the_newest_first(page: Engine) -> None:
    assert [row["reason"] for row in read_outcomes(page, "AAA", 2)] == ["reason 3", "reason 2"]


def test_an_announcement_is_placed_at_the_first_bar_that_spans_it(page: Engine) -> None:
    dividend, announcement = sorted(read_events(page, "AAA", MARCH, 10), key=lambda row: str(row["kind"]), reverse=True)
    assert (dividend["kind"], dividend["amount"], dividend["day_exchange"]) == ("dividend", 2.0, date(2025, 3, 31))
    assert (announcement["description"], announcement["effective_at"]) == (TEXT, at(5))


def test_events_beyond_the_days_are_left_out(page: Engine) -> None:
    assert read_events(page, "AAA", Days(date(2025, 4, 1), date(2025, 4, 2)), 10) == []
    assert read_events(page, "AAA", Days(), 10) == []


def test_without_days_the_last_thirty_count(page: Engine, module_database_url: str) -> None:
    store = create_store_engine(module_database_url)
    now = datetime.now(UTC)
    with transaction(store) as connection:
        for days in (-40, -20, 20, 40):
            execute(
                connection,
                "insert into forecast.dividend (ticker, ex_at, known_at, amount) values ('BBB', :ex_at, :ex_at, 1)",
                {"ex_at": now + timedelta(days=days)},
            )
    store.dispose()
    assert len(read_events(page, "BBB", Days(), 10)) == 2


def test_versions_are_the_newest_of_the_ticker(page: Engine) -> None:
    assert [row["model_version"] for row in read_versions(page, "AAA", Period(9), is_promoted=False)] == ["m2", "m1"]
    assert [row["model_version"] for row in read_versions(page, "AAA", Period(1), is_promoted=True)] == ["m2"]
    assert [row["model_version"] for row in read_versions(page, "AAA", Period(9, None, at(1)), is_promoted=True)] == [
        "m1"
    ]


def test_quality_is_by_day_of_the_exchange(page: Engine) -> None:
    (day,) = read_quality(page, "AAA", MARCH)
    assert (day["day_exchange"], day["bar_count"], day["expected_count"]) == (date(2025, 3, 31), 4, None)


def test_hours_and_their_outcomes_are_paged(page: Engine) -> None:
    assert [row["as_of"] for row in read_hours(page, 2)] == [at(3), at(2)]
    assert [row["as_of"] for row in read_hours(page, 9, at(1))] == [at(1)]
    rows, count = read_hour_outcomes(page, OutcomeQuery(at(3), page=2, page_size=1))
    assert ([row["ticker"] for row in rows], count) == (["AAA"], 2)
    rows, count = read_hour_outcomes(page, OutcomeQuery(at(3), status="skipped"))
    assert ([row["ticker"] for row in rows], count) == (["AAA"], 1)
    assert read_hour_outcomes(page, OutcomeQuery(at(9))) == ([], 0)
