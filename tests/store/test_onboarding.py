"""Onboarding requests: stored once, planned once, and never set back to an earlier stage."""

import pytest

from include.contracts import Shard
from include.store.engine import Connection, Engine, fetch_rows, transaction
from include.store.onboarding import (
    RequestStage,
    RequestTicker,
    advance,
    close,
    open_ticker,
    plan_request,
    remark,
    request_tickers,
)
from tests.support.rows import at

pytestmark = pytest.mark.integration


def _open(connection: Connection, *tickers: str, request_id: str = "r1") -> None:
    for ticker in tickers:
        open_ticker(connection, request_id, ticker, as_of=at(0), source="yahoo", history_days=729)


def _shards(connection: Connection) -> dict[str, int | None]:
    return {item.ticker: item.shard_index for item in request_tickers(connection, "r1")}


def test_a_requested_ticker_begins_at_the_beginning(connection: Connection) -> None:
    _open(connection, "AAPL")

    assert request_tickers(connection, "r1") == [
        RequestTicker("r1", "AAPL", at(0), "yahoo", 729, RequestStage.REQUESTED, None, None, None)
    ]
    assert request_tickers(connection, "another") == []


def test_opening_twice_changes_nothing(engine: Engine) -> None:
    stored = []
    for days in (729, 5):
        with transaction(engine) as connection:
            open_ticker(connection, "r1", "AAPL", as_of=at(days), source=None, history_days=days)
            stored.append(fetch_rows(connection, "select * from forecast.onboarding"))

    assert stored[0] == stored[1]


def test_only_validated_tickers_without_a_result_are_planned(connection: Connection) -> None:
    _open(connection, "A", "B", "C", "D")
    advance(connection, "r1", ["A", "B", "C"], RequestStage.VALIDATED)
    close(connection, "r1", "B", "rejected", "unknown")

    assert plan_request(connection, "r1", at(0), 4, 8) == [Shard(at(0), 0, 1)]
    assert _shards(connection) == {"A": 0, "B": None, "C": 0, "D": None}
    assert [item.ticker for item in request_tickers(connection, "r1", shard_index=0)] == ["A", "C"]


def test_planning_again_gives_the_same_shards(connection: Connection) -> None:
    _open(connection, "A", "B", "C", "D")
    advance(connection, "r1", ["A", "B", "C", "D"], RequestStage.VALIDATED)
    first = plan_request(connection, "r1", at(0), 2, 2)
    before = _shards(connection)
    advance(connection, "r1", ["A"], RequestStage.TRAINED)
    close(connection, "r1", "B", "failed", "no bars")

    assert first == [Shard(at(0), 0, 2), Shard(at(0), 1, 2)]
    assert plan_request(connection, "r1", at(0), 4, 1) == first
    assert _shards(connection) == before == {"A": 0, "B": 1, "C": 0, "D": 1}


def test_a_ticker_validated_late_joins_the_shards_there_are(connection: Connection) -> None:
    _open(connection, "A", "B", "C")
    advance(connection, "r1", ["A", "B"], RequestStage.VALIDATED)
    shards = plan_request(connection, "r1", at(0), 2, 1)
    advance(connection, "r1", ["C"], RequestStage.VALIDATED)

    assert plan_request(connection, "r1", at(0), 4, 8) == shards
    assert _shards(connection)["C"] == 0


def test_a_request_without_anything_to_do_has_no_shards(connection: Connection) -> None:
    _open(connection, "A")

    assert plan_request(connection, "r1", at(0), 4, 8) == []


def test_a_stage_moves_forward_and_never_back(connection: Connection) -> None:
    _open(connection, "A", "B")
    advance(connection, "r1", ["A"], RequestStage.TRAINED)
    advance(connection, "r1", ["A", "B"], RequestStage.BACKFILLED)

    assert [item.stage for item in request_tickers(connection, "r1")] == [RequestStage.TRAINED, RequestStage.BACKFILLED]


def test_a_result_and_its_reason_are_kept(engine: Engine) -> None:
    stored = []
    for _ in range(2):
        with transaction(engine) as connection:
            _open(connection, "A")
            close(connection, "r1", "A", "rejected", "Yahoo does not know it")
            stored.append(fetch_rows(connection, "select * from forecast.onboarding"))

    assert stored[0] == stored[1]
    assert (stored[0][0]["result"], stored[0][0]["reason"]) == ("rejected", "Yahoo does not know it")


def test_a_remark_stands_beside_a_ticker_in_progress_and_changes_no_result(connection: Connection) -> None:
    _open(connection, "A", "B", "C")
    close(connection, "r1", "B", "rejected", "unknown")
    remark(connection, "r1", {})
    remark(connection, "r1", {"A": "a fallback", "B": "too late"})

    assert {item.ticker: item.reason for item in request_tickers(connection, "r1")} == {
        "A": "a fallback",
        "B": "unknown",
        "C": None,
    }
