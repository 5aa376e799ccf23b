"""The queries of how good a ticker's forecasts were: by day, over windows, and level by level of its quantiles."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store.bars import upsert_bars
from include.store.engine import create_store_engine, transaction
from include.store.forecasts import matured_unscored, save_predictions, save_scores
from include.store.page_accuracy import read_calibration, read_daily, read_windows
from include.store.page_ticker import Days
from include.store.reader import Engine, create_reader_engine
from tests.support.rows import bars, predictions, scores, track

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
CLOSES = (100.0, 97.5, 103.5)
"""Closes of the bars that were forecast with quantiles 96 to 104, a unit apart, and median 100."""


@pytest.fixture(scope="module")
def page(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Engine]:
    """Three forecasts of the next bar, the last one refreshed, and one of another ticker that is never scored."""
    store = create_store_engine(module_database_url)
    with transaction(store) as connection:
        track(connection, "AAA", "BBB")
        for place, close in enumerate(CLOSES):
            made_at = NOW - timedelta(hours=30 - place, minutes=-30)
            night = {"is_refresh": True, "believed_price": 100.0, "believed_at": made_at} if place == 2 else {}
            save_predictions(connection, predictions(made_at, "AAA", **night).query("horizon == 1"))
            closed_at = made_at.replace(minute=0) + timedelta(hours=1)
            bar = bars([close], "AAA", known_at=closed_at)
            upsert_bars(connection, bar.assign(opened_at=closed_at - timedelta(hours=1), closed_at=closed_at))
        save_predictions(connection, predictions(NOW - timedelta(hours=9), "BBB"))
        save_scores(connection, scores(matured_unscored(connection, NOW), NOW))
    store.dispose()
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    yield engine
    engine.dispose()


def test_days_have_regular_and_refreshed_forecasts_apart(page: Engine) -> None:
    rows = read_daily(page, "AAA", 1, Days())
    counts = {is_refresh: sum(row["forecast_count"] for row in rows if row["is_refresh"] is is_refresh)
              for is_refresh in (False, True)}  # fmt: skip
    assert counts == {False: 2, True: 1}
    assert {row["mean_crps"] for row in rows} == {10.0}
    assert read_daily(page, "AAA", 2, Days()) == []
    assert read_daily(page, "AAA", 1, Days(NOW.date() + timedelta(days=1))) == []
    assert read_daily(page, "BBB", 1, Days()) == []


def test_windows_have_the_regular_forecasts_of_their_days(page: Engine) -> None:
    rows = {row["window_days"]: row for row in read_windows(page, "AAA")}
    assert list(rows)[-1] is None
    assert (rows[None]["forecast_count"], rows[None]["verdict"]) == (2, "too few days")
    assert rows[30]["coverage_90_ratio"] == 1.0
    assert read_windows(page, "BBB") == []


def test_calibration_counts_the_closes_below_each_quantile(page: Engine) -> None:
    rows = read_calibration(page, "AAA", 1, 90)
    observed = {row["quantile_level"]: (row["forecast_count"], row["below_count"]) for row in rows}
    assert observed == {
        0.025: (2, 0), 0.05: (2, 0), 0.1: (2, 1), 0.25: (2, 1), 0.5: (2, 1),
        0.75: (2, 2), 0.9: (2, 2), 0.95: (2, 2), 0.975: (2, 2),
    }  # fmt: skip
    assert [row["observed_ratio"] for row in rows][:3] == [0.0, 0.0, 0.5]
    assert [row["market_forecast_count"] for row in rows] == [2] * 9
    assert read_calibration(page, "BBB", 1, 90) == []
