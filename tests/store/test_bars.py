"""Bars, point in time: an instant reads what was known then, for ever."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS
from include.errors import DataContractError
from include.store import registry
from include.store.bars import (
    BarCounts,
    compare_bars,
    earliest_changes,
    load_bars,
    load_times,
    newest_closed_at,
    oldest_revised,
    save_rejections,
    upsert_bars,
)
from include.store.engine import Connection, Engine, execute, fetch_rows, transaction
from include.store.features import save_features
from tests.support.rows import START, at, bars, features, track

pytestmark = pytest.mark.integration

LATER = at(1000)


def closes(connection: Connection, as_of: object = LATER, ticker: str = "AAPL", **options: int) -> list[float]:
    return load_bars(connection, [ticker], as_of, **options)["close"].tolist()  # type: ignore[arg-type]


def everything(connection: Connection) -> list[dict[str, object]]:
    return [
        row
        for table in ("bar", "bar_revision")
        for row in fetch_rows(connection, f"select * from forecast.{table} order by ticker, opened_at, known_at")
    ]


def finish_hour(connection: Connection, as_of: object) -> None:
    """Plans an hour for every tracked ticker and brings it past its fetch."""
    registry.plan_hour(connection, as_of, 1, 1)  # type: ignore[arg-type]
    execute(connection, "update forecast.outcome set stage = 'predicted' where as_of = :as_of", {"as_of": as_of})


def test_bars_come_back_as_they_went_in(connection: Connection) -> None:
    given = bars([100.0, 101.5, 0.1 + 0.2])
    given.loc[1, "volume"] = np.nan

    counts = upsert_bars(connection, given)
    read = load_bars(connection, ["AAPL"], LATER)

    assert counts == {"AAPL": BarCounts(new=3, revised=0, unchanged=0)}
    assert tuple(read.columns) == (*BAR_COLUMNS, "known_at")
    pd.testing.assert_frame_equal(read, given, check_dtype=False)
    assert str(read["opened_at"].dtype) == "datetime64[us, UTC]"


def test_storing_bars_twice_equals_storing_them_once(connection: Connection) -> None:
    given = bars([100.0, 101.0])
    given.loc[1, "volume"] = np.nan
    upsert_bars(connection, given)
    once = everything(connection)

    counts = upsert_bars(connection, given)

    assert counts == {"AAPL": BarCounts(new=0, revised=0, unchanged=2)}
    assert everything(connection) == once


def test_reading_the_same_values_later_changes_nothing(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0]))
    once = everything(connection)

    noisy = bars([100.0 * (1 + 1e-8)], known_at=at(5))
    assert upsert_bars(connection, noisy) == {"AAPL": BarCounts(0, 0, 1)}

    assert everything(connection) == once


def test_a_bar_is_not_known_before_its_known_at(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0, 101.0], known_at=at(3)))

    assert closes(connection, at(3) - timedelta(microseconds=1)) == []
    assert closes(connection, at(3)) == [100.0, 101.0]


def test_an_earlier_instant_reads_the_values_before_a_revision(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0, 101.0], known_at=at(2)))

    counts = upsert_bars(connection, bars([100.0, 99.0], known_at=at(5)))

    assert counts == {"AAPL": BarCounts(new=0, revised=1, unchanged=1)}
    assert closes(connection, at(4.9)) == [100.0, 101.0]
    assert closes(connection, at(5)) == [100.0, 99.0]


def test_every_stage_of_a_bar_revised_twice_can_be_read(connection: Connection) -> None:
    for hour, close in ((2, 100.0), (4, 101.0), (6, 102.0)):
        upsert_bars(connection, bars([close], known_at=at(hour)))

    assert [closes(connection, at(hour)) for hour in (1, 2, 3, 4, 5, 6, 7)] == [
        [],
        [100.0],
        [100.0],
        [101.0],
        [101.0],
        [102.0],
        [102.0],
    ]


@pytest.mark.parametrize(
    "change", [{"volume": 200.0}, {"volume": 98.0}, {"high": 150.0}, {"low": 50.0}, {"open": 99.5}]
)
def test_any_changed_value_is_a_revision(connection: Connection, change: dict[str, float]) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(2)))
    before = load_bars(connection, ["AAPL"], LATER)

    assert upsert_bars(connection, bars([100.0], known_at=at(3)).assign(**change))["AAPL"].revised == 1

    pd.testing.assert_frame_equal(load_bars(connection, ["AAPL"], at(2.5)), before)
    (column,) = change
    np.testing.assert_equal(load_bars(connection, ["AAPL"], at(3))[column].item(), change[column])


def test_a_volume_that_becomes_known_is_a_revision(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(2), volume=np.nan))

    assert upsert_bars(connection, bars([100.0], known_at=at(3)))["AAPL"].revised == 1


@pytest.mark.parametrize("volume", [np.nan, 99.5])
def test_a_volume_that_becomes_unknown_or_is_only_rounded_is_no_revision(connection: Connection, volume: float) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(2)))
    once = everything(connection)

    assert upsert_bars(connection, bars([100.0], known_at=at(3), volume=volume))["AAPL"].revised == 0

    assert everything(connection) == once


def test_a_price_that_changes_without_a_volume_keeps_the_volume(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(2)))
    upsert_bars(connection, bars([101.0], known_at=at(3), volume=np.nan))

    (bar,) = load_bars(connection, ["AAPL"], LATER).to_dict("records")
    assert (bar["close"], bar["volume"]) == (101.0, 100.0)


def test_an_older_reading_without_a_volume_does_not_date_the_volume_back(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(3)))
    upsert_bars(connection, bars([100.0], known_at=at(2), volume=np.nan))

    known = [load_bars(connection, ["AAPL"], at(hours))["volume"].item() for hours in (2.5, 3)]
    np.testing.assert_equal(known, [np.nan, 100.0])


def test_the_oldest_revised_bar_is_found_as_known_at_the_instant(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0, 101.0, 102.0]))
    upsert_bars(connection, bars([105.0, 106.0], first=1, known_at=at(6)))

    assert oldest_revised(connection, ["AAPL", "MSFT"], since=at(5), as_of=at(6)) == {"AAPL": at(1)}
    assert oldest_revised(connection, ["AAPL"], since=at(6), as_of=at(7)) == {}
    assert oldest_revised(connection, ["AAPL"], since=at(4), as_of=at(5)) == {}


def test_a_rerun_of_an_hour_cannot_change_what_that_hour_knew(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(2)))

    assert upsert_bars(connection, bars([105.0], known_at=at(2))) == {"AAPL": BarCounts(0, 0, 1)}

    assert closes(connection, at(2)) == [100.0]


def test_revising_twice_equals_revising_once(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(2)))
    upsert_bars(connection, bars([105.0], known_at=at(4)))
    once = everything(connection)

    assert upsert_bars(connection, bars([105.0], known_at=at(4))) == {"AAPL": BarCounts(0, 0, 1)}

    assert everything(connection) == once


def test_an_earlier_reading_of_the_same_values_dates_the_bar_back(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(9)))

    assert upsert_bars(connection, bars([100.0], known_at=at(3))) == {"AAPL": BarCounts(0, 0, 1)}

    assert closes(connection, at(2.9)) == []
    assert closes(connection, at(3)) == [100.0]


def test_an_earlier_reading_of_other_values_becomes_a_revision(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0], known_at=at(9)))

    for expected in (BarCounts(0, 1, 0), BarCounts(0, 0, 1)):  # and again changes nothing
        assert upsert_bars(connection, bars([95.0], known_at=at(3))) == {"AAPL": expected}

    assert [closes(connection, at(hour)) for hour in (2, 3, 8.9, 9)] == [[], [95.0], [95.0], [100.0]]


@pytest.mark.parametrize("close", [100.0, 95.0])
def test_an_earlier_reading_never_changes_what_a_finished_hour_read(connection: Connection, close: float) -> None:
    track(connection, "AAPL")
    upsert_bars(connection, bars([100.0], known_at=at(9)))
    finish_hour(connection, at(5))

    upsert_bars(connection, bars([close], known_at=at(3)))

    assert closes(connection, at(5)) == []


def test_an_hour_that_was_only_planned_does_not_hold_an_earlier_reading_back(connection: Connection) -> None:
    track(connection, "AAPL")
    upsert_bars(connection, bars([100.0], known_at=at(9)))
    registry.plan_hour(connection, at(3), 1, 1)

    upsert_bars(connection, bars([100.0], known_at=at(3)))

    assert closes(connection, at(3)) == [100.0]


def test_a_revision_seen_by_a_replay_never_changes_what_a_finished_hour_read(connection: Connection) -> None:
    track(connection, "AAPL")
    upsert_bars(connection, bars([100.0], known_at=at(2)))
    finish_hour(connection, at(6))

    upsert_bars(connection, bars([105.0], known_at=at(4)))
    assert closes(connection, at(6)) == [100.0]

    upsert_bars(connection, bars([105.0], known_at=at(7)))
    assert (closes(connection, at(6)), closes(connection, at(7))) == ([100.0], [105.0])


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_in_whatever_order_an_instant_reads_each_bar_at_most_once(
    connection: Connection, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(12):
        reading = bars(rng.choice([100.0, 101.0, 102.0], size=4).tolist(), known_at=at(float(rng.integers(5, 12))))
        upsert_bars(connection, reading.sample(frac=0.7, random_state=int(rng.integers(1000))))

    for hour in range(4, 13):
        read = load_bars(connection, ["AAPL"], at(hour))
        assert not read.duplicated(["ticker", "opened_at"]).any()
        assert (read["known_at"] <= at(hour)).all()
    assert len(load_bars(connection, ["AAPL"], LATER)) == 4


@pytest.mark.parametrize("seed", range(4))
def test_hours_in_order_leave_every_earlier_instant_as_it_was(connection: Connection, seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen: dict[int, list[float]] = {}
    for hour in range(5, 15):
        upsert_bars(connection, bars(rng.choice([100.0, 101.0], size=4).tolist(), known_at=at(hour)))
        seen[hour] = closes(connection, at(hour))

    assert {hour: closes(connection, at(hour)) for hour in seen} == seen


def test_a_limit_gives_each_ticker_its_newest_bars_across_revisions(connection: Connection) -> None:
    upsert_bars(connection, pd.concat([bars([1.0, 2.0, 3.0], "AAPL"), bars([5.0, 6.0], "MSFT", first=1)]))
    upsert_bars(connection, bars([2.5], "AAPL", first=1, known_at=at(50)))

    assert closes(connection, at(49), bar_limit=2) == [2.0, 3.0]
    assert closes(connection, at(50), bar_limit=2) == [2.5, 3.0]
    both = load_bars(connection, ["MSFT", "AAPL", "NONE", "AAPL"], LATER, bar_limit=1)
    assert both[["ticker", "close"]].to_numpy().tolist() == [["AAPL", 3.0], ["MSFT", 6.0]]


def test_no_tickers_and_no_bars_are_no_trouble(connection: Connection) -> None:
    assert load_bars(connection, [], LATER).empty
    assert load_bars(connection, ["AAPL"], LATER).empty
    assert upsert_bars(connection, bars([])) == {}
    assert newest_closed_at(connection, [], LATER) == {}


def test_a_bar_given_twice_is_refused_by_name(connection: Connection) -> None:
    with pytest.raises(DataContractError, match="AAPL that opened at 2025-03-31 14:00:00"):
        upsert_bars(connection, pd.concat([bars([1.0]), bars([2.0])]))


@pytest.mark.parametrize(
    "broken",
    [{"close": np.inf}, {"close": np.nan}, {"low": 0.0}, {"volume": 0.0}, {"known_at": pd.Timestamp(START)}],
    ids=str,
)
def test_a_bar_that_cannot_be_is_refused(engine: Engine, broken: dict[str, object]) -> None:
    with pytest.raises(DataContractError, match="bar_"), transaction(engine) as connection:
        upsert_bars(connection, bars([100.0]).assign(**broken))


def test_the_newest_close_is_that_of_the_instant(connection: Connection) -> None:
    upsert_bars(connection, bars([1.0, 2.0, 3.0]))

    assert newest_closed_at(connection, ["AAPL", "NONE"], at(2.5)) == {"AAPL": at(2)}
    assert newest_closed_at(connection, ["AAPL"], START) == {}


def test_a_ticker_without_features_is_changed_from_its_first_bar(connection: Connection) -> None:
    upsert_bars(connection, bars([1.0, 2.0, 3.0]))

    assert earliest_changes(connection, ["AAPL", "NONE"], LATER) == {"AAPL": at(1)}


def test_changes_start_at_the_oldest_bar_known_since_the_last_features(connection: Connection) -> None:
    upsert_bars(connection, bars([1.0, 2.0, 3.0], known_at=at(4)))
    save_features(connection, features([1.0, 2.0, 3.0], known_at=at(4)))
    assert earliest_changes(connection, ["AAPL"], at(4)) == {}

    upsert_bars(connection, bars([4.0], first=3, known_at=at(5)))
    assert earliest_changes(connection, ["AAPL"], at(5)) == {"AAPL": at(4)}

    upsert_bars(connection, bars([2.5], first=1, known_at=at(6)))
    assert earliest_changes(connection, ["AAPL"], at(6)) == {"AAPL": at(2)}
    assert earliest_changes(connection, ["AAPL"], at(5)) == {"AAPL": at(4)}


@pytest.mark.parametrize("hours", [1, 3.5, 8, 10])
def test_the_times_of_bars_are_those_of_the_bars_that_are_known(connection: Connection, hours: float) -> None:
    upsert_bars(connection, pd.concat([bars([1.0, 2.0, 3.0]), bars([1.0], ticker="B", first=2)]))
    upsert_bars(connection, bars([2.5], first=1, known_at=at(9)))

    times = load_times(connection, ["B", "AAPL"], at(hours))

    known = load_bars(connection, ["B", "AAPL"], at(hours))
    pd.testing.assert_frame_equal(times, known[["ticker", "opened_at", "closed_at"]])


def test_rejected_bars_are_kept_once_as_they_first_came(connection: Connection) -> None:
    rejected = bars([1.0, 2.0]).drop(columns="known_at").assign(reason="not_finite")
    rejected.loc[0, "close"] = np.inf
    rejected.loc[1, "low"] = np.nan
    rejected.loc[1, "volume"] = np.nan
    rejected["closed_at"] = rejected["closed_at"].where([False, True])

    assert save_rejections(connection, rejected, at(5)) == 2
    assert save_rejections(connection, rejected, at(6)) == 0
    assert save_rejections(connection, rejected.head(0), at(6)) == 0

    first, second = fetch_rows(connection, "select * from forecast.bar_rejected order by opened_at")
    assert (first["close"], first["closed_at"], first["as_of"]) == (np.inf, None, at(5))
    assert np.isnan([second["low"], second["volume"]]).all()


def test_the_same_bar_can_fail_several_checks(connection: Connection) -> None:
    rejected = pd.concat([bars([1.0]).assign(reason=reason) for reason in ("off_grid", "not_closed")])

    assert save_rejections(connection, rejected, at(5)) == 2


def test_one_call_stores_bars_of_a_new_ticker_and_compares_those_of_a_stored_one(connection: Connection) -> None:
    upsert_bars(connection, bars([1.0, 2.0]))
    given = pd.concat([bars([7.0, 8.0], ticker="NEW"), bars([2.5, 3.0], first=1, known_at=at(9))])

    counts = upsert_bars(connection, given)

    assert counts == {"AAPL": BarCounts(new=1, revised=1, unchanged=0), "NEW": BarCounts(new=2, revised=0, unchanged=0)}
    assert closes(connection, LATER) == [1.0, 2.5, 3.0]
    assert closes(connection, LATER, "NEW") == [7.0, 8.0]


def test_new_bars_that_are_compared_are_stored_like_those_that_are_copied(connection: Connection) -> None:
    given = bars([1.0, 2.0, 3.0]).assign(volume=[np.nan, 5.0, np.nan])
    counts = upsert_bars(connection, given)
    copied = everything(connection)
    execute(connection, "delete from forecast.bar")

    assert compare_bars(connection, given) == counts == {"AAPL": BarCounts(new=3, revised=0, unchanged=0)}
    assert everything(connection) == copied


def test_an_unknown_volume_is_stored_as_null(connection: Connection) -> None:
    upsert_bars(connection, bars([1.0, 2.0, 3.0]).assign(volume=[np.nan, 5.0, np.nan]))

    rows = fetch_rows(connection, "select volume from forecast.bar order by opened_at")
    assert [row["volume"] for row in rows] == [None, 5.0, None]


def test_bars_that_are_stored_are_compared_without_an_attempt_to_insert_them(engine: Engine) -> None:
    with transaction(engine) as connection:
        upsert_bars(connection, bars([1.0, 2.0]))
        upsert_bars(connection, bars([1.0, 2.0], known_at=at(9)))
        upsert_bars(connection, bars([3.0], first=2))

        # an attempt that fails leaves two dead rows before the third
        rows = fetch_rows(connection, "select ctid::text as place from forecast.bar order by opened_at")
    assert [row["place"] for row in rows] == ["(0,1)", "(0,2)", "(0,3)"]


def test_bars_that_another_transaction_stores_at_the_same_time_are_compared_with_them(engine: Engine) -> None:
    def store_others() -> dict[str, BarCounts]:
        with transaction(engine) as second:
            return upsert_bars(second, bars([1.0, 2.5, 3.0], known_at=at(9)))

    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as first:
            upsert_bars(first, bars([1.0, 2.0]))
            others = pool.submit(store_others)
            _until_one_waits(first)
        assert others.result() == {"AAPL": BarCounts(new=1, revised=1, unchanged=1)}
    with transaction(engine) as connection:
        assert closes(connection, LATER) == [1.0, 2.5, 3.0]
        assert closes(connection, at(8)) == [1.0, 2.0]


def _until_one_waits(connection: Connection) -> None:
    """Returns when another transaction of this database waits for this one."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while not fetch_rows(connection, waiting):
        execute(connection, "select pg_stat_clear_snapshot()")
        time.sleep(0.01)
