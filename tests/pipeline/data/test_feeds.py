"""Closing bars that a feed never serves: found in the ticker's bars, not requested, not late, not missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from include.contracts import TickerProfile
from include.market import sessions
from include.market.closings import Closing
from include.pipeline.data import due, feeds, freshness
from include.store import registry
from include.store.bars import upsert_bars
from include.store.engine import transaction
from tests.support.products import AT, HOUR, NEW_YORK, Product

pytestmark = pytest.mark.integration

(ALFA,) = NEW_YORK
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
CLOSED = AT.replace(hour=20, minute=5)
"""After New York's last bar, 19:30 to 20:00 UTC."""
NOTE = "the feed never serves bar 7 of sessions with 7 bars"


def closings(since: datetime, until: datetime) -> set[datetime]:
    """When New York's last bars close."""
    grid = sessions.bar_grid("XNYS", since, until)
    return set(grid.loc[grid["minutes_to_close"] == 0, "closed_at"])


@pytest.fixture
def lacking(product: Product) -> Product:
    """A product with one ticker, whose closing bars its source never serves."""
    product.market.missing[ALFA] = closings(AT - 100 * DAY, AT + 30 * DAY)
    product.onboard(ALFA)
    return product


def outcome(product: Product, as_of: datetime) -> tuple[Any, ...]:
    (row,) = product.query("select status, reason from forecast.outcome where as_of = %s", as_of)
    return row


def days(product: Product) -> dict[Any, tuple[int, int]]:
    """Bars due and bars missing by day of March or April."""
    rows = product.query("select day_exchange, expected_count, missing_count from bi.data_quality order by 1")
    return {(day.month, day.day): (expected, missing) for day, expected, missing in rows}


def test_a_closing_that_is_never_served_is_neither_requested_nor_late_nor_missing(lacking: Product) -> None:
    assert lacking.run_hour(CLOSED - HOUR / 2) == {"forecast": 1}
    asked = len(lacking.market.asked)

    assert lacking.run_hour(CLOSED) == {"skipped": 1}
    assert len(lacking.market.asked) == asked
    assert outcome(lacking, CLOSED) == ("skipped", f"no new closed bar since 2025-03-31T19:30:00+00:00; {NOTE}")
    assert lacking.query("select status from forecast.ticker") == [("active",)]

    lacking.run_hour(CLOSED + 16 * HOUR)  # 12:05 in New York on the next day
    assert {day: days(lacking)[day] for day in ((3, 27), (3, 28), (3, 31))} == dict.fromkeys(
        ((3, 27), (3, 28), (3, 31)), (6, 0)
    )


def test_a_closing_that_is_served_again_is_requested_from_the_next_day_on(lacking: Product) -> None:
    lacking.run_hour(CLOSED - HOUR / 2)
    lacking.market.missing[ALFA] = closings(AT - 100 * DAY, AT)  # 31 March has it, and every day from then on
    lacking.run_hour(CLOSED)
    asked = len(lacking.market.asked)
    lacking.run_hour(CLOSED + DAY - 5 * HOUR)  # the first hour of 1 April brings the closing of 31 March
    assert len(lacking.market.asked) == asked + 1
    lacking.run_hour(CLOSED + DAY)

    assert outcome(lacking, CLOSED + DAY) == ("forecast", None)
    assert len(lacking.market.asked) == asked + 2
    assert days(lacking)[4, 1] == (7, 0)
    assert days(lacking)[3, 31] == (7, 0)


def test_what_is_due_in_an_hour_does_not_change_with_bars_that_later_hours_bring(lacking: Product) -> None:
    with transaction(lacking.services.engine) as connection:
        profiles = [item.profile for item in registry.get_tickers(connection) if item.profile]
    lacking.run_hour(CLOSED - HOUR / 2)
    assert due.due_requests(lacking.services, profiles, CLOSED) == []
    lacking.market.missing[ALFA] = closings(AT - 100 * DAY, AT)
    lacking.run_hour(CLOSED + DAY - 5 * HOUR)
    assert due.due_requests(lacking.services, profiles, CLOSED + DAY) != []
    assert due.due_requests(lacking.services, profiles, CLOSED) == []


def test_what_is_due_in_an_hour_does_not_change_with_the_bars_that_it_brings_itself(lacking: Product) -> None:
    """A retry of an hour that stored its bars and then broke off plans as the hour did."""
    with transaction(lacking.services.engine) as connection:
        profiles = [item.profile for item in registry.get_tickers(connection) if item.profile]
    morning = CLOSED + DAY - 5 * HOUR
    lacking.market.missing[ALFA] = closings(AT - 100 * DAY, AT)
    lacking.run_hour(morning)

    with transaction(lacking.services.engine) as connection:
        (before,) = feeds.feeds_at(connection, profiles, morning - INSTANT).values()
        (after,) = feeds.feeds_at(connection, profiles, morning).values()
    assert before.unserved == {Closing(7, 6)}
    assert after.unserved == set()


def test_an_older_hour_that_is_run_again_leaves_the_days_of_later_ones(lacking: Product) -> None:
    for hours in (1, 2, 5, 21):
        lacking.run_hour(AT + hours * HOUR)
    lacking.query(
        "update forecast.outcome set stage = 'planned', status = 'planned' where as_of = %s; commit", AT + HOUR
    )
    stored = lacking.checksum(["expected_day", "bar", "bar_revision", "prediction"])
    lacking.run_hour(AT + HOUR)
    assert lacking.checksum(["expected_day", "bar", "bar_revision", "prediction"]) == stored


def test_known_closings_are_those_of_the_source(product: Product) -> None:
    profiles = [
        TickerProfile(source.upper(), source, "XNYS", "America/New_York", None, None, 2)
        for source in ("yahoo", "files")
    ]
    with transaction(product.services.engine) as connection:
        found = feeds.feeds_at(connection, profiles, AT)
    assert found["YAHOO"].unserved == {Closing(4, 3)}
    assert found["FILES"].unserved == set()
    assert found["FILES"].describe() is None
    assert found["YAHOO"].describe() == "the feed never serves bar 4 of sessions with 4 bars"


def test_a_holiday_that_was_not_published_leaves_the_days_that_count(product: Product) -> None:
    """Shanghai's holidays are published until 2026; a day of 2027 without a bar is one once a later bar is there."""
    profile = TickerProfile("600519.SS", "yahoo", "XSHG", "Asia/Shanghai", None, None, 20)
    monday = datetime(2027, 2, 1, tzinfo=UTC)
    grid = sessions.bar_grid("XSHG", monday - 30 * DAY, monday + 5 * DAY)
    stored = grid.loc[grid["opened_at"].dt.day != 3, ["opened_at", "closed_at"]]
    with transaction(product.services.engine) as connection:
        rows = stored.assign(ticker=profile.ticker, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)
        upsert_bars(connection, rows.assign(known_at=rows["closed_at"] + timedelta(minutes=20)))
        counts = {}
        for day in (3, 4):
            as_of = monday.replace(day=day, hour=9)
            found = due.expected_days(connection, [due.BarRequest(profile, monday - DAY)], as_of)
            counts[day] = [(row.day_exchange.day, row.expected_count) for row in found.itertuples()]
    whole = int(grid["slot_count"].iloc[0])
    assert counts == {
        3: [(1, whole), (2, whole), (3, whole)],
        4: [(1, whole), (2, whole), (3, 0), (4, whole)],
    }


def test_a_market_that_never_closes_has_no_closings(product: Product) -> None:
    profile = TickerProfile("BTC-USD", "yahoo", "24/7", "UTC", None, None, 2)
    opened_at = pd.date_range("2025-03-01", "2025-03-30", freq="h", tz="UTC", unit="us")
    opened_at = pd.Series(opened_at[opened_at.hour < 20])
    with transaction(product.services.engine) as connection:
        rows = pd.DataFrame({"opened_at": opened_at, "closed_at": opened_at + HOUR, "known_at": opened_at + HOUR})
        upsert_bars(connection, rows.assign(ticker="BTC-USD", open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0))
        assert feeds.feeds_at(connection, [profile], AT) == {"BTC-USD": feeds.WHOLE}


@pytest.mark.parametrize(("year", "note"), [(2026, None), (2027, "The holidays of calendar XSHG are known until")])
def test_a_late_ticker_may_have_a_holiday_that_is_not_published(product: Product, year: int, note: str | None) -> None:
    """On a Monday the newest bar is Friday's."""
    monday = pd.Timestamp(f"{year}-03-01T00:00Z") + pd.offsets.Week(weekday=0)
    profile = TickerProfile("600519.SS", "yahoo", "XSHG", "Asia/Shanghai", None, None, 20)
    grid = sessions.bar_grid("XSHG", monday - 20 * DAY, monday)
    as_of = monday.to_pydatetime() + 9 * HOUR
    with transaction(product.services.engine) as connection:
        registry.upsert_pending(connection, [(profile.ticker, "yahoo", 30)], None, AT)
        registry.set_profile(connection, profile)
        registry.activate(connection, [profile.ticker], AT)
        rows = grid[["opened_at", "closed_at"]].assign(ticker=profile.ticker, volume=1.0, known_at=grid["closed_at"])
        upsert_bars(connection, rows.assign(open=1.0, high=1.0, low=1.0, close=1.0))
        (shard,) = registry.plan_hour(connection, as_of, 1, 1)
    freshness.update_freshness(product.services, [profile], as_of)
    with transaction(product.services.engine) as connection:
        (item,) = registry.planned_tickers(connection, shard)
    assert item.freshness is not None
    assert str(item.freshness.late_reason).startswith("late: the bar that closed at ")
    assert item.freshness.note is None if note is None else str(item.freshness.note).startswith(note)
    assert (item.freshness.note or "late") in str(item.freshness.late_reason)
