"""The data moves a ticker between active, stale and failed; a person's decisions stand above it."""

import pytest

from include.contracts import TickerStatus
from include.store import registry
from include.store.engine import Connection, fetch_rows
from include.store.freshness import set_freshness
from tests.support.rows import START, at, track

pytestmark = pytest.mark.integration

STALE = {"AAPL": (TickerStatus.STALE, "no bar")}
ACTIVE = {"AAPL": (TickerStatus.ACTIVE, None)}


def state(connection: Connection) -> tuple[object, ...]:
    (row,) = fetch_rows(connection, "select * from forecast.ticker")
    return row["status"], row["status_reason"], row["status_at"], row["activated_as_of"]


def test_a_ticker_goes_stale_and_comes_back_without_losing_its_activation(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    assert set_freshness(connection, at(1), STALE) == 1
    assert set_freshness(connection, at(2), STALE) == 0
    assert state(connection) == ("stale", "no bar", at(1), START)
    assert set_freshness(connection, at(3), {"AAPL": (TickerStatus.FAILED, "no bar")}) == 1
    assert set_freshness(connection, at(4), ACTIVE) == 1
    assert state(connection) == ("active", None, at(4), START)


def test_a_stale_ticker_is_still_planned(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    set_freshness(connection, at(1), STALE)
    (shard,) = registry.plan_hour(connection, at(2), 1, 1)
    assert [item.profile.ticker for item in registry.planned_tickers(connection, shard)] == ["AAPL"]


def test_the_rerun_of_an_older_hour_does_not_speak_of_today(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    set_freshness(connection, at(5), STALE)
    assert set_freshness(connection, at(4), ACTIVE) == 0


def test_what_a_person_decided_stands(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    registry.set_status(connection, "AAPL", TickerStatus.ACTIVE, "a remark", START)
    assert set_freshness(connection, at(1), ACTIVE) == 0
    registry.retire(connection, ["AAPL"], at(2))
    assert set_freshness(connection, at(3), STALE) == 0
    registry.upsert_pending(connection, [("AAPL", "yahoo", 729)], None, at(4))
    assert set_freshness(connection, at(5), STALE) == 0
