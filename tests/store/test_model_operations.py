"""Operations on the backbones are stored once, and a backbone that is taken back ends at its instant."""

from datetime import timedelta

import pytest

from include.store import backbones, model_operations
from include.store.backbones import BackboneRow
from include.store.engine import Connection, fetch_rows
from include.store.model_operations import Operation
from tests.support.rows import START

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)


def promoted(connection: Connection, name: str, as_of: object) -> None:
    row = BackboneRow(name, as_of, START - 9 * DAY, ["AAPL"], 0, 1, None)  # type: ignore[arg-type]  # an instant
    backbones.open_backbone(connection, row)
    backbones.set_trained(connection, name, f"version-{name}", 1, "code")
    backbones.set_scores(connection, name, {"backbone_skill": 0.1})
    backbones.decide(connection, name, "not worse", is_promoted=True)


def test_an_operation_of_an_instant_is_stored_once(connection: Connection) -> None:
    first = Operation(START, "keep", "no drift", "watch_models")
    assert model_operations.save_operation(connection, first)
    assert not model_operations.save_operation(connection, Operation(START, "keep", "other", "ada"))
    assert model_operations.operations_at(connection, START) == [first]
    assert model_operations.operations_at(connection, START + DAY) == []
    rows = fetch_rows(connection, "select operation, reason, decided_by from bi.model_operation")
    assert rows == [{"operation": "keep", "reason": "no drift", "decided_by": "watch_models"}]


def test_a_backbone_that_is_taken_back_counts_up_to_that_instant(connection: Connection) -> None:
    promoted(connection, "old", START)
    promoted(connection, "new", START + DAY)
    model_operations.withdraw(connection, "new", START + 3 * DAY)
    model_operations.withdraw(connection, "new", START + 5 * DAY)

    assert model_operations.promoted_requests(connection, START + 2 * DAY) == ["new", "old"]
    assert model_operations.promoted_requests(connection, START + 3 * DAY) == ["old"]
    assert backbones.backbones_at(connection, START + 2 * DAY) == ["version-new", "version-old"]
    assert backbones.backbones_at(connection, START + 4 * DAY) == ["version-old"]
    assert model_operations.newest_request_at(connection, START + 9 * DAY) == START + DAY
    assert model_operations.newest_request_at(connection, START - DAY) is None


def test_a_confirmation_counts_from_its_instant_on(connection: Connection) -> None:
    operation = Operation(START, "confirm", "it did not lose", "watch_models", "version-a")
    model_operations.save_operation(connection, operation)
    assert model_operations.is_confirmed(connection, "version-a", START)
    assert not model_operations.is_confirmed(connection, "version-a", START - DAY)
    assert not model_operations.is_confirmed(connection, "version-b", START)
