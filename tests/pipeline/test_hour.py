"""The hour end to end on a real Postgres: what is written, what a rerun changes, and what one bad ticker costs."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.contracts import Shard
from include.errors import DataContractError, MarketUnavailableError, UnfinishedRunError
from include.pipeline import hour
from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product, open_product

pytestmark = pytest.mark.integration
TICKERS = (*ROUND_THE_CLOCK, *NEW_YORK)
NOVA, ORION = ROUND_THE_CLOCK


def test_an_hour_writes_seven_horizons_for_every_ticker_with_a_new_closed_bar(product: Product) -> None:
    product.onboard(*TICKERS)
    assert product.run_hour(AT + HOUR) == {"forecast": 3}
    rows = product.query(
        "select ticker, count(*), min(horizon), max(horizon), bool_or(is_fallback), max(anchored_at) "
        "from forecast.prediction_by_horizon where as_of = %s group by ticker order by ticker",
        AT + HOUR,
    )
    assert [row[:5] for row in rows] == [(ticker, 7, 1, 7, False) for ticker in sorted(TICKERS)]
    assert all(row[5] <= AT + HOUR for row in rows)


def test_quantiles_of_a_stored_forecast_never_cross_and_hold_the_last_close_in_reach(product: Product) -> None:
    product.onboard(*TICKERS)
    crossed = product.query(
        "select count(*) from forecast.prediction_by_horizon where not (q025 <= q05 and q05 <= q10 and q10 <= q25 "
        "and q25 <= q50 and q50 <= q75 and q75 <= q90 and q90 <= q95 and q95 <= q975)",
    )
    outside = product.query(
        "select count(*) from forecast.prediction_by_horizon where last_close not between q025 and q975"
    )
    assert crossed == [(0,)]
    assert outside == [(0,)]


def test_running_an_hour_again_changes_no_row(product: Product) -> None:
    product.onboard(*TICKERS)
    product.run_hour(AT + HOUR)
    before = product.checksum()
    product.run_hour(AT + HOUR)
    assert product.checksum() == before


@pytest.mark.parametrize("stage", ["fetch_bars", "compute_features", "fine_tune", "predict"])
def test_running_one_stage_of_a_finished_hour_again_changes_no_row(product: Product, stage: str) -> None:
    product.onboard(*TICKERS)
    product.run_hour(AT + HOUR)
    product.run_hour(AT + 2 * HOUR)
    before = product.checksum()
    for index in range(2):
        getattr(hour, stage)(product.services, Shard(AT + HOUR, index, 2))
    assert product.checksum() == before


def test_an_hour_is_the_same_bytes_in_a_fresh_product(product: Product, tmp_path: Path) -> None:
    product.onboard(*TICKERS)
    product.run_hour(AT + HOUR)
    forecast = product.query("select * from forecast.prediction_by_horizon order by ticker, as_of, horizon")
    product.query(
        "truncate forecast.ticker, forecast.bar, forecast.bar_revision, forecast.feature, forecast.model_version, "
        "forecast.prediction, forecast.baseline_prediction, forecast.outcome, forecast.planned_hour, forecast.score, "
        "forecast.onboarding cascade; commit",
    )
    with open_product(product.url, tmp_path / "other") as other:
        other.onboard(*TICKERS)
        other.run_hour(AT + HOUR)
        again = other.query("select * from forecast.prediction_by_horizon order by ticker, as_of, horizon")
    names = [
        row[0]
        for row in product.query(
            "select column_name::text from information_schema.columns "
            "where table_schema = 'forecast' and table_name = 'prediction_by_horizon' order by ordinal_position",
        )
    ]
    clock = names.index("made_at")
    assert [row[:clock] + row[clock + 1 :] for row in again] == [row[:clock] + row[clock + 1 :] for row in forecast]


def test_a_replayed_hour_does_not_see_what_a_later_hour_stored(product: Product) -> None:
    product.onboard(*TICKERS)
    product.run_hour(AT + HOUR)
    expected = product.query(
        "select * from forecast.prediction_by_horizon where as_of = %s order by ticker, horizon", AT + HOUR
    )
    product.market.edits[NOVA, (AT + HOUR).replace(minute=0)] = 1.05
    product.run_hour(AT + 2 * HOUR)
    assert product.query("select count(*) from forecast.bar_revision where ticker = %s", NOVA) == [(1,)]
    product.run_hour(AT + HOUR)
    again = product.query(
        "select * from forecast.prediction_by_horizon where as_of = %s order by ticker, horizon", AT + HOUR
    )
    assert again == expected


def test_hours_may_be_replayed_after_a_live_run_has_stored_their_bars(product: Product) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + 30 * HOUR)
    assert product.run_hour(AT + HOUR) == {"forecast": 1}
    assert product.query("select max(anchored_at) from forecast.prediction_by_horizon where as_of = %s", AT + HOUR) == [
        ((AT + HOUR).replace(minute=0),),
    ]


def test_a_ticker_without_a_new_closed_bar_is_skipped_with_that_reason(product: Product) -> None:
    product.onboard(*TICKERS)
    sunday = AT + timedelta(days=6)
    product.run_hour(AT + timedelta(days=5, hours=12))
    assert product.run_hour(sunday) == {"forecast": 2, "skipped": 1}
    ((status, reason),) = product.query(
        "select status, reason from forecast.outcome where ticker = %s and as_of = %s", NEW_YORK[0], sunday
    )
    assert status == "skipped"
    assert reason.startswith("no new closed bar since 2025-04-04T20:00")


def test_a_ticker_whose_market_is_closed_costs_no_request(product: Product) -> None:
    product.onboard(*TICKERS)
    product.run_hour(AT + timedelta(days=5, hours=12))
    product.market.asked.clear()
    product.run_hour(AT + timedelta(days=6))
    assert sorted(product.market.asked) == sorted(ROUND_THE_CLOCK)


def test_a_ticker_that_cannot_be_fetched_fails_alone_and_with_its_reason(product: Product) -> None:
    product.onboard(*TICKERS)
    product.market.down.add(NOVA)
    assert product.run_hour(AT + HOUR) == {"failed": 1, "forecast": 2}
    ((reason,),) = product.query("select reason from forecast.outcome where ticker = %s", NOVA)
    assert reason == "fetch: the source cannot be reached"


def test_a_failed_ticker_changes_no_byte_of_its_neighbours(product: Product, tmp_path: Path) -> None:
    product.onboard(NOVA, ORION)
    product.market.down.add(NOVA)
    product.run_hour(AT + HOUR)
    sql = (
        "select horizon, q025, q50, q975, model_version from forecast.prediction_by_horizon "
        "where ticker = %s and as_of = %s order by horizon"
    )
    alone = product.query(sql, ORION, AT + HOUR)
    product.market.down.clear()
    product.run_hour(AT + HOUR)
    assert product.query(sql, ORION, AT + HOUR) == alone
    assert len(product.query(sql, NOVA, AT + HOUR)) == 7


def test_when_nothing_can_be_fetched_the_hour_fails_and_a_rerun_repairs_it(product: Product) -> None:
    product.onboard(NOVA, ORION)
    product.market.down |= {NOVA, ORION}
    (first, _) = hour.plan_hour(product.services, AT + HOUR)
    with pytest.raises(MarketUnavailableError, match="cannot be reached"):
        hour.fetch_bars(product.services, first)
    with pytest.raises(UnfinishedRunError, match="all 2 tickers"):
        product.run_hour(AT + HOUR)
    product.market.down.clear()
    assert product.run_hour(AT + HOUR) == {"forecast": 2}


def test_a_shard_that_broke_off_is_reported_and_a_rerun_completes_it(product: Product) -> None:
    product.onboard(NOVA, ORION)
    first, second = hour.plan_hour(product.services, AT + HOUR)
    for stage in (hour.fetch_bars, hour.compute_features, hour.fine_tune, hour.predict):
        stage(product.services, first)
    with pytest.raises(UnfinishedRunError, match="1 of 2 tickers"):
        hour.check_hour(product.services, AT + HOUR)
    for stage in (hour.fetch_bars, hour.compute_features, hour.fine_tune, hour.predict):
        stage(product.services, second)
    assert hour.check_hour(product.services, AT + HOUR) == {"forecast": 2}


def test_scoring_fails_until_all_bars_are_fetched_so_that_clearing_what_failed_scores_them(product: Product) -> None:
    product.onboard(NOVA, ORION)
    with pytest.raises(UnfinishedRunError, match="the plan is missing"):
        hour.score(product.services, AT + HOUR)
    first, second = hour.plan_hour(product.services, AT + HOUR)
    hour.fetch_bars(product.services, first)
    with pytest.raises(UnfinishedRunError, match="the bars of 1 tickers are missing"):
        hour.score(product.services, AT + HOUR)
    hour.fetch_bars(product.services, second)

    assert hour.score(product.services, AT + HOUR)["scored"] > 0
    scored = product.query(
        "select distinct ticker from forecast.score where scored_as_of = (select max(as_of) from forecast.planned_hour)"
    )
    assert {ticker for (ticker,) in scored} == {NOVA, ORION}


def test_running_only_what_failed_again_completes_the_hour(product: Product) -> None:
    product.onboard(NOVA, ORION)
    shards = hour.plan_hour(product.services, AT + HOUR)
    for stage in (hour.fetch_bars, hour.compute_features):
        for shard in shards:
            stage(product.services, shard)
    product.query(
        "create function forecast.refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'planted' using errcode = 'check_violation'; end $$; "
        f"create trigger refuse before insert on forecast.model_version for each row when (new.ticker = '{NOVA}') "
        "execute function forecast.refuse(); commit"
    )
    with pytest.raises(DataContractError, match="planted"):
        hour.fine_tune(product.services, shards[0])
    with pytest.raises(UnfinishedRunError, match=r"1 of 1 tickers of shard 0 at .* are still at the stage featured"):
        hour.predict(product.services, shards[0])
    hour.fine_tune(product.services, shards[1])
    assert hour.predict(product.services, shards[1]) == {"forecast": 1}
    product.query("drop trigger refuse on forecast.model_version; commit")

    hour.fine_tune(product.services, shards[0])
    assert hour.predict(product.services, shards[0]) == {"forecast": 1}
    assert hour.check_hour(product.services, AT + HOUR) == {"forecast": 2}


def test_the_plan_of_an_hour_stays_when_tickers_come_later(product: Product) -> None:
    product.onboard(NOVA)
    planned = hour.plan_hour(product.services, AT + HOUR)
    product.onboard(ORION, as_of=AT + timedelta(minutes=5))
    assert hour.plan_hour(product.services, AT + HOUR) == planned
    assert product.run_hour(AT + HOUR) == {"forecast": 1}
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 2}


def test_an_hour_before_a_tickers_onboarding_does_not_know_it(product: Product) -> None:
    product.onboard(NOVA)
    assert product.run_hour(AT) == {}
    assert product.run_hour(AT - HOUR) == {}


def test_a_ticker_whose_data_stopped_gets_no_forecast_but_a_reason(product: Product) -> None:
    product.onboard(NOVA)
    product.market.late[NOVA] = AT + HOUR
    later = AT + timedelta(days=5)
    assert product.run_hour(later) == {"skipped": 1}
    ((reason,),) = product.query("select reason from forecast.outcome where as_of = %s", later)
    assert reason.startswith("stale: the newest bar closed at 2025-03-31T16:00")


def test_a_late_bar_is_used_from_the_hour_that_saw_it_and_not_before(product: Product) -> None:
    product.onboard(NOVA)
    product.market.late[NOVA] = AT.replace(minute=0)
    assert product.run_hour(AT + HOUR) == {"skipped": 1}
    product.market.late.clear()
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 1}
    assert product.run_hour(AT + HOUR) == {"skipped": 1}


def test_matured_forecasts_are_scored_beside_the_random_walk_and_har(product: Product) -> None:
    product.onboard(NOVA)
    for hours in range(1, 4):
        product.run_hour(AT + hours * HOUR)
    counts = product.query("select method, count(*) from forecast.score_by_method group by method order by method")
    assert counts == [("hourcast", 3 + 2 + 1), ("random_walk", 3 + 2 + 1), ("seasonal_har", 3 + 2 + 1)]
    ((unknown,),) = product.query(
        "select count(*) from forecast.score "
        "inner join forecast.prediction_by_horizon as prediction using (ticker, as_of, horizon) "
        "inner join forecast.bar on bar.ticker = prediction.ticker and bar.closed_at = prediction.target_at "
        "where score.scored_as_of < bar.known_at",
    )
    assert unknown == 0
