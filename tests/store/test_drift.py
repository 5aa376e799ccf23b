"""Stored looks at drift: never changed, found by their instant, and shown by the views."""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.errors import DataContractError
from include.store import drift as store
from include.store.drift import DriftRow, Look, Market, ShiftRow
from include.store.engine import Connection, Engine, fetch_rows, transaction
from tests.support.rows import START, track

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)
NEW_YORK = Market(False, "XNYS")
COVERAGE = DriftRow(NEW_YORK, "coverage", 20, 0.84, 0.9, 9000.0, True, START, {"recent": [0.8]})
LATE = DriftRow(NEW_YORK, "late", 3, 0.02, 0.01, 0.5, False, None, {})
LEVEL = ShiftRow(NEW_YORK, "level", 900, 0.41, 0.6, True)
VOLUME = ShiftRow(NEW_YORK, "volume", 900, 0.01, 0.02, False)


def test_a_stored_look_stays_and_its_results_come_back(connection: Connection) -> None:
    look = Look(START, START - DAY, "a" * 64)
    assert store.save_look(connection, look, [COVERAGE, LATE], [LEVEL, VOLUME])
    assert not store.save_look(connection, replace(look, backbone_version=None), [LATE], [])

    assert store.find_look(connection, START) == look
    assert store.load_drift(connection, START) == [COVERAGE, LATE]
    assert store.shifted_count(connection, START) == 1


def test_the_look_before_an_instant_is_the_newest_of_the_earlier_ones(connection: Connection) -> None:
    for days in (0, 1, 3):
        store.save_look(connection, Look(START + days * DAY, START, None), [], [])

    found = store.find_look(connection, START + 3 * DAY, is_before=True)
    assert found is not None
    assert found.as_of == START + DAY
    assert store.find_look(connection, START, is_before=True) is None
    assert store.find_look(connection, START + 2 * DAY) is None


def test_the_views_show_the_tests_and_the_inputs_in_words(connection: Connection) -> None:
    store.save_look(connection, Look(START - DAY, START - DAY, None), [LATE], [])
    store.save_look(connection, Look(START, START, "b"), [COVERAGE, LATE], [LEVEL, VOLUME])

    rows = fetch_rows(connection, "select * from bi.drift where is_newest order by kind")
    assert [(row["kind"], row["status"]) for row in rows] == [
        ("coverage", "drifted"),
        ("inputs", "shifted"),
        ("late", "too few days"),
    ]
    assert [row["reason"] for row in rows] == [
        "the 90 % intervals contained 84.0 % of the closes",
        "1 of 2 inputs are shifted; the farthest is level, with an index of 0.41",
        "2.0 % of the due bars were late; usual are 1.0 %",
    ]
    assert (rows[0]["e_value"], rows[0]["needed_e_value"], rows[0]["drifted_at"]) == (9000.0, 7000.0, START)
    shifts = fetch_rows(connection, "select input, backbone_version, is_newest from bi.input_shift order by input")
    assert [tuple(row.values()) for row in shifts] == [("level", "b", True), ("volume", "b", True)]
    assert len(fetch_rows(connection, "select from bi.drift")) == 4


def test_tracked_tickers_are_those_of_the_instant_by_market(connection: Connection) -> None:
    track(connection, "MSFT", "AAPL")
    track(connection, "LATER", as_of=START + DAY)

    assert store.tracked_tickers(connection, START) == {NEW_YORK: ["AAPL", "MSFT"]}
    assert store.tracked_tickers(connection, START - DAY) == {}


def test_a_drift_without_a_beginning_is_refused(engine: Engine) -> None:
    with pytest.raises(DataContractError, match="drift_has_a_beginning"), transaction(engine) as connection:
        store.save_look(connection, Look(START, START, None), [replace(COVERAGE, drifted_at=None)], [])
