"""Which backbone counts at an instant: the newest promoted one that knew nothing later. A planned hour keeps its."""

from datetime import datetime

import pytest

from include.errors import DataContractError
from include.store import backbones as store
from include.store.backbones import BackboneRow
from include.store.bars import upsert_bars
from include.store.engine import Connection, Engine, execute, fetch_rows, transaction
from include.store.registry import activate, retire
from tests.support.rows import at, bars, track

pytestmark = pytest.mark.integration
SCORES = {"backbone_skill": 0.05}


def _request(name: str, as_of: datetime, **values: object) -> BackboneRow:
    given = {
        "cutoff_at": at(-100),
        "tickers": ["AAPL"],
        "simulated_count": 0,
        "seed": 1,
        "present_version": None,
        **values,
    }
    return BackboneRow(request_id=name, as_of=as_of, **given)  # type: ignore[arg-type]


def _promote(connection: Connection, version: str, as_of: datetime) -> None:
    store.open_backbone(connection, _request(version, as_of))
    store.set_trained(connection, version, version, 10, "code")
    store.set_scores(connection, version, SCORES)
    store.decide(connection, version, "not worse", is_promoted=True)


def test_a_request_is_read_back_as_it_was_written_and_opening_it_twice_changes_nothing(connection: Connection) -> None:
    request = _request("r", at(0), tickers=["AAPL", "MSFT"], present_version="p")
    store.open_backbone(connection, request)
    store.open_backbone(connection, _request("r", at(5)))
    assert store.find_backbone(connection, "r") == request
    assert store.find_backbone(connection, "another") is None


def test_the_newest_promoted_backbone_counts_that_knew_nothing_later(connection: Connection) -> None:
    for name, hour in (("old", 0), ("new", 10)):
        _promote(connection, name, at(hour))
    store.open_backbone(connection, _request("waiting", at(5)))
    assert store.backbones_at(connection, at(-1)) == []
    assert store.backbones_at(connection, at(9)) == ["old"]
    assert store.backbones_at(connection, at(10)) == ["new", "old"]


def test_a_planned_hour_keeps_its_backbone_whatever_is_promoted_since(connection: Connection) -> None:
    store.settle_backbone(connection, at(20), "shipped", is_shipped=True)
    _promote(connection, "first", at(0))
    store.settle_backbone(connection, at(30), "first", is_shipped=False)
    _promote(connection, "second", at(10))
    for hour in (20, 30):
        store.settle_backbone(connection, at(hour), "second", is_shipped=False)
    assert store.backbones_at(connection, at(20)) == []
    assert store.backbones_at(connection, at(30)) == ["first"]
    assert store.backbones_at(connection, at(25)) == ["second", "first"]


def test_a_chosen_backbone_stays_chosen_when_its_request_is_trained_again_to_something_else(
    connection: Connection,
) -> None:
    _promote(connection, "first", at(0))
    store.settle_backbone(connection, at(30), "first", is_shipped=False)
    store.set_trained(connection, "first", "other weights", 10, "new code")
    assert store.backbones_at(connection, at(30)) == ["first"]
    assert store.backbones_at(connection, at(31)) == []
    row = store.find_backbone(connection, "first")
    assert row is not None
    assert (row.scores, row.is_promoted, row.reason) == (None, False, None)


def test_saying_the_same_again_changes_no_row(engine: Engine) -> None:
    stored = []
    for _ in range(2):
        with transaction(engine) as connection:
            _promote(connection, "v", at(0))
            store.settle_backbone(connection, at(1), "v", is_shipped=False)
            stored.append(fetch_rows(connection, "select * from forecast.backbone"))
    assert stored[0] == stored[1]


def test_what_was_never_scored_cannot_be_promoted(engine: Engine) -> None:
    def promote_unscored() -> None:
        with transaction(engine) as connection:
            store.open_backbone(connection, _request("r", at(0)))
            store.decide(connection, "r", "because", is_promoted=True)

    with pytest.raises(DataContractError, match="promoted_backbone_is_there_and_was_scored"):
        promote_unscored()


def test_tickers_teach_that_were_tracked_then_and_had_bars_enough_before_the_cutoff(connection: Connection) -> None:
    track(connection, "AAPL", "FEW", "GONE", "LATE")
    for ticker, count in (("AAPL", 5), ("FEW", 2), ("GONE", 5), ("LATE", 5)):
        upsert_bars(connection, bars([100.0] * count, ticker=ticker))
    execute(connection, "update forecast.ticker set status = 'pending'")
    activate(connection, ["AAPL", "FEW", "GONE"], at(10))
    activate(connection, ["LATE"], at(40))
    retire(connection, ["GONE"], at(12))
    assert store.teaching_tickers(connection, at(20), at(9), 4) == ["AAPL"]
    assert store.teaching_tickers(connection, at(11), at(9), 4) == ["AAPL", "GONE"]
    assert store.teaching_tickers(connection, at(20), at(2), 4) == []
