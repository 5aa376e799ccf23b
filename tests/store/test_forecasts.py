"""Forecasts and their scores: written once, matured by what was known, calibrated on the past alone."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy.exc import IntegrityError

from include.contracts import QUANTILE_COLUMNS
from include.errors import DataContractError
from include.store.bars import upsert_bars
from include.store.engine import Connection, Engine, execute, fetch_rows, transaction
from include.store.forecasts import (
    Anchored,
    Record,
    calibration_history,
    forecast_tickers,
    last_anchored,
    load_forecast,
    matured_unscored,
    newest_read_at,
    recent_records,
    sample_forecasts,
    save_baselines,
    save_predictions,
    save_scores,
)
from tests.support.rows import START, at, bars, predictions, prices, scores

pytestmark = pytest.mark.integration

AS_OF = START + timedelta(minutes=35)


def _as_of(hour: float) -> object:
    return AS_OF + hour * timedelta(hours=1)


def _forecast(connection: Connection, as_of: object = AS_OF, ticker: str = "AAPL", **changes: object) -> None:
    save_predictions(connection, predictions(as_of, ticker, **changes))  # type: ignore[arg-type]
    save_baselines(connection, prices(as_of, ticker).assign(baseline="random_walk"))  # type: ignore[arg-type]


def test_saving_forecasts_twice_equals_saving_them_once(engine: Engine) -> None:
    stored = []
    for _ in range(2):
        with transaction(engine) as connection:
            _forecast(connection)
            _forecast(connection, ticker="MSFT", is_fallback=True, fallback_reason="no model", model_version=None)
            stored.append(
                [
                    fetch_rows(connection, f"select * from forecast.{table} order by ticker")
                    for table in ("prediction", "baseline_prediction")
                ]
            )

    assert stored[0] == stored[1]
    assert [len(rows) for rows in stored[0]] == [2, 2]


def test_a_forecast_keeps_every_bit_of_its_prices(connection: Connection) -> None:
    frame = predictions(AS_OF, last_close=100.1)
    save_predictions(connection, frame)

    rows = fetch_rows(connection, "select * from forecast.prediction_by_horizon order by horizon")

    assert [[row[name] for name in QUANTILE_COLUMNS] for row in rows] == frame[
        list(QUANTILE_COLUMNS)
    ].to_numpy().tolist()
    assert [row["target_at"] for row in rows] == frame["target_at"].tolist()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"q05": 120.0}, "quantiles_are_prices_in_order"),
        ({"q975": np.inf}, "quantiles_are_prices_in_order"),
        ({"q50": np.nan}, "quantiles_are_prices_in_order"),
        ({"q025": 0.0}, "quantiles_are_prices_in_order"),
        ({"width_factor": np.nan}, "width_factor_is_positive"),
        ({"tail_width_factor": 0.0}, "tail_width_factor_is_positive"),
        ({"target_at": pd.Timestamp(START)}, "target_lies_after_anchor"),
        ({"anchored_at": pd.Timestamp(at(0.6))}, "anchor_was_known"),
        ({"is_fallback": True}, "fallback_has_a_reason"),
        ({"model_version": None}, "forecast_has_a_model"),
        ({"written_by": "thin_air"}, "written_by_is_known"),
    ],
    ids=str,
)
def test_a_forecast_that_cannot_be_is_refused(engine: Engine, change: dict[str, object], constraint: str) -> None:
    with pytest.raises(DataContractError, match=constraint), transaction(engine) as connection:
        save_predictions(connection, predictions(AS_OF).assign(**change))


def test_no_forecasts_are_no_trouble(connection: Connection) -> None:
    assert save_predictions(connection, predictions(AS_OF).head(0)) == 0
    assert save_baselines(connection, pd.DataFrame()) == 0
    assert save_scores(connection, pd.DataFrame()) == 0
    assert matured_unscored(connection, AS_OF).empty
    assert calibration_history(connection, ["AAPL"], AS_OF, limit=10).empty
    assert calibration_history(connection, [], AS_OF, limit=10).empty


def test_the_last_anchor_is_of_an_earlier_hour(connection: Connection) -> None:
    _forecast(connection, _as_of(0))
    _forecast(connection, _as_of(3))

    assert last_anchored(connection, ["AAPL", "NONE"], before=_as_of(3)) == {"AAPL": Anchored(at(0), None)}
    assert last_anchored(connection, ["AAPL"], before=_as_of(4)) == {"AAPL": Anchored(at(3), None)}
    assert last_anchored(connection, ["AAPL"], before=_as_of(0)) == {}


def test_the_last_anchor_of_a_refreshed_forecast_has_the_time_of_its_price(connection: Connection) -> None:
    _forecast(connection, _as_of(0), is_refresh=True, believed_price=101.0, believed_at=at(0.5))

    assert last_anchored(connection, ["AAPL"], before=_as_of(3)) == {"AAPL": Anchored(at(0), at(0.5))}


def test_a_refreshed_forecast_has_a_price_that_was_known(connection: Connection) -> None:
    price = {"is_refresh": True, "believed_price": 101.0, "believed_at": at(0.5)}
    for change in ({"is_refresh": False}, {"believed_price": None}, {"believed_at": at(9)}):
        with pytest.raises(IntegrityError), connection.begin_nested():
            _forecast(connection, _as_of(0), **(price | change))


def test_refreshed_forecasts_are_scored_apart_and_calibrate_nothing(connection: Connection) -> None:
    upsert_bars(connection, bars([100.0, 101.0, 102.0], first=-1))
    _forecast(connection, _as_of(0))
    _forecast(connection, _as_of(0.1), is_refresh=True, believed_price=101.0, believed_at=at(0.5))

    matured = matured_unscored(connection, at(3))
    save_scores(connection, scores(matured, at(3)))

    refreshed = matured.groupby("as_of")["is_refresh"].agg(["all", "any"])
    assert refreshed.loc[_as_of(0)].tolist() == [False, False]
    assert refreshed.loc[_as_of(0.1)].tolist() == [True, True]
    assert set(calibration_history(connection, ["AAPL"], at(3), limit=9)["as_of"]) == {_as_of(0)}
    assert recent_records(connection, ["AAPL"], at(4), limit=9)["AAPL"].count == 1


def test_a_forecast_matures_with_its_twin_when_its_bar_is_known(connection: Connection) -> None:
    _forecast(connection)
    upsert_bars(connection, bars([101.0, 102.0]))

    assert matured_unscored(connection, at(1)).empty  # closed, but not yet known
    matured = matured_unscored(connection, _as_of(1))

    assert matured[["ticker", "horizon", "method", "actual_close", "last_close"]].to_numpy().tolist() == [
        ["AAPL", 1, "hourcast", 101.0, 100.0],
        ["AAPL", 1, "random_walk", 101.0, 100.0],
    ]
    assert matured["actual_known_at"].tolist() == [at(1) + timedelta(minutes=2)] * 2
    assert matured_unscored(connection, _as_of(2))["horizon"].tolist() == [1, 1, 2, 2]


def test_a_forecast_does_not_mature_in_the_hour_that_made_it(connection: Connection) -> None:
    """A late feed can leave a target behind the hour that forecasts it."""
    upsert_bars(connection, bars([101.0]))
    late = predictions(_as_of(3), anchored_at=START).head(1).assign(target_at=pd.Timestamp(at(1)))  # type: ignore[arg-type]
    save_predictions(connection, late)

    assert matured_unscored(connection, _as_of(3)).empty
    assert len(matured_unscored(connection, _as_of(4))) == 1


def test_a_record_sums_up_the_newest_forecasts_that_were_scored_by_then(connection: Connection) -> None:
    closes = [100.0, 150.0, 150.0, 150.0, 150.0]  # the second forecast's outcome lies outside of its interval
    upsert_bars(connection, bars(closes))
    for hour, ours in enumerate((10.0, 14.0, 40.0)):
        _forecast(connection, _as_of(hour), last_close=100.0)
        har = prices(_as_of(hour)).assign(baseline="seasonal_har")  # type: ignore[arg-type]
        save_baselines(connection, har if hour else har.iloc[:0])
        matured = matured_unscored(connection, _as_of(hour + 1))
        rows = matured[(matured["method"] != "random_walk") & (matured["horizon"] == 1)]
        losses = rows["method"].map({"hourcast": ours, "seasonal_har": 11.0})
        save_scores(connection, scores(rows, _as_of(hour + 1)).assign(crps=losses))  # type: ignore[arg-type]

    assert recent_records(connection, ["AAPL", "NONE"], _as_of(1), 9) == {}  # type: ignore[arg-type]
    assert recent_records(connection, ["AAPL"], _as_of(2), 9) == {"AAPL": Record(1, 1.0, 0, None, None)}  # type: ignore[arg-type]
    two = recent_records(connection, ["AAPL"], _as_of(3), 9)["AAPL"]  # type: ignore[arg-type]
    assert two == Record(2, 0.5, 1, 3.0, None)
    three = recent_records(connection, ["AAPL"], _as_of(9), 2)["AAPL"]  # type: ignore[arg-type]
    assert (three.count, three.har_count, three.har_difference) == (2, 2, 16.0)
    assert three.har_deviation == pytest.approx(26.0 / np.sqrt(2.0))


def test_who_has_a_forecast_of_an_instant_is_known(connection: Connection) -> None:
    _forecast(connection)
    assert forecast_tickers(connection, ["AAPL", "NONE"], AS_OF) == {"AAPL"}
    assert forecast_tickers(connection, ["AAPL"], at(9)) == set()


def test_a_score_is_given_once(connection: Connection) -> None:
    _forecast(connection)
    upsert_bars(connection, bars([101.0]))
    matured = matured_unscored(connection, _as_of(1))

    assert save_scores(connection, scores(matured, _as_of(1))) == 1  # type: ignore[arg-type]
    assert save_scores(connection, scores(matured, _as_of(2), crps=99.0)) == 0  # type: ignore[arg-type]

    assert matured_unscored(connection, _as_of(1)).empty
    assert fetch_rows(connection, "select distinct crps, scored_as_of from forecast.score_by_method") == [
        {"crps": 10.0, "scored_as_of": _as_of(1)}
    ]


def test_the_actual_is_the_one_known_at_the_scoring_hour(connection: Connection) -> None:
    _forecast(connection)
    upsert_bars(connection, bars([101.0], known_at=at(1)))
    upsert_bars(connection, bars([90.0], known_at=at(5)))

    assert matured_unscored(connection, _as_of(1))["actual_close"].unique().tolist() == [101.0]
    assert matured_unscored(connection, _as_of(5))["actual_close"].unique().tolist() == [90.0]


def test_a_forecast_whose_target_becomes_known_more_than_30_days_late_is_never_scored(connection: Connection) -> None:
    _forecast(connection)
    upsert_bars(connection, bars([101.0], known_at=at(2)))
    limit = at(1) + timedelta(days=30)

    assert len(matured_unscored(connection, limit)) == 2
    assert matured_unscored(connection, limit + timedelta(microseconds=1)).empty
    assert len(matured_unscored(connection, limit + timedelta(days=1), reach=timedelta(days=50))) == 2


def test_calibration_undoes_the_width_factors_about_the_median(connection: Connection) -> None:
    raw = np.log(prices(AS_OF)[list(QUANTILE_COLUMNS)].to_numpy() / 100.0)
    median = raw[:, 4:5]
    stretch = np.array([1.5, 1.5, 1.44, 1.2, 1.0, 1.2, 1.44, 1.5, 1.5])
    widened = pd.DataFrame(100.0 * np.exp(median + stretch * (raw - median)), columns=list(QUANTILE_COLUMNS))
    save_predictions(connection, predictions(AS_OF).assign(width_factor=1.44, tail_width_factor=1.5, **widened))
    upsert_bars(connection, bars([101.0, 98.0]))

    history = calibration_history(connection, ["AAPL"], _as_of(2), limit=10)

    assert history["horizon"].tolist() == [1, 2]
    np.testing.assert_allclose(history[list(QUANTILE_COLUMNS)].to_numpy(), raw[:2], atol=1e-14)
    np.testing.assert_allclose(history["outcome"], np.log([1.01, 0.98]))


def test_a_forecast_with_one_width_factor_had_its_tails_stretched_by_that(connection: Connection) -> None:
    raw = np.log(prices(AS_OF)[list(QUANTILE_COLUMNS)].to_numpy() / 100.0)
    median = raw[:, 4:5]
    widened = pd.DataFrame(100.0 * np.exp(median + 1.5 * (raw - median)), columns=list(QUANTILE_COLUMNS))
    save_predictions(connection, predictions(AS_OF).assign(width_factor=1.5, tail_width_factor=None, **widened))
    upsert_bars(connection, bars([101.0, 98.0]))

    history = calibration_history(connection, ["AAPL"], _as_of(2), limit=10)

    judged = ["q05", "q10", "q50", "q90", "q95"]
    columns = [QUANTILE_COLUMNS.index(name) for name in judged]
    np.testing.assert_allclose(history[judged].to_numpy(), raw[:2, columns], atol=1e-14)


def test_calibration_reads_the_past_alone(connection: Connection) -> None:
    for hour in range(3):
        _forecast(connection, _as_of(hour))
    _forecast(connection, _as_of(3), is_fallback=True, fallback_reason="no model", model_version=None)
    upsert_bars(connection, bars([101.0] * 6))
    upsert_bars(connection, bars([50.0], known_at=at(6)))  # a revision that comes later

    history = calibration_history(connection, ["AAPL"], _as_of(3), limit=10)

    assert history[["as_of", "horizon"]].to_numpy().tolist() == [
        [_as_of(0), 1],
        [_as_of(0), 2],
        [_as_of(0), 3],
        [_as_of(1), 1],
        [_as_of(1), 2],
        [_as_of(2), 1],
    ]
    np.testing.assert_allclose(history["outcome"], np.log(1.01))


def test_an_hour_that_runs_again_calibrates_without_forecasts_that_were_written_after_its_own(
    connection: Connection,
) -> None:
    for hour in (0, 2, 1):
        _forecast(connection, _as_of(hour))
    upsert_bars(connection, bars([101.0] * 6))
    execute(connection, "update forecast.prediction set made_at = now() - as_of::time")  # the clock jumps

    assert set(calibration_history(connection, ["AAPL"], _as_of(2), limit=9)["as_of"]) == {_as_of(0)}
    assert set(calibration_history(connection, ["AAPL"], _as_of(3), limit=9)["as_of"]) == {*map(_as_of, range(3))}


def test_forecasts_from_before_the_count_of_writings_keep_to_their_times(connection: Connection) -> None:
    for hour in (0, 1, 2):
        _forecast(connection, _as_of(hour))
    upsert_bars(connection, bars([101.0] * 6))
    execute(connection, "update forecast.prediction set written_number = null")
    late = "update forecast.prediction set made_at = made_at + interval '1 hour' where as_of = :as_of"
    execute(connection, late, {"as_of": _as_of(1)})
    assert set(calibration_history(connection, ["AAPL"], _as_of(2), limit=9)["as_of"]) == {_as_of(0)}
    _forecast(connection, _as_of(3))
    assert set(calibration_history(connection, ["AAPL"], _as_of(2), limit=9)["as_of"]) == {_as_of(0)}
    assert set(calibration_history(connection, ["AAPL"], _as_of(3), limit=9)["as_of"]) == {*map(_as_of, range(3))}


def test_calibration_takes_each_tickers_newest_forecasts(connection: Connection) -> None:
    for hour in range(4):
        _forecast(connection, _as_of(hour))
    _forecast(connection, _as_of(0), "MSFT")
    upsert_bars(connection, pd.concat([bars([101.0] * 6), bars([101.0] * 6, "MSFT")]))

    history = calibration_history(connection, ["MSFT", "AAPL"], _as_of(5), limit=2)

    assert history.groupby("ticker")["as_of"].unique().map(list).to_dict() == {
        "AAPL": [_as_of(2), _as_of(3)],
        "MSFT": [_as_of(0)],
    }


def test_one_forecast_comes_back_with_its_twins_in_order_and_with_the_instant_it_was_written(
    connection: Connection,
) -> None:
    for hour in range(3):
        _forecast(connection, _as_of(hour))

    forecast, baselines = load_forecast(connection, "AAPL", _as_of(1))

    assert [row["horizon"] for row in forecast] == [row["horizon"] for row in baselines] == list(range(1, 8))
    assert {row["as_of"] for row in forecast + baselines} == {_as_of(1)}
    assert all(row["made_at"] for row in forecast + baselines)
    assert load_forecast(connection, "AAPL", _as_of(9)) == ([], [])


def test_a_sample_of_forecasts_is_the_same_for_the_same_seed_and_no_larger_than_what_is_there(
    connection: Connection,
) -> None:
    for hour in range(9):
        _forecast(connection, _as_of(hour))

    drawn = sample_forecasts(connection, 4, 1)

    assert drawn == sample_forecasts(connection, 4, 1)
    assert drawn != sample_forecasts(connection, 4, 2)
    assert len(drawn) == 4
    assert sorted(sample_forecasts(connection, 99, 1)) == [("AAPL", _as_of(hour)) for hour in range(9)]


def test_the_newest_instant_at_which_a_ticker_was_read_is_that_of_its_newest_forecast_where_no_hour_ran(
    connection: Connection,
) -> None:
    assert newest_read_at(connection, "AAPL") is None
    for hour in (3, 1):
        _forecast(connection, _as_of(hour))
    assert newest_read_at(connection, "AAPL") == _as_of(3)
