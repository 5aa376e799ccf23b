"""Bars of an old response do not supersede readings that became known after it was made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.store.bars import upsert_bars
from include.store.engine import Connection
from include.store.old_answers import without_outdated
from tests.support.rows import at, bars

pytestmark = pytest.mark.integration


def test_bars_that_are_stored_with_a_later_reading_are_left_out(connection: Connection) -> None:
    stored = bars([100.0] * 4)
    known_at = stored["closed_at"] + timedelta(minutes=2)
    upsert_bars(connection, stored.assign(known_at=known_at))
    made_at = known_at.iloc[1].to_pydatetime()
    given = bars([101.0] * 5)

    left = without_outdated(connection, given, {"AAPL": made_at})

    assert left["opened_at"].tolist() == given["opened_at"].iloc[[0, 1, 4]].tolist()


def test_bars_of_other_tickers_and_of_new_responses_stay(connection: Connection) -> None:
    stored = bars([100.0] * 4)
    upsert_bars(connection, stored.assign(known_at=stored["closed_at"]))
    assert without_outdated(connection, stored, {"MSFT": at(1)}).equals(stored)
    assert without_outdated(connection, stored, {}).equals(stored)
    assert without_outdated(connection, stored.iloc[:0], {"AAPL": at(1)}).empty
