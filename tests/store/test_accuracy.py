"""The sums of the scores are those that a reader would get by adding up the scores, whenever each was added."""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.contracts import Split
from include.store.accuracy import LEVEL_NAMES, TABLES, TICKER_SUMS, Recount, count_if_empty, recount
from include.store.bars import upsert_bars
from include.store.engine import Connection, execute, fetch_rows
from include.store.forecasts import matured_unscored, save_baselines, save_predictions, save_scores
from include.store.splits import move_to_scale
from tests.support.rows import START, at, bars, predictions, prices, scores, track

pytestmark = pytest.mark.integration

CLOSES = [100.0 + 3.0 * math.sin(k) for k in range(60)]
ONE = ("AAPL", 1, False)


def save_forecasts(connection: Connection, hours: Iterable[int], ticker: str = "AAPL") -> None:
    """Forecasts of several hours, each from the close of the bar before it; every 11th is a fallback without HAR."""
    fallback = {"is_fallback": True, "fallback_reason": "no model yet", "model_version": None}
    ours, walks, hars = [], [], []
    for hour in hours:
        as_of = at(hour) + timedelta(minutes=35)
        ours.append(predictions(as_of, ticker, CLOSES[hour - 1], **(fallback if hour % 11 == 0 else {})))
        beside = prices(as_of, ticker, CLOSES[hour - 1])
        walks.append(beside.assign(baseline="random_walk"))
        if hour % 11:
            hars.append(beside.assign(baseline="seasonal_har"))
    save_predictions(connection, pd.concat(ours))
    save_baselines(connection, pd.concat([*walks, *hars]))


def score(connection: Connection, as_of: datetime) -> int:
    """Scores what has matured; losses differ from forecast to forecast, ours from the baselines'."""
    matured = matured_unscored(connection, as_of)
    if matured.empty:
        return 0
    hours = (matured["as_of"] - pd.Timestamp(START)).dt.total_seconds() / 3600
    losses = (
        10.1 + np.cos(hours) + matured["horizon"] / 7 + matured["method"].map({"hourcast": 0.0, "random_walk": 0.3})
    )
    return save_scores(
        connection, scores(matured, as_of).assign(crps=losses.fillna(12.3), pinball=losses.fillna(12.3) / 3)
    )


def history(connection: Connection, tickers: Sequence[str] = ("AAPL",), until: int = 40) -> None:
    """Hours of forecasts over several days, scored some hours at a time; the last forecast is a refreshed one."""
    track(connection, *tickers)
    for ticker in tickers:
        upsert_bars(connection, bars(CLOSES[:until], ticker))
        save_forecasts(connection, range(1, until), ticker)
    refresh = {"is_refresh": True, "believed_price": 101.0, "believed_at": at(20)}
    save_predictions(connection, predictions(at(20) + timedelta(minutes=10), **refresh))
    for hours in (9, 17, 18, 31, until):
        score(connection, at(hours) + timedelta(minutes=35))


def stored(connection: Connection, table: str) -> list[dict[str, Any]]:
    return fetch_rows(connection, f"select to_jsonb(t) as content from forecast.{table} as t order by 1")


def everything(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    return {table: stored(connection, table) for table in TABLES}


def scored_rows(connection: Connection) -> pd.DataFrame:
    """Each regular scored forecast of the day's views, with the losses of all methods, by plain joins."""
    rows = fetch_rows(
        connection,
        """
        select
            prediction.*, ours.crps, ours.pinball, ours.absolute_error,
            ours.actual_close, walk.crps as walk, har.crps as har,
            ours.is_inside_50, ours.is_inside_80, ours.is_inside_90, ours.is_inside_95,
            (prediction.target_at at time zone 'America/New_York')::date as day
        from forecast.prediction_by_horizon as prediction
        inner join forecast.score_by_method as ours using (ticker, as_of, horizon)
        left join forecast.score_by_method as walk on (walk.ticker, walk.as_of, walk.horizon, walk.method)
            = (ours.ticker, ours.as_of, ours.horizon, 'random_walk')
        left join forecast.score_by_method as har on (har.ticker, har.as_of, har.horizon, har.method)
            = (ours.ticker, ours.as_of, ours.horizon, 'seasonal_har')
        where ours.method = 'hourcast'
        """,
    )
    return pd.DataFrame(rows)


def test_the_sums_of_a_day_are_those_of_its_scores(connection: Connection) -> None:
    history(connection)
    rows = scored_rows(connection)

    days = fetch_rows(connection, "select * from forecast.accuracy_day where horizon = 1 and not is_refresh")
    assert len(days) == 3
    for day in days:
        chosen = rows[(rows["horizon"] == 1) & ~rows["is_refresh"] & (rows["day"] == day["day_exchange"])]
        beside = chosen[chosen["har"].notna()]
        assert day["forecast_count"] == len(chosen) > 0
        assert day["fallback_count"] == chosen["is_fallback"].sum()
        assert day["har_count"] == len(beside)
        assert day["crps"] == sum(round(value * 1e6) for value in chosen["crps"])
        assert day["pinball"] == pytest.approx(chosen["pinball"].sum() * 1e6, rel=1e-6)  # stored as real
        assert day["random_walk_crps"] == sum(round(value * 1e6) for value in chosen["walk"])
        assert day["beside_har_crps"] == sum(round(value * 1e6) for value in beside["crps"])
        assert float(day["absolute_error"]) == pytest.approx(chosen["absolute_error"].sum())
        assert float(day["last_close_absolute_error"]) == pytest.approx(
            (chosen["actual_close"] - chosen["last_close"]).abs().sum()
        )
        for width in (50, 80, 90, 95):
            assert day[f"inside_{width}_count"] == chosen[f"is_inside_{width}"].sum()
        for level in LEVEL_NAMES:
            assert day[f"below_{level}_count"] == (chosen["actual_close"] <= chosen[f"q{level}"]).sum()
    assert {len(LEVEL_NAMES)} == {sum(name.startswith("below_") for name in TICKER_SUMS)}


def test_refreshed_forecasts_have_sums_of_their_own(connection: Connection) -> None:
    history(connection)

    found = fetch_rows(connection, "select sum(forecast_count) as total from forecast.accuracy_total where is_refresh")
    assert found == [{"total": 7}]


def test_the_total_has_what_the_errors_need(connection: Connection) -> None:
    history(connection)

    (total,) = fetch_rows(
        connection, "select * from forecast.accuracy_total where ticker = :t and horizon = :h and is_refresh = :r",
        dict(zip("thr", ONE, strict=True)),
    )  # fmt: skip
    days = pd.DataFrame(
        fetch_rows(connection, "select * from forecast.accuracy_day where horizon = 1 and not is_refresh")
    )
    assert total["day_count"] == total["har_day_count"] == len(days)
    assert total["forecast_count"] == days["forecast_count"].sum()
    assert total["random_walk_crps_square"] == sum(int(value) ** 2 for value in days["random_walk_crps"])
    assert total["har_crps_product"] == sum(
        int(a) * int(b) for a, b in zip(days["har_crps"], days["beside_har_crps"], strict=True)
    )
    assert (total["first_target_at"], total["last_target_at"]) == (at(2), at(40))


def test_adding_some_hours_at_a_time_is_the_same_as_counting_everything_again(connection: Connection) -> None:
    history(connection, ("AAPL", "MSFT"))
    before = everything(connection)

    assert recount(connection) == Recount(len(scored_rows(connection)), 0)
    assert everything(connection) == before
    assert recount(connection, ["MSFT"]).changed_count == 0
    assert everything(connection) == before


def test_a_late_bar_and_a_rerun_add_each_score_once(connection: Connection) -> None:
    history(connection)
    assert score(connection, at(41)) == 0
    before = everything(connection)
    assert before == everything(connection)

    upsert_bars(connection, bars([103.0], first=40, known_at=at(50)))
    assert score(connection, at(51)) > 0
    assert everything(connection) != before
    assert recount(connection).changed_count == 0


def test_a_recount_mends_what_is_wrong_and_counts_it(connection: Connection) -> None:
    history(connection)
    before = everything(connection)
    execute(connection, "update forecast.accuracy_day set crps = crps + 1 where horizon = 2 and not is_refresh")
    execute(connection, "delete from forecast.accuracy_total where horizon = 3")
    changed = len(fetch_rows(connection, "select from forecast.accuracy_day where horizon = 2 and not is_refresh"))

    assert recount(connection).changed_count == changed + 2
    assert everything(connection) == before


def test_prices_are_on_todays_scale_after_a_split(connection: Connection) -> None:
    history(connection)
    days = """
        select day_exchange, absolute_error, crps from forecast.accuracy_day
        where horizon = 1 and not is_refresh order by 1
    """
    before = fetch_rows(connection, days)

    assert move_to_scale(connection, Split("AAPL", at(41), 4.0), at(45), bars([]))
    after = fetch_rows(connection, days)

    assert [row["crps"] for row in after] == [row["crps"] for row in before]
    assert [float(row["absolute_error"]) for row in after] == pytest.approx(
        [float(row["absolute_error"]) / 4 for row in before]
    )
    assert recount(connection).changed_count == 0


def test_a_day_is_a_day_of_the_exchange(connection: Connection) -> None:
    history(connection)

    found = fetch_rows(connection, "select distinct day_exchange as day from forecast.accuracy_day order by 1")
    assert [row["day"] for row in found] == [date(2025, 3, 31), date(2025, 4, 1), date(2025, 4, 2)]


def test_scores_from_before_the_tables_are_counted_once(connection: Connection) -> None:
    history(connection)
    before = everything(connection)
    for table in TABLES:
        execute(connection, f"delete from forecast.{table}")

    count_if_empty(connection)
    assert everything(connection) == before
    count_if_empty(connection)
    assert everything(connection) == before


def test_markets_add_up_their_tickers(connection: Connection) -> None:
    history(connection, ("AAPL", "MSFT"))

    (found,) = fetch_rows(
        connection,
        """
        select
            (select sum(crps) from forecast.accuracy_market_day where calendar = 'XNYS') as market,
            (select sum(crps) from forecast.accuracy_day) as tickers,
            (select sum(forecast_count) from forecast.accuracy_market_day) as market_count,
            (select sum(forecast_count) from forecast.accuracy_total) as total_count
        """,
    )
    assert found["market"] == found["tickers"]
    assert found["market_count"] == found["total_count"]
