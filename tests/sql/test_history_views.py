"""The views of bars, requests, intervals, models and hours, by example."""

from datetime import datetime, timedelta

import pytest

from tests.sql.conftest import AS_OF, CLOSES, NEXT, Ask
from tests.support.rows import START, at

pytestmark = pytest.mark.integration


def test_a_bar_has_prices_volume_and_both_clocks(ask: Ask) -> None:
    first, second, third = ask("select * from bi.bar where ticker = 'AAPL' order by opened_at")

    assert (first["open"], first["close"], first["volume"], first["known_at"]) == (100.5, 100.5, 100.0, at(30))
    assert (second["high"], second["low"]) == (CLOSES[0] * 1.01, CLOSES[0] * 0.99)
    assert (third["opened_at"], third["closed_at"]) == (at(1), at(2))
    assert third["closed_at_exchange"] == datetime(2025, 3, 31, 12, 0)  # noqa: DTZ001  # the clock in New York
    assert (third["currency"], third["source"], third["is_simulated"]) == ("USD", "yahoo", False)


def test_a_request_shows_what_became_of_each_name_and_why(ask: Ask) -> None:
    rows = ask("select * from bi.request where request_id = 'manual__1' order by ticker")

    assert [(row["ticker"], row["result"], row["is_refused"], row["reason"]) for row in rows] == [
        ("AAPL", "active", False, None),
        ("N OPE", "rejected", True, "'N OPE' is not a ticker"),
        ("NEW", "pending", False, "Yahoo cannot be reached"),
        ("WALK", "in progress", None, None),
    ]
    assert [(row["stage"], row["ticker_status"]) for row in rows[:2]] == [("forecast", "active"), ("requested", None)]
    assert {(row["kind"], row["source"], row["is_simulated"]) for row in rows} == {("onboard", "yahoo", False)}
    (retired,) = ask("select * from bi.request where kind = 'retire'")
    assert (retired["ticker"], retired["is_refused"], retired["source"]) == ("GONE", True, None)
    assert ({row["requested_by"] for row in rows}, retired["requested_by"]) == ({None}, "ada")


def test_intervals_are_the_quantiles_of_the_forecast_in_the_long_form(ask: Ask) -> None:
    rows = ask(
        "select * from bi.forecast_interval where ticker = 'AAPL' and as_of = %s and horizon = 2 order by level_ratio",
        AS_OF,
    )
    (wide,) = ask("select * from bi.forecast where ticker = 'AAPL' and as_of = %s and horizon = 2", AS_OF)

    assert [(row["level_ratio"], row["lower_price"], row["upper_price"], row["is_inside"]) for row in rows] == [
        (0.5, wide["q25"], wide["q75"], wide["is_inside_50"]),
        (0.8, wide["q10"], wide["q90"], wide["is_inside_80"]),
        (0.9, wide["q05"], wide["q95"], wide["is_inside_90"]),
        (0.95, wide["q025"], wide["q975"], wide["is_inside_95"]),
    ]
    assert {row["actual_close"] for row in rows} == {CLOSES[1]}
    assert rows[0]["width_ratio"] == pytest.approx((wide["q75"] - wide["q25"]) / wide["q50"])
    assert ask("select count(*) as n from bi.forecast_interval") == [{"n": 4 * 21}]


def test_a_version_serves_until_the_next_that_may(ask: Ask) -> None:
    first, tuned, restart = ask("select * from bi.model_history order by as_of")

    assert [(row["kind"], row["is_promoted"], row["until_as_of"], row["is_serving"]) for row in (first, restart)] == [
        ("first_training", True, NEXT, False),
        ("restart", True, None, True),
    ]
    assert (tuned["is_promoted"], tuned["until_as_of"], tuned["is_serving"]) == (False, None, False)
    assert (first["step_count"], tuned["step_count"], restart["step_count"]) == (0, 4, None)
    assert (first["as_of"], first["e_value"], restart["reason"]) == (START, None, "it lost")
    assert (tuned["parent_version"], tuned["challenger_number"], tuned["bar_count"]) == ("m0", 1, 7)
    assert tuned["e_value"] == pytest.approx((1 + 3) / 2)
    assert tuned["is_proven"] is False


def test_an_hour_counts_its_tickers_by_result_and_says_how_long_ago_it_was(ask: Ask) -> None:
    (row,) = ask("select *, now() as asked_at from bi.pipeline_freshness")

    assert (row["as_of"], row["is_newest"], row["gap_hours"]) == (NEXT, True, None)
    assert row["age_hours"] == pytest.approx((row["asked_at"] - NEXT) / timedelta(hours=1))
    counts = {name.removesuffix("_count"): value for name, value in row.items() if name.endswith("_count")}
    assert counts == {
        "ticker": 3,
        "simulated": 1,
        "forecast": 1,
        "refreshed": 0,
        "fallback": 1,
        "skipped": 0,
        "failed": 1,
        "unfinished": 0,
    }
    assert row["finished_at"] is not None


def test_the_shipped_backbone_is_a_row_from_the_first_hour_that_used_it(ask: Ask) -> None:
    (row,) = ask("select * from bi.backbone where is_shipped")

    assert (row["request_id"], row["is_shipped"], row["model_version"]) == ("shipped", True, "shipped-1")
    assert (row["as_of"], row["is_promoted"], row["ticker_count"]) == (AS_OF, True, None)


def test_a_new_backbone_is_compared_with_others_market_by_market(ask: Ask) -> None:
    (row,) = ask("select * from bi.backbone_score")

    assert (row["request_id"], row["as_of"], row["model_version"]) == ("drift__1", NEXT, None)
    assert (row["calendar"], row["is_simulated"], row["compared_with"]) == ("XNYS", False, "HAR")
    assert (row["crps_skill_ratio"], row["other_crps_skill_ratio"]) == (0.06, 0.05)
    assert (row["crps_difference_ratio"], row["standard_error_ratio"], row["verdict"]) == (-0.01, 0.002, "better")


def test_hours_up_to_now_are_missing_after_the_newest(ask: Ask) -> None:
    first, second = ask("select *, now() as asked_at from bi.missing_hour order by as_of limit 2")

    assert (first["as_of"], second["as_of"]) == (NEXT + timedelta(hours=1), NEXT + timedelta(hours=2))
    assert (first["previous_as_of"], first["next_as_of"]) == (NEXT, None)
    (newest,) = ask("select max(as_of) as as_of, now() as asked_at from bi.missing_hour")
    assert timedelta(minutes=30) <= newest["asked_at"] - newest["as_of"] <= timedelta(minutes=90)
