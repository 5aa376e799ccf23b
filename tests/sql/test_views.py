"""The views, by example: what was stored, and what people see of it."""

from datetime import date, datetime, timedelta

import pytest

from tests.sql.conftest import AS_OF, CLOSES, NEXT, Ask
from tests.support.rows import START, at

pytestmark = pytest.mark.integration


def test_the_latest_forecast_is_the_newest_of_each_ticker(ask: Ask) -> None:
    rows = ask("select * from bi.latest_forecast order by ticker, horizon")

    assert [(row["ticker"], row["as_of"], row["horizon"]) for row in rows] == [
        (ticker, NEXT, horizon) for ticker in ("AAPL", "WALK") for horizon in range(1, 8)
    ]
    first = rows[0]
    assert {(row["is_past"], row["is_next"]) for row in rows} == {(True, False)}
    assert first["target_at"] == at(2)
    assert first["target_at_exchange"] == datetime(2025, 3, 31, 12, 0)  # noqa: DTZ001  # the clock in New York
    assert (first["last_close"], first["q05"], first["q50"], first["q95"]) == (101.0, 98.0, 101.0, 104.0)
    assert (first["random_walk_q05"], first["random_walk_q50"], first["random_walk_q95"]) == (97.0, 100.0, 103.0)
    assert (first["har_q05"], first["har_q50"], first["har_q95"]) == (96.0, 99.0, 102.0)
    assert (first["is_fallback"], first["model_version"], first["name"]) == (False, "m1", "AAPL Inc.")
    assert (rows[7]["is_fallback"], rows[7]["fallback_reason"]) == (True, "no model yet")


def test_a_forecast_shows_what_came_and_both_errors(ask: Ask) -> None:
    first, second, third = ask(
        "select * from bi.forecast where ticker = 'AAPL' and as_of = %s and horizon <= 3 order by horizon", AS_OF
    )

    assert (first["actual_close"], first["absolute_error"], first["last_close_absolute_error"]) == (CLOSES[0], 1.0, 1.0)
    assert (first["is_inside_50"], first["is_inside_95"], first["crps"]) == (True, True, 9.0)
    assert (second["actual_close"], second["absolute_error"]) == (CLOSES[1], 2.0)
    assert (third["actual_close"], third["absolute_error"], third["is_inside_90"]) == (None, None, None)


def test_every_forecast_ever_made_is_there_once(ask: Ask) -> None:
    (row,) = ask("select count(*) as n, count(distinct (ticker, as_of, horizon)) as keys from bi.forecast")

    assert row == {"n": 21, "keys": 21}


def test_accuracy_sums_up_scored_forecasts_beside_the_random_walk(ask: Ask) -> None:
    rows = ask("select * from bi.accuracy order by ticker, horizon")

    assert [(row["ticker"], row["horizon"], row["forecast_count"], row["fallback_count"]) for row in rows] == [
        ("AAPL", 1, 2, 0),
        ("AAPL", 2, 1, 0),
    ]
    nearest = rows[0]
    # forecasts of 100 and 101 met 101 and 98
    assert nearest["mean_absolute_error"] == pytest.approx((1 + 3) / 2)
    assert nearest["last_close_mean_absolute_error"] == pytest.approx((1 + 3) / 2)
    assert (nearest["mean_crps"], nearest["random_walk_mean_crps"]) == (9.0, 10.0)
    assert nearest["crps_skill_ratio"] == pytest.approx(0.1)
    assert (nearest["coverage_50_ratio"], nearest["coverage_95_ratio"]) == (0.5, 1.0)
    assert (nearest["first_target_at"], nearest["last_target_at"]) == (at(1), at(2))


def test_a_ticker_shows_where_it_stands_and_how_fresh_it_is(ask: Ask) -> None:
    rows = {row["ticker"]: row for row in ask("select *, now() as asked_at from bi.ticker_status")}

    assert sorted(rows) == ["AAPL", "NEW", "NOVA-USD.SIM", "WALK"]
    apple = rows["AAPL"]
    assert (apple["status"], apple["last_bar_closed_at"], apple["last_forecast_as_of"]) == ("active", at(2), NEXT)
    assert apple["next_target_at"] is None  # all are past
    assert float(apple["last_bar_age_hours"]) == pytest.approx((apple["asked_at"] - at(2)) / timedelta(hours=1))
    assert (apple["last_outcome_as_of"], apple["last_outcome_status"]) == (NEXT, "forecast")
    assert rows["WALK"]["is_last_forecast_fallback"] is True
    assert (rows["NOVA-USD.SIM"]["is_simulated"], rows["NOVA-USD.SIM"]["last_outcome_reason"]) == (
        True,
        "fetch: timeout",
    )
    assert (rows["NEW"]["status"], rows["NEW"]["status_reason"]) == ("pending", "Yahoo cannot be reached")
    assert (rows["NEW"]["last_bar_closed_at"], rows["NEW"]["calendar"]) == (None, None)


def test_a_day_of_a_report_shows_what_is_known_of_it_now_and_how_often_the_report_left_it(ask: Ask) -> None:
    first, second = ask("select * from bi.earnings_date order by reported_on")

    assert (first["ticker"], first["reported_on"], first["timing"]) == ("AAPL", date(2025, 4, 24), "after_close")
    assert (first["is_confirmed"], first["is_expected"], first["move_count"]) == (True, True, 1)
    assert (first["first_known_at"], first["known_at"]) == (at(40), at(60))
    assert (second["reported_on"], second["is_expected"], second["move_count"]) == (date(2025, 5, 1), False, 1)
    assert (second["first_known_at"], second["known_at"]) == (at(50), at(60))
    assert (first["source"], first["is_simulated"]) == ("yahoo", False)


def test_supersets_band_has_closes_for_the_past_and_forecasts_ahead(ask: Ask) -> None:
    rows = ask("select * from bi.superset_forecast where ticker = 'AAPL' order by closed_at")

    assert [(row["closed_at"], row["close"], row["close__yhat"], row["horizon"]) for row in rows[:4]] == [
        (START, 100.5, None, None),
        (at(1), CLOSES[0], 100.0, 1),
        (at(2), CLOSES[1], 101.0, 1),  # of two forecasts the newer
        (at(3), None, 101.0, 2),
    ]
    assert [row["closed_at"] for row in rows] == [at(hour) for hour in range(9)]
    assert (rows[1]["close__yhat_lower"], rows[1]["close__yhat_upper"]) == (97.0, 103.0)
    assert (rows[0]["is_fallback"], rows[1]["is_fallback"], rows[1]["is_refresh"]) == (None, False, False)
    assert {(row["status"], row["currency"], row["source"]) for row in rows} == {("active", "USD", "yahoo")}
    assert ask("select count(*) as n from bi.superset_forecast where ticker = 'WALK' and close is null") == [{"n": 7}]


def test_an_hours_outcomes_say_what_became_of_each_ticker(ask: Ask) -> None:
    rows = ask("select * from bi.hour_outcome order by ticker")

    assert [(row["ticker"], row["stage"], row["status"], row["reason"]) for row in rows] == [
        ("AAPL", "predicted", "forecast", None),
        ("NOVA-USD.SIM", "planned", "failed", "fetch: timeout"),
        ("WALK", "predicted", "fallback", "no model yet"),
    ]
    assert (rows[0]["anchored_at"], rows[0]["model_version"]) == (at(1), "m1")
    assert (rows[1]["anchored_at"], rows[1]["is_simulated"], rows[1]["shard_count"]) == (None, True, 2)


def test_data_quality_counts_what_was_stored_revised_and_rejected(ask: Ask) -> None:
    (row,) = ask("select * from bi.data_quality where ticker = 'AAPL'")

    assert (row["day_exchange"].isoformat(), row["bar_count"], row["revision_count"]) == ("2025-03-31", 3, 1)
    assert (row["rejection_count"], row["rejection_reasons"]) == (2, "not_finite, off_grid")
