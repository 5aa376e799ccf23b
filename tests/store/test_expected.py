"""What was due, what is missing of it."""

from datetime import date

import pandas as pd
import pytest

from include.store.bars import upsert_bars
from include.store.engine import Connection, fetch_rows
from include.store.expected import first_gaps, save_expected
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


def test_a_day_grows_and_never_shrinks(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0]))
    assert save_expected(connection, day(3), at(4)) == 1
    assert save_expected(connection, day(3), at(5)) == 0
    assert save_expected(connection, day(2), at(5)) == 0
    assert save_expected(connection, day(5), at(6)) == 1
    assert save_expected(connection, pd.DataFrame(), at(6)) == 0
    (row,) = fetch_rows(connection, "select * from forecast.expected_day")
    assert (row["expected_count"], row["last_closed_at"], row["as_of"]) == (5, at(5), at(6))


def test_days_before_a_tickers_first_bar_are_not_expected(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], first=48))
    assert save_expected(connection, day(3), at(60)) == 0
    assert save_expected(connection, day(3, "MSFT"), at(60)) == 0  # it has no bar at all
    assert save_expected(connection, day(3, first=48), at(60)) == 1


def test_the_first_day_with_a_hole_is_where_asking_begins_again(connection: Connection) -> None:
    upsert_bars(connection, pd.concat([bars([100.0, 101.0], first=hour) for hour in (0, 24, 48)]))
    for hour, count in ((0, 2), (24, 3), (48, 3)):
        save_expected(connection, day(count, first=hour), at(60))

    assert first_gaps(connection, ["AAPL", "MSFT"], at(0)) == {"AAPL": at(24)}
    assert first_gaps(connection, ["AAPL"], at(30)) == {"AAPL": at(48)}
    assert first_gaps(connection, ["MSFT"], at(0)) == {}
    upsert_bars(connection, pd.concat([bars([100.0], first=hour) for hour in (26, 50)]))
    assert first_gaps(connection, ["AAPL"], at(0)) == {}


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
