"""Which reading of a bar supersedes, is kept as a revision or is ignored: every boundary of the conditions."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from include.store import registry
from include.store.bars import BarCounts, load_bars, upsert_bars
from include.store.engine import Connection, execute, fetch_rows
from tests.support.rows import START, at, bars, track

pytestmark = pytest.mark.integration

IGNORED = BarCounts(new=0, revised=0, unchanged=1)
REVISED = BarCounts(new=0, revised=1, unchanged=0)
MOMENT = timedelta(microseconds=1)
KNOWN = at(5)
"""When the stored reading became known."""


def give(connection: Connection, close: float, known_at: datetime, **changes: object) -> BarCounts:
    """Stores one reading of AAPL's first bar."""
    return upsert_bars(connection, bars([close], known_at=known_at).assign(**changes))["AAPL"]


def fetch_in_hour(connection: Connection, as_of: datetime, ticker: str = "AAPL", stage: str = "fetched") -> None:
    """An hour of one ticker that has reached a stage."""
    track(connection, ticker, as_of=START)
    registry.plan_hour(connection, as_of, 1, 1)
    execute(connection, "update forecast.outcome set stage = :stage", {"stage": stage})


@pytest.mark.parametrize(
    ("as_of", "ticker", "stage", "expected"),
    [
        (at(7), "AAPL", "fetched", REVISED),
        (at(7) + MOMENT, "AAPL", "fetched", IGNORED),
        (at(7) + MOMENT, "AAPL", "planned", REVISED),
        (at(7) + MOMENT, "MSFT", "fetched", REVISED),
    ],
    ids=["that hour", "a later hour", "a later hour that is only planned", "a later hour of another ticker"],
)
def test_a_later_reading_supersedes_unless_a_later_hour_has_used_the_stored_values(
    connection: Connection, as_of: datetime, ticker: str, stage: str, expected: BarCounts
) -> None:
    give(connection, 100.0, KNOWN)
    fetch_in_hour(connection, as_of, ticker, stage)

    assert give(connection, 101.0, at(7)) == expected


@pytest.mark.parametrize("close", [100.0, 95.0], ids=["same values", "other values"])
@pytest.mark.parametrize(
    ("as_of", "ticker", "stage", "is_kept"),
    [
        (at(3) - MOMENT, "AAPL", "fetched", True),
        (at(3), "AAPL", "fetched", False),
        (KNOWN - MOMENT, "AAPL", "fetched", False),
        (KNOWN, "AAPL", "fetched", True),
        (at(4), "AAPL", "planned", True),
        (at(4), "MSFT", "fetched", True),
    ],
    ids=["before", "from the first instant", "to the last", "after", "only planned", "another ticker"],
)
def test_an_earlier_reading_is_kept_unless_an_hour_in_between_has_used_the_bars(
    connection: Connection, close: float, as_of: datetime, ticker: str, stage: str, *, is_kept: bool
) -> None:
    give(connection, 100.0, KNOWN)
    fetch_in_hour(connection, as_of, ticker, stage)

    give(connection, close, at(3))

    assert load_bars(connection, ["AAPL"], at(3))["close"].tolist() == ([close] if is_kept else [])


@pytest.mark.parametrize(("ticker", "first"), [("AAPL", 1), ("MSFT", 0)], ids=["another bar", "another ticker"])
def test_a_revision_of_another_bar_does_not_hold_an_earlier_reading_back(
    connection: Connection, ticker: str, first: int
) -> None:
    give(connection, 100.0, KNOWN)
    for hour, close in ((5, 100.0), (7, 101.0)):
        upsert_bars(connection, bars([close], ticker, first, known_at=at(hour)))

    assert give(connection, 95.0, at(3)) == REVISED


def test_an_earlier_reading_is_ignored_where_a_revision_covers_its_time(connection: Connection) -> None:
    give(connection, 100.0, KNOWN)
    give(connection, 95.0, at(3))

    assert give(connection, 90.0, at(4)) == IGNORED
    assert give(connection, 90.0, at(2)) == IGNORED


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize(("share", "expected"), [(2e-6, REVISED), (-2e-6, REVISED), (5e-7, IGNORED)])
def test_a_price_differs_from_a_millionth_on(
    connection: Connection, column: str, share: float, expected: BarCounts
) -> None:
    stored = bars([100.0], known_at=KNOWN)
    upsert_bars(connection, stored)

    given = stored.assign(known_at=at(7), **{column: stored[column] * (1 + share)})
    assert upsert_bars(connection, given)["AAPL"] == expected


def test_another_end_of_the_bar_is_another_reading(connection: Connection) -> None:
    give(connection, 100.0, KNOWN)

    assert give(connection, 100.0, at(7), closed_at=bars([1.0])["closed_at"] - timedelta(minutes=30)) == REVISED


@pytest.mark.parametrize(
    ("stored", "given", "expected"),
    [
        (100.0, 101.0, IGNORED),
        (100.0, 101.01, REVISED),
        (1e9, 1e9 + 1000, IGNORED),
        (1e9, 1e9 + 1002, REVISED),
        (np.nan, np.nan, IGNORED),
        (np.nan, 100.0, REVISED),
        (100.0, np.nan, IGNORED),
    ],
)
def test_a_volume_differs_from_one_unit_and_a_millionth_on(
    connection: Connection, stored: float, given: float, expected: BarCounts
) -> None:
    give(connection, 100.0, KNOWN, volume=stored)

    assert give(connection, 100.0, at(7), volume=given) == expected


@pytest.mark.parametrize(("stored", "given"), [(np.nan, 100.0), (100.0, np.nan)])
def test_an_earlier_reading_that_alone_has_or_lacks_the_volume_becomes_a_revision(
    connection: Connection, stored: float, given: float
) -> None:
    give(connection, 100.0, KNOWN, volume=stored)

    assert give(connection, 100.0, at(3), volume=given) == REVISED
    read = [load_bars(connection, ["AAPL"], moment)["volume"].item() for moment in (at(3), KNOWN)]
    np.testing.assert_equal(read, [given, stored])


@pytest.mark.parametrize("close", [100.0, 95.0])
def test_a_reading_of_the_same_instant_is_ignored(connection: Connection, close: float) -> None:
    give(connection, 100.0, KNOWN)

    assert give(connection, close, KNOWN) == IGNORED
    assert fetch_rows(connection, "select * from forecast.bar_revision") == []
    assert load_bars(connection, ["AAPL"], KNOWN)["close"].tolist() == [100.0]
