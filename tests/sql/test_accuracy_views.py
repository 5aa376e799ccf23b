"""The views of accuracy add up the sums of days: windows that end today, markets, and errors that respect days."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.local.postgres import EmbeddedPostgres
from include.store.bars import upsert_bars
from include.store.engine import create_store_engine, fetch_rows, transaction
from include.store.forecasts import matured_unscored, save_baselines, save_predictions, save_scores
from tests.sql.conftest import Ask, asking
from tests.support.rows import bars, predictions, prices, scores, track

pytestmark = pytest.mark.integration

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = 29
"""Days with forecasts before yesterday, three hours each; they are days of UTC and of New York alike."""
OPENED = [TODAY + timedelta(days=-day, hours=hour) for day in range(DAYS + 1, 1, -1) for hour in (14, 15, 16)]


def _store(url: str) -> None:
    rng = np.random.default_rng(5)
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        track(connection, "GOOD", "EVEN", "POOR")
        for ticker, gain in (("GOOD", 1.0), ("EVEN", 0.0), ("POOR", -1.0)):
            moves = rng.normal(0.0, 3.0, len(OPENED))
            opened = pd.DatetimeIndex(OPENED).as_unit("us")
            times = {
                "opened_at": opened,
                "closed_at": opened + timedelta(hours=1),
                "known_at": opened + timedelta(hours=2),
            }
            upsert_bars(connection, bars(list(100.0 + moves), ticker).assign(**times))
            made = [start + timedelta(minutes=5) for start in OPENED]
            later = [timedelta(minutes=55) + timedelta(days=30 * h) for h in range(7)]
            ours = [predictions(at, ticker).assign(target_at=[at + step for step in later]) for at in made]
            save_predictions(connection, pd.concat(ours))
            walks = [prices(at, ticker).assign(baseline="random_walk") for at in made]
            hars = [prices(at, ticker).assign(baseline="seasonal_har") for at in made]
            save_baselines(connection, pd.concat([*walks, *hars]))
            matured = matured_unscored(connection, TODAY)
            matured = matured[matured["ticker"] == ticker]
            noise = rng.normal(0.0, 0.5, len(matured))
            losses = matured["method"].map({"hourcast": 10.0 - gain, "random_walk": 10.0, "seasonal_har": 9.8}) + noise
            save_scores(connection, scores(matured, TODAY).assign(crps=losses, pinball=losses / 3))
    engine.dispose()


@pytest.fixture(scope="module")
def ask(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Ask]:
    """Asks as the BI tools' role, over forecasts of one bar ahead in the last 30 days."""
    _store(module_database_url)
    with asking(migrated_server, module_database_url) as ask_as_reader:
        yield ask_as_reader


def _daily_sums(ask: Ask, ticker: str, baseline: str) -> tuple[np.ndarray, np.ndarray]:
    rows = ask(
        "select (target_at at time zone 'America/New_York')::date as day, sum(crps) as ours,"
        " sum(random_walk_crps) as walk, sum(har_crps) as har"
        " from bi.forecast where ticker = %s and crps is not null group by 1 order by 1",
        ticker,
    )
    return np.array([row["ours"] for row in rows]), np.array([row[baseline] for row in rows])


@pytest.mark.parametrize(("prefix", "baseline"), [("", "walk"), ("har_", "har")])
def test_a_skill_has_the_error_that_its_days_give(ask: Ask, prefix: str, baseline: str) -> None:
    ours, other = _daily_sums(ask, "GOOD", baseline)
    skill = 1 - ours.sum() / other.sum()
    error = math.sqrt(((other * (1 - skill) - ours) ** 2).sum() * DAYS / (DAYS - 1)) / other.sum()

    (window,) = ask("select * from bi.accuracy_window where ticker = 'GOOD' and window_days = 90")
    (ever,) = ask("select * from bi.accuracy_window where ticker = 'GOOD' and window_days is null")
    (whole,) = ask("select * from bi.accuracy where ticker = 'GOOD'")
    for row in (window, ever, whole):
        assert row["day_count"] == DAYS == len(ours)
        assert row[f"{prefix}crps_skill_ratio"] == pytest.approx(skill, abs=1e-7)
        assert row[f"{prefix}crps_skill_error"] == pytest.approx(error, rel=1e-5)


def test_an_edge_is_two_errors_and_enough_days(ask: Ask) -> None:
    rows = ask("select ticker, window_days, day_count, verdict from bi.accuracy_window where horizon = 1")

    found = {(row["ticker"], row["window_days"]): row["verdict"] for row in rows}
    assert found["GOOD", 90] == found["GOOD", None] == "edge"
    assert found["EVEN", 90] == "no edge shown"
    assert found["POOR", 90] == "worse than the random walk"
    assert {verdict for (_, days), verdict in found.items() if days == 7} == {"too few days"}


def test_windows_end_today_and_hold_their_days(ask: Ask) -> None:
    rows = ask("select * from bi.accuracy_window where ticker = 'EVEN' order by window_days nulls last")

    counts = {row["window_days"]: row["day_count"] for row in rows}
    assert counts in ({7: 5, 30: 28, 90: 29, None: 29}, {7: 4, 30: 27, 90: 29, None: 29})
    assert {row["forecast_count"] / row["day_count"] for row in rows} == {3.0}
    assert rows[-1]["first_day_exchange"] == OPENED[0].date()
    assert rows[0]["last_day_exchange"] == OPENED[-1].date()


def test_means_and_coverage_are_those_of_the_forecasts(ask: Ask) -> None:
    (row,) = ask("select * from bi.accuracy_window where ticker = 'POOR' and window_days = 90")
    (plain,) = ask(
        "select avg(absolute_error) as error, avg(last_close_absolute_error) as last_error, avg(crps) as crps,"
        " avg(is_inside_80::integer)::float as inside_80, avg(har_crps) as har from bi.forecast"
        " where ticker = 'POOR' and crps is not null"
    )

    assert row["mean_absolute_error"] == pytest.approx(plain["error"])
    assert row["last_close_mean_absolute_error"] == pytest.approx(plain["last_error"])
    assert row["mean_crps"] == pytest.approx(plain["crps"], abs=1e-6)
    assert row["mean_pinball"] == pytest.approx(plain["crps"] / 3, abs=1e-5)
    assert row["har_mean_crps"] == pytest.approx(plain["har"], abs=1e-6)
    assert row["coverage_80_ratio"] == pytest.approx(plain["inside_80"])
    assert (row["direction_count"], row["direction_hit_ratio"], row["direction_hit_lower_ratio"]) == (0, None, None)


def test_a_share_has_wilsons_interval(module_database_url: str, ask: Ask) -> None:
    hits, count, deviations = 30, 50, 1.96
    share, shrink = hits / count, 1 + deviations**2 / count
    centre = (share + deviations**2 / (2 * count)) / shrink
    half = deviations / shrink * math.sqrt(share * (1 - share) / count + deviations**2 / (4 * count**2))

    engine = create_store_engine(module_database_url)
    with transaction(engine) as connection:
        (found,) = fetch_rows(
            connection,
            "select forecast.share_bound(30, 50, -1.96) as lower, forecast.share_bound(30, 50, 1.96) as upper,"
            " forecast.share_bound(0, 0, 1.96) as nothing",
        )
    engine.dispose()
    assert (found["lower"], found["upper"]) == (pytest.approx(centre - half), pytest.approx(centre + half))
    assert found["nothing"] is None


def test_the_curve_of_a_market_counts_closes_below_each_quantile(ask: Ask) -> None:
    rows = ask("select * from bi.calibration where window_days is null and horizon = 1 order by quantile_level")

    assert [row["quantile_level"] for row in rows] == [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975]
    (plain,) = ask(
        "select count(*) as n, avg((actual_close <= q10)::integer)::float as q10"
        " from bi.forecast where crps is not null"
    )
    assert {row["forecast_count"] for row in rows} == {plain["n"]} == {3 * len(OPENED)}
    assert rows[2]["observed_ratio"] == pytest.approx(plain["q10"])
    assert [row["below_count"] for row in rows] == sorted(row["below_count"] for row in rows)


def test_the_leaderboard_has_each_method_on_the_same_bars(ask: Ask) -> None:
    rows = ask("select * from bi.leaderboard where window_days = 90 and horizon = 1 order by calendar, place")

    assert [row["calendar"] for row in rows] == ["XNYS"] * 3 + [None] * 3
    market, whole = rows[:3], rows[3:]
    for one, other in zip(market, whole, strict=True):
        assert {**one, "calendar": None, "crps_skill_error": None} == {**other, "crps_skill_error": None}
        assert one["crps_skill_error"] == pytest.approx(other["crps_skill_error"])
    assert [row["method"] for row in sorted(market, key=lambda row: row["mean_crps"])] == [
        row["method"] for row in market
    ]
    assert market[0]["method"] == "seasonal_har"
    assert {(row["ticker_count"], row["day_count"], row["forecast_count"]) for row in market} == {
        (3, DAYS, 3 * len(OPENED))
    }
    walk = next(row for row in market if row["method"] == "random_walk")
    ours, other = (
        sum(sums) for sums in zip(*(_daily_sums(ask, t, "walk") for t in ("GOOD", "EVEN", "POOR")), strict=True)
    )
    skill = 1 - ours.sum() / other.sum()
    error = math.sqrt(((other * (1 - skill) - ours) ** 2).sum() * DAYS / (DAYS - 1)) / other.sum()
    assert (walk["crps_skill_ratio"], walk["crps_skill_error"]) == (
        pytest.approx(skill, abs=1e-7),
        pytest.approx(error, rel=1e-4),
    )


def test_days_add_up_to_the_window(ask: Ask) -> None:
    (summed,) = ask(
        "select sum(forecast_count) as n, 1 - sum(crps_beside_random_walk_sum) / sum(random_walk_crps_sum) as skill"
        " from bi.market_daily where horizon = 1"
    )
    (days,) = ask("select count(*) as n, sum(forecast_count) as forecasts from bi.accuracy_daily where ticker = 'GOOD'")
    (walk,) = ask(
        "select * from bi.leaderboard where window_days is null and calendar = 'XNYS' and method = 'random_walk'"
    )

    assert (summed["n"], summed["skill"]) == (walk["forecast_count"], pytest.approx(walk["crps_skill_ratio"]))
    assert (days["n"], days["forecasts"]) == (DAYS, len(OPENED))
