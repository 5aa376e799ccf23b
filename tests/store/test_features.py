"""Feature rows: append only, bit for bit, as of an instant."""

import numpy as np
import pandas as pd
import pytest

from include.contracts import FEATURE_COLUMNS
from include.store.engine import Connection, Engine, fetch_rows, transaction
from include.store.features import load_closings, load_features, save_features
from tests.support.rows import at, features

pytestmark = pytest.mark.integration

LATER = at(1000)


def _first_values(connection: Connection, as_of: object) -> list[float]:
    return load_features(connection, ["AAPL"], as_of)[FEATURE_COLUMNS[0]].tolist()  # type: ignore[arg-type]


def test_rows_come_back_bit_for_bit(connection: Connection) -> None:
    given = features([0.1, 1e-30, 3e38])
    given[FEATURE_COLUMNS[3]] = np.array([np.float32(1) / 3, -0.0, np.pi], dtype=np.float32)

    assert save_features(connection, given) == 3
    read = load_features(connection, ["AAPL"], LATER)

    assert read.columns.tolist() == ["ticker", "closed_at", "known_at", *FEATURE_COLUMNS]
    block = list(FEATURE_COLUMNS)
    assert (read[block].dtypes == np.float32).all()
    assert read[block].to_numpy().tobytes() == given[block].to_numpy().tobytes()
    assert read["closed_at"].tolist() == given["closed_at"].tolist()


def test_saving_rows_twice_equals_saving_them_once(connection: Connection) -> None:
    save_features(connection, features([1.0, 2.0]))

    assert save_features(connection, features([1.0, 2.0])) == 0
    assert save_features(connection, features([1.0, 2.0], known_at=at(9))) == 0
    assert save_features(connection, features([])) == 0

    assert fetch_rows(connection, "select count(*) as n from forecast.feature") == [{"n": 2}]


def test_a_recomputed_row_outranks_the_old_one_from_its_instant_on(connection: Connection) -> None:
    save_features(connection, features([1.0, 2.0], known_at=at(3)))

    assert save_features(connection, features([1.0, 5.0], known_at=at(6))) == 1

    assert _first_values(connection, at(2)) == []
    assert _first_values(connection, at(5)) == [1.0, 2.0]
    assert _first_values(connection, at(6)) == [1.0, 5.0]


def test_a_row_that_returns_to_older_values_is_new_again(connection: Connection) -> None:
    for hour, value in ((3, 1.0), (4, 2.0), (5, 1.0)):
        assert save_features(connection, features([value], known_at=at(hour))) == 1

    assert [_first_values(connection, at(hour)) for hour in (3, 4, 5)] == [[1.0], [2.0], [1.0]]


def test_the_first_row_of_an_instant_stays(connection: Connection) -> None:
    save_features(connection, features([1.0], known_at=at(3)))

    assert save_features(connection, features([2.0], known_at=at(3))) == 0

    assert _first_values(connection, at(3)) == [1.0]


def test_a_replay_of_an_earlier_hour_leaves_the_later_one_alone(connection: Connection) -> None:
    save_features(connection, features([2.0], known_at=at(6)))

    assert save_features(connection, features([1.0], known_at=at(3))) == 1

    assert [_first_values(connection, at(hour)) for hour in (3, 6)] == [[1.0], [2.0]]


def test_a_limit_counts_bars_and_not_versions(connection: Connection) -> None:
    save_features(connection, features([1.0, 2.0, 3.0], known_at=at(4)))
    save_features(connection, features([1.5, 2.5, 3.5], known_at=at(5)))
    save_features(connection, features([7.0], "MSFT"))

    read = load_features(connection, ["MSFT", "AAPL"], LATER, row_limit=2)

    assert read[["ticker", FEATURE_COLUMNS[0]]].to_numpy().tolist() == [["AAPL", 2.5], ["AAPL", 3.5], ["MSFT", 7.0]]


def test_a_tiny_difference_of_the_last_bit_is_a_new_row(connection: Connection) -> None:
    given = features([1.0], known_at=at(3))
    save_features(connection, given)
    given[FEATURE_COLUMNS[0]] = np.nextafter(np.float32(1.0), np.float32(2.0))

    assert save_features(connection, given.assign(known_at=pd.Timestamp(at(4)))) == 1


def test_one_call_stores_rows_of_a_new_ticker_and_compares_those_of_a_stored_one(connection: Connection) -> None:
    save_features(connection, features([1.0, 2.0]))
    given = pd.concat([features([7.0], ticker="NEW"), features([1.0, 5.0], known_at=at(9))])

    assert save_features(connection, given) == 2

    assert _first_values(connection, LATER) == [1.0, 5.0]
    assert len(load_features(connection, ["NEW"], LATER)) == 1


def test_a_row_that_is_given_twice_is_stored_once(connection: Connection) -> None:
    given = features([1.0, 2.0])

    assert save_features(connection, pd.concat([given, given])) == 2

    assert _first_values(connection, LATER) == [1.0, 2.0]


def test_rows_that_are_stored_are_compared_without_an_attempt_to_insert_them(engine: Engine) -> None:
    with transaction(engine) as connection:
        save_features(connection, features([1.0, 2.0]))
        save_features(connection, features([1.0, 2.0], known_at=at(9)))
        save_features(connection, features([3.0], first=2))

        # an attempt that is rolled back leaves two dead rows before the third
        rows = fetch_rows(connection, "select ctid::text as place from forecast.feature order by closed_at")
    assert [row["place"] for row in rows] == ["(0,1)", "(0,2)", "(0,3)"]


@pytest.mark.parametrize("hours", [1, 3, 6])
def test_the_closings_are_those_of_the_rows_that_are_known(connection: Connection, hours: float) -> None:
    save_features(connection, pd.concat([features([1.0, 2.0, 3.0]), features([1.0], ticker="B", first=1)]))
    save_features(connection, features([1.5], known_at=at(5)))

    closings = load_closings(connection, ["B", "AAPL"], at(hours))

    known = load_features(connection, ["B", "AAPL"], at(hours))
    pd.testing.assert_frame_equal(closings, known[["ticker", "closed_at"]])
