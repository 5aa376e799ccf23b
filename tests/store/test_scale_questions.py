"""Questions about a ticker's scale: open from one instant to another, whatever is stored later."""

from dataclasses import replace

import pytest

from include.store.engine import Connection
from include.store.scale_questions import (
    SHIFT,
    STEP,
    ScaleQuestion,
    open_question,
    open_questions,
    settle,
    settled_moves,
)
from tests.support.rows import at

pytestmark = pytest.mark.integration

HALVED = ScaleQuestion("AAPL", at(5), STEP, 2.0, {"odds": 1.5})


def opened(connection: Connection, hours: float, kind: str | None = None) -> list[ScaleQuestion]:
    return open_questions(connection, ["AAPL", "MSFT"], at(hours), kind)


def test_a_question_is_open_from_when_it_became_known_until_it_is_settled(connection: Connection) -> None:
    assert open_question(connection, HALVED, at(6))
    assert not open_question(connection, HALVED, at(7))
    assert opened(connection, 5.9) == []
    assert opened(connection, 6) == [HALVED]
    assert open_questions(connection, ["MSFT"], at(6)) == []

    assert settle(connection, "AAPL", at(5), at(8), "move", "person")

    assert opened(connection, 7.9) == [HALVED]
    assert opened(connection, 8) == []
    assert settled_moves(connection, ["AAPL"], at(8)) == {("AAPL", at(5))}
    assert settled_moves(connection, ["AAPL"], at(7.9)) == set()
    assert settled_moves(connection, ["MSFT"], at(8)) == set()


def test_an_hour_that_is_caught_up_on_may_know_and_settle_it_earlier_but_not_later(connection: Connection) -> None:
    open_question(connection, HALVED, at(7))
    assert open_question(connection, replace(HALVED, factor=4.0), at(6))
    assert opened(connection, 6) == [replace(HALVED, factor=4.0)]
    assert not settle(connection, "AAPL", at(5), at(5.5), "scale", "bars")
    assert settle(connection, "AAPL", at(5), at(9), "scale", "bars")
    assert settle(connection, "AAPL", at(5), at(8), "scale", "bars")
    assert not settle(connection, "AAPL", at(5), at(10), "move", "person")
    assert settled_moves(connection, ["AAPL"], at(10)) == set()
    assert not settle(connection, "AAPL", at(4), at(10), "move", "person")


def test_a_question_knows_whether_the_volumes_would_change(connection: Connection) -> None:
    unit = replace(HALVED, evidence={"is_volume_scaled": False})
    open_question(connection, unit, at(6))
    assert [question.is_volume_scaled for question in opened(connection, 6)] == [False]
    assert HALVED.is_volume_scaled


def test_the_kinds_are_read_together_or_apart(connection: Connection) -> None:
    shift = ScaleQuestion("AAPL", at(2), SHIFT, 1.0025, {"log_ratio": 0.0025})
    for question in (HALVED, shift):
        open_question(connection, question, at(6))
    assert opened(connection, 6) == [shift, HALVED]
    assert opened(connection, 6, SHIFT) == [shift]
    assert opened(connection, 6, STEP) == [HALVED]
