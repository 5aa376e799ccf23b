"""What was due, what is missing of it."""

from datetime import date, timedelta

import pandas as pd
import pytest

from include.store.bars import upsert_bars
from include.store.engine import Connection, fetch_rows
from include.store.expected import first_gaps, known_openings, save_expected
from tests.support.rows import START, at, bars, track

pytestmark = pytest.mark.integration


def day(count: int, ticker: str = "AAPL", first: int = 0) -> pd.DataFrame:
    opened = pd.Timestamp(at(first))
    return pd.DataFrame(
        {
            "ticker": [ticker],
            "day_exchange": [at(first).date()],
            "first_opened_at": [opened],
            "last_closed_at": [opened + pd.Timedelta(hours=count)],
            "expected_count": [count],
        }
    )


def test_a_day_has_the_count_of_the_newest_run(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0]))
    assert save_expected(connection, day(3), at(4)) == 1
    assert save_expected(connection, day(3), at(5)) == 0
    assert save_expected(connection, day(5), at(6)) == 1
    assert save_expected(connection, day(3), at(5)) == 0  # an older hour is run again
    (row,) = fetch_rows(connection, "select * from forecast.expected_day")
    assert (row["expected_count"], row["last_closed_at"], row["as_of"]) == (5, at(5), at(6))
    assert save_expected(connection, day(4), at(7)) == 1  # a bar turns out never to be served
    assert save_expected(connection, day(5).assign(expected_count=0), at(8)) == 1  # a session was only assumed
    assert save_expected(connection, pd.DataFrame(), at(8)) == 0
    (row,) = fetch_rows(connection, "select * from forecast.expected_day")
    assert (row["expected_count"], row["as_of"]) == (0, at(8))
    assert first_gaps(connection, ["AAPL"], at(0), at(99)) == {}


def test_days_before_a_tickers_first_bar_are_not_expected(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], first=48))
    assert save_expected(connection, day(3), at(60)) == 0
    assert save_expected(connection, day(3, "MSFT"), at(60)) == 0  # it has no bar at all
    assert save_expected(connection, day(3, first=48), at(60)) == 1


def test_the_first_day_with_a_hole_is_where_asking_begins_again(connection: Connection) -> None:
    upsert_bars(connection, pd.concat([bars([100.0, 101.0], first=hour) for hour in (0, 24, 48)]))
    for hour, count in ((0, 2), (24, 3), (48, 3)):
        save_expected(connection, day(count, first=hour), at(60))

    assert first_gaps(connection, ["AAPL", "MSFT"], at(0), at(60)) == {"AAPL": at(24)}
    assert first_gaps(connection, ["AAPL"], at(30), at(60)) == {"AAPL": at(48)}
    assert first_gaps(connection, ["MSFT"], at(0), at(60)) == {}
    assert first_gaps(connection, ["AAPL"], at(0), at(59)) == {}  # the days were not counted yet
    upsert_bars(connection, pd.concat([bars([100.0], first=hour, known_at=at(70)) for hour in (26, 50)]))
    assert first_gaps(connection, ["AAPL"], at(0), at(70)) == {}
    assert first_gaps(connection, ["AAPL"], at(0), at(69)) == {"AAPL": at(24)}


def test_openings_are_those_of_bars_that_were_known_by_then(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0, 101.0, 102.0]))
    upsert_bars(connection, bars([103.0], first=3, known_at=at(9)))
    upsert_bars(connection, bars([104.0], first=1, known_at=at(9)))  # a revision of a bar that was known before
    upsert_bars(connection, bars([105.0], ticker="MSFT"))

    def hours(since: float, as_of: float) -> list[tuple[str, int]]:
        rows = known_openings(connection, ["AAPL", "MSFT"], at(since), at(as_of))
        return [(row.ticker, (row.opened_at - at(0)) // timedelta(hours=1)) for row in rows.itertuples()]

    assert hours(0, 8) == [("AAPL", 0), ("AAPL", 1), ("AAPL", 2), ("MSFT", 0)]
    assert hours(1, 9) == [("AAPL", 1), ("AAPL", 2), ("AAPL", 3)]
    assert known_openings(connection, [], at(0), at(9)).empty


def test_people_see_what_was_expected_missing_and_late(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    upsert_bars(connection, bars([100.0, 101.0]))
    upsert_bars(connection, bars([102.0], first=2, known_at=at(5)))
    save_expected(connection, day(4), at(5))
    (row,) = fetch_rows(connection, "select * from bi.data_quality")
    assert row["day_exchange"] == date(2025, 3, 31)
    assert (row["expected_count"], row["bar_count"], row["missing_count"], row["late_count"]) == (4, 3, 1, 1)
    upsert_bars(connection, bars([103.0], first=2, known_at=at(9)))
    (row,) = fetch_rows(connection, "select * from bi.data_quality")
    assert (row["bar_count"], row["late_count"], row["revision_count"]) == (3, 1, 1)
