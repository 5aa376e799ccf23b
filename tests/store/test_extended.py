"""Closes of extended hours: each reading is kept, and an instant reads what was known then."""

from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from include.store.engine import Connection, execute, fetch_rows
from include.store.extended import closes_since, save_closes, save_rejected
from tests.support.rows import at

pytestmark = pytest.mark.integration


def _rows(closes: dict[float, float], known_at: datetime, ticker: str = "AAPL") -> pd.DataFrame:
    instants = pd.DatetimeIndex([at(hours) for hours in closes]).as_unit("us")
    return pd.DataFrame({"ticker": ticker, "closed_at": instants, "known_at": known_at, "close": list(closes.values())})


def _read(connection: Connection, as_of: datetime, since: float = 0.0, ticker: str = "AAPL") -> dict[Any, float]:
    found = closes_since(connection, {ticker: at(since)}, as_of)
    return dict(zip(found["closed_at"], found["close"], strict=True))


def test_an_instant_reads_the_closes_that_were_known_then(connection: Connection) -> None:
    save_closes(connection, _rows({1.0: 100.0, 1.5: 101.0}, at(2)))
    save_closes(connection, _rows({2.5: 102.0}, at(3)))
    save_closes(connection, _rows({2.5: 55.0}, at(3), "MSFT"))

    assert _read(connection, at(2)) == {at(1): 100.0, at(1.5): 101.0}
    assert _read(connection, at(3), since=1.0) == {at(1.5): 101.0, at(2.5): 102.0}
    assert _read(connection, at(1.9)) == {}


def test_a_revision_is_another_row_and_the_same_reading_is_none(connection: Connection) -> None:
    assert save_closes(connection, _rows({1.0: 100.0}, at(2))) == 1
    assert save_closes(connection, _rows({1.0: 100.0}, at(3))) == 0
    assert save_closes(connection, _rows({1.0: 99.0}, at(4))) == 1
    assert save_closes(connection, _rows({1.0: 99.0}, at(4))) == 0

    assert _read(connection, at(3)) == {at(1): 100.0}
    assert _read(connection, at(4)) == {at(1): 99.0}


def test_a_split_that_became_known_later_moves_a_close_to_the_new_scale(connection: Connection) -> None:
    save_closes(connection, _rows({1.0: 100.0}, at(2)))
    execute(
        connection,
        "insert into forecast.split (ticker, known_at, effective_at, factor, is_announced) "
        "values ('AAPL', :known_at, :effective_at, 4, true)",
        {"known_at": at(3), "effective_at": at(2.5)},
    )

    assert _read(connection, at(2)) == {at(1): 100.0}
    assert _read(connection, at(3)) == {at(1): 25.0}


def test_a_refused_close_keeps_its_first_reading(connection: Connection) -> None:
    refused = _rows({1.0: -1.0}, at(2)).assign(reason="not_positive")

    assert save_rejected(connection, refused, at(2)) == 1
    assert save_rejected(connection, refused.assign(close=-2.0), at(3)) == 0

    (row,) = fetch_rows(connection, "select close, as_of from forecast.extended_rejected")
    assert (row["close"], row["as_of"]) == (-1.0, at(2))


def test_no_rows_are_stored_as_nothing(connection: Connection) -> None:
    nothing = _rows({}, at(2))

    assert save_closes(connection, nothing) == 0
    assert save_rejected(connection, nothing.assign(reason="x"), at(2)) == 0
