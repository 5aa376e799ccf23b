"""A split moves the whole series; earlier hours read what they had read, and forecasts follow the scale."""

from datetime import timedelta

import numpy as np
import pytest

from include.contracts import Split
from include.market.splits import shifts
from include.store import registry
from include.store.bars import load_bars, oldest_revised, upsert_bars
from include.store.engine import Connection, execute, fetch_rows
from include.store.forecasts import calibration_history, matured_unscored, save_baselines, save_predictions, save_scores
from include.store.overlap import load_overlap
from include.store.splits import move_to_scale, splits_since, unannounced_at
from tests.support.rows import START, at, bars, predictions, prices, scores, track

pytestmark = pytest.mark.integration

OLD = [100.0, 101.0, 100.5, 99.0, 100.0]
SEEN_AT = at(6.6)
TEN = Split("AAPL", at(5), 10.0)


def reading(closes: list[float] = OLD, factor: float = 10.0) -> object:
    """What the source gives after the split: the older bars on the new scale, and a new one."""
    given = bars([*(value / factor for value in closes), 10.2], volume=1000.0)
    return given.drop(columns="known_at")


def closes(connection: Connection, as_of: object) -> list[float]:
    return load_bars(connection, ["AAPL"], as_of)["close"].tolist()  # type: ignore[arg-type]


def test_old_bars_on_another_scale_show_as_one_shift(connection: Connection) -> None:
    upsert_bars(connection, bars(OLD))
    stored = load_overlap(connection, {"AAPL": at(0)}, SEEN_AT, past_bars=3)
    (shift,) = shifts(stored, reading(), {})  # type: ignore[arg-type]
    assert (shift.ticker, shift.overlap_count, shift.agreeing_ratio) == ("AAPL", 5, 1.0)
    assert shift.log_ratio == pytest.approx(np.log(10))
    assert (shift.newest_overlap_at, shift.has_newer) == (at(4), True)
    assert (shift.low, shift.high) == (pytest.approx(np.log(10)), pytest.approx(np.log(10)))
    assert shifts(stored, bars([*OLD, 10.2]), {}) == []
    assert shifts(stored, bars([]), {}) == []


def test_the_overlap_is_what_was_known_then_and_some_bars_before_it(connection: Connection) -> None:
    upsert_bars(connection, bars(OLD))
    upsert_bars(connection, bars([50.0, 51.0], "MSFT", first=2))
    upsert_bars(connection, bars([99.5], first=3, known_at=at(9)))
    loaded = load_overlap(connection, {"AAPL": at(2), "MSFT": at(9), "NONE": at(0)}, SEEN_AT, past_bars=1)
    assert loaded["ticker"].tolist() == ["AAPL"] * 4 + ["MSFT"]
    assert loaded["close"].tolist() == [101.0, 100.5, 99.0, 100.0, 51.0]
    assert load_overlap(connection, {"AAPL": at(3)}, at(9), past_bars=1)["close"].tolist() == [100.5, 99.5, 100.0]
    assert load_overlap(connection, {}, SEEN_AT, past_bars=1).empty


def test_the_whole_series_moves_at_once_and_earlier_instants_read_the_old_scale(connection: Connection) -> None:
    upsert_bars(connection, bars([90.0, *OLD], first=-1))
    given = reading()

    assert move_to_scale(connection, TEN, SEEN_AT, given)  # type: ignore[arg-type]
    upsert_bars(connection, given.assign(known_at=SEEN_AT))  # type: ignore[attr-defined]

    np.testing.assert_allclose(closes(connection, SEEN_AT), [9.0, 10.0, 10.1, 10.05, 9.9, 10.0, 10.2])
    assert closes(connection, SEEN_AT - timedelta(minutes=1)) == [90.0, *OLD]
    assert load_bars(connection, ["AAPL"], SEEN_AT)["volume"].tolist() == [1000.0] * 7
    assert oldest_revised(connection, ["AAPL"], START, SEEN_AT) == {}
    assert splits_since(connection, ["AAPL"], SEEN_AT, START) == [TEN]
    assert splits_since(connection, ["AAPL"], SEEN_AT - timedelta(hours=1), START) == []
    # the next look at the same bars finds nothing new
    counts = upsert_bars(connection, given.assign(known_at=SEEN_AT + timedelta(hours=1)))  # type: ignore[attr-defined]
    assert (counts["AAPL"].new, counts["AAPL"].revised) == (0, 0)


def test_volumes_that_the_source_rounds_after_a_split_are_no_revisions(connection: Connection) -> None:
    upsert_bars(connection, bars(OLD, volume=1001.0))
    split = Split("AAPL", at(5), 1.5)
    newest = reading(factor=1.5).tail(1)  # type: ignore[attr-defined]

    assert move_to_scale(connection, split, SEEN_AT, newest)
    rounded = reading(factor=1.5).assign(volume=1501.0, known_at=SEEN_AT + timedelta(hours=1))  # type: ignore[attr-defined]
    assert upsert_bars(connection, rounded.head(5))["AAPL"].revised == 0

    assert load_bars(connection, ["AAPL"], SEEN_AT)["volume"].tolist() == [1501.5] * 5


@pytest.mark.parametrize("later", ["hour", "bar", "forecast"])
def test_a_series_that_was_read_later_is_not_moved(connection: Connection, later: str) -> None:
    track(connection, "AAPL", as_of=START)
    upsert_bars(connection, bars(OLD))
    if later == "hour":
        registry.plan_hour(connection, at(7.6), 1, 1)
        execute(connection, "update forecast.outcome set stage = 'fetched'")
    elif later == "bar":
        upsert_bars(connection, bars([10.3], first=6, known_at=at(7.6)))
    else:
        save_predictions(connection, predictions(at(7.6)))

    assert not move_to_scale(connection, TEN, SEEN_AT, reading())  # type: ignore[arg-type]

    assert closes(connection, SEEN_AT) == OLD
    assert fetch_rows(connection, "select * from forecast.split") == []


def test_a_forecast_from_before_a_split_meets_its_actual_on_one_scale(connection: Connection) -> None:
    as_of = at(4.6)
    save_predictions(connection, predictions(as_of))
    save_baselines(connection, prices(as_of).assign(baseline="random_walk"))
    upsert_bars(connection, bars(OLD))
    move_to_scale(connection, TEN, SEEN_AT, reading())  # type: ignore[arg-type]
    upsert_bars(connection, reading().assign(known_at=SEEN_AT))  # type: ignore[attr-defined]

    matured = matured_unscored(connection, SEEN_AT)

    first = matured[matured["horizon"] == 1]
    assert first["actual_close"].tolist() == [pytest.approx(10.0)] * 2
    assert first["last_close"].tolist() == [pytest.approx(10.0)] * 2
    np.testing.assert_allclose(first["q50"], 10.0)
    assert set(matured["horizon"]) == {1, 2}
    history = calibration_history(connection, ["AAPL"], SEEN_AT, limit=10)
    np.testing.assert_allclose(history["outcome"], np.log([1.0, 1.02]), atol=1e-12)
    # as of an instant before the split nothing is divided
    before = matured_unscored(connection, at(5.5))
    assert before["last_close"].unique().tolist() == [100.0]


def test_people_see_forecasts_and_errors_on_todays_scale(connection: Connection) -> None:
    track(connection, "AAPL", as_of=START)
    save_predictions(connection, predictions(at(3.6)))
    save_baselines(connection, prices(at(3.6)).assign(baseline="random_walk"))
    upsert_bars(connection, bars(OLD))
    save_scores(connection, scores(matured_unscored(connection, at(4.6)), at(4.6)))
    move_to_scale(connection, TEN, SEEN_AT, reading())  # type: ignore[arg-type]

    (row,) = fetch_rows(connection, "select * from bi.forecast where horizon = 1")
    assert (row["last_close"], row["q50"]) == (pytest.approx(10.0), pytest.approx(10.0))
    assert (row["actual_close"], row["absolute_error"]) == (pytest.approx(9.9), pytest.approx(0.1))
    assert (row["last_close_absolute_error"], row["split_factor"]) == (pytest.approx(0.1), pytest.approx(10.0))
    (row,) = fetch_rows(connection, "select * from bi.latest_forecast where horizon = 1")
    assert (row["q50"], row["random_walk_q50"]) == (pytest.approx(10.0), pytest.approx(10.0))
    (row,) = fetch_rows(connection, "select * from bi.accuracy where horizon = 1")
    assert row["mean_absolute_error"] == pytest.approx(0.1)
    assert row["last_close_mean_absolute_error"] == pytest.approx(0.1)
    band = fetch_rows(connection, "select close__yhat from bi.superset_forecast where close__yhat is not null")
    assert [item["close__yhat"] for item in band] == [pytest.approx(10.0)] * 7
    (row,) = fetch_rows(connection, "select sum(revision_count) as n from bi.data_quality")
    assert row["n"] == 0


def test_a_change_of_unit_moves_the_bars_before_it_and_leaves_their_volumes(connection: Connection) -> None:
    upsert_bars(connection, bars([*OLD, 1.0]))
    unit = Split("AAPL", at(5), 100.0, is_volume_scaled=False)

    assert move_to_scale(connection, unit, SEEN_AT, bars([]), {"odds": 40.0})

    np.testing.assert_allclose(closes(connection, SEEN_AT), [1.0, 1.01, 1.005, 0.99, 1.0, 1.0])
    assert load_bars(connection, ["AAPL"], SEEN_AT)["volume"].tolist() == [100.0] * 6
    assert len(fetch_rows(connection, "select * from forecast.bar_revision")) == 5
    (change,) = unannounced_at(connection, ["AAPL"], SEEN_AT)
    assert (change.split, change.evidence) == (unit, {"odds": 40.0})
    assert unannounced_at(connection, ["AAPL"], SEEN_AT + timedelta(hours=1)) == []
    assert unannounced_at(connection, ["MSFT"], SEEN_AT) == []


def test_one_reading_may_show_several_splits(connection: Connection) -> None:
    for split in (TEN, Split("AAPL", at(3), 0.1)):
        assert move_to_scale(connection, split, SEEN_AT, bars([]), {})
    assert len(splits_since(connection, ["AAPL"], SEEN_AT, START)) == 2
    (row,) = fetch_rows(
        connection, "select factor from forecast.split_factor_between('AAPL', '2020-01-01', 'infinity')"
    )
    assert row["factor"] == pytest.approx(1.0)
