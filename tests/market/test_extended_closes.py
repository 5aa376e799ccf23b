from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from include.contracts import BarRequest, TickerProfile
from include.market.extended_closes import CLOSE_COLUMNS, join_closes, known_closes

AS_OF = datetime(2026, 11, 20, 13, 35, tzinfo=UTC)
REQUEST = BarRequest(
    TickerProfile("AAPL", "yahoo", "XNYS", "America/New_York", "USD", None, feed_delay_minutes=2),
    AS_OF - timedelta(minutes=20),
)


def rows(*minutes_before: int) -> pd.DataFrame:
    opened_at = [AS_OF - timedelta(minutes=minutes) for minutes in minutes_before]
    return pd.DataFrame({"opened_at": opened_at, "close": [float(number) for number in range(len(opened_at))]})


def test_a_close_is_known_once_its_bar_and_the_feeds_delay_are_over() -> None:
    found = known_closes(rows(25, 20, 10, 7, 6, 5, 0), REQUEST, AS_OF)
    assert tuple(found.columns) == CLOSE_COLUMNS
    assert found["close"].tolist() == [1.0, 2.0, 3.0]
    assert (found["closed_at"] - found["opened_at"] == timedelta(minutes=5)).all()
    assert str(found["closed_at"].dtype) == "datetime64[us, UTC]"
    assert set(found["ticker"]) == {"AAPL"}


def test_tickers_are_joined_and_none_has_the_same_columns() -> None:
    part = known_closes(rows(20, 10), REQUEST, AS_OF)
    nothing = join_closes([])
    assert len(join_closes([part, nothing, part.assign(ticker="MA")])) == 4
    assert tuple(nothing.columns) == CLOSE_COLUMNS
    assert nothing.dtypes.to_dict() == part.dtypes.to_dict()
