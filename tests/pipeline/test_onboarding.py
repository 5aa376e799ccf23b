"""Onboarding end to end on a real Postgres: what becomes of good, bad, unknown and unreachable tickers."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from include.contracts import BarRequest
from include.errors import InvalidRequestError, UnfinishedRunError
from include.market.files import FilesSource
from include.market.simulated import SimulatedSource
from include.pipeline import onboarding, replay
from include.pipeline.models.young import why_no_model
from include.pipeline.onboarding_form import Request
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA, ORION = ROUND_THE_CLOCK


def status_of(product: Product, ticker: str) -> tuple[str, str | None]:
    ((status, reason),) = product.query("select status, status_reason from forecast.ticker where ticker = %s", ticker)
    return status, reason


def test_an_onboarded_ticker_is_active_with_history_a_model_and_seven_forecasts(product: Product) -> None:
    assert product.onboard(NOVA) == {"active": {NOVA: ""}}
    assert status_of(product, NOVA) == ("active", None)
    ((bars,),) = product.query("select count(*) from forecast.bar where ticker = %s", NOVA)
    assert bars == 90 * 24 - 1
    assert product.query("select kind, is_promoted from forecast.model_version") == [("first_training", True)]
    assert product.query(
        "select count(*), bool_or(is_fallback), min(written_by) from forecast.prediction_by_horizon"
    ) == [
        (7, False, "onboarding"),
    ]


def test_names_are_trimmed_upper_cased_and_taken_once(product: Product) -> None:
    assert product.onboard("  nova-usd.sim ", "NOVA-USD.SIM", request_id="names") == {"active": {NOVA: ""}}


def test_one_bad_ticker_among_several_does_not_stop_the_others(product: Product) -> None:
    product.market.unknown.add("NOBODY.SIM")
    product.market.down.add("AWAY.SIM")
    results = product.onboard(NOVA, "NOBODY.SIM", "AWAY.SIM", "not-a-ticker!", request_id="mixed")
    assert sorted(results) == ["active", "pending", "rejected"]
    assert results["active"] == {NOVA: ""}
    assert results["pending"] == {"AWAY.SIM": "the source cannot be reached"}
    assert set(results["rejected"]) == {"NOBODY.SIM", "not-a-ticker!"}
    assert status_of(product, "NOBODY.SIM") == ("rejected", "no such ticker")
    assert status_of(product, "AWAY.SIM") == ("pending", "the source cannot be reached")


def test_a_pending_ticker_is_asked_for_again_and_comes_through_once_its_source_answers(product: Product) -> None:
    product.market.down.add(NOVA)
    product.onboard(NOVA)
    ((form),) = onboarding.pending_requests(product.services, AT + HOUR)
    assert form["tickers"] == [NOVA]
    product.market.down.clear()
    request = Request.from_params("later", AT + HOUR, form)
    assert onboarding.onboard(product.services, request) == {"active": {NOVA: ""}}
    assert onboarding.pending_requests(product.services, AT + 2 * HOUR) == []


def test_a_ticker_that_a_request_is_working_on_is_left_to_it_until_that_request_is_dead(product: Product) -> None:
    request = Request.from_params("slow", AT, {"tickers": [NOVA], "history_days": 90})
    onboarding.validate(product.services, request)
    assert onboarding.pending_requests(product.services, AT + HOUR) == []
    product.query("update forecast.onboarding set updated_at = now() - interval '3 hours'; commit")
    assert onboarding.pending_requests(product.services, AT + HOUR) == [{"tickers": [NOVA]}]


def test_each_name_of_a_request_says_who_asked_for_it(product: Product) -> None:
    form = {"tickers": [NOVA, "not-a-ticker!"], "retire_tickers": ["NEVER.SIM"], "history_days": 90}
    onboarding.validate(product.services, Request.from_params("asked", AT, form, "ada"))
    asked = product.query("select ticker, requested_by from forecast.onboarding order by 1")
    assert asked == [("NEVER.SIM", "ada"), (NOVA, "ada"), ("not-a-ticker!", "ada")]


def test_onboarding_what_is_active_is_a_no_op_that_says_so(product: Product) -> None:
    product.onboard(NOVA)
    before = product.checksum()
    results = product.onboard(NOVA, as_of=AT + HOUR)
    assert results == {"already_active": {NOVA: "already active, from simulated; nothing to do"}}
    assert product.checksum() == before


def test_running_a_finished_request_again_changes_no_row_and_reports_the_same(product: Product) -> None:
    results = product.onboard(NOVA, ORION, request_id="same")
    before = product.checksum()
    assert product.onboard(NOVA, ORION, request_id="same") == results
    assert product.checksum() == before


def test_a_request_that_broke_off_between_stages_goes_on_where_it_was(product: Product) -> None:
    request = Request.from_params("broken", AT, {"tickers": [NOVA], "history_days": 90})
    (shard,) = onboarding.validate(product.services, request)
    onboarding.backfill_history(product.services, "broken", shard)
    assert status_of(product, NOVA)[0] == "training"
    assert onboarding.onboard(product.services, request) == {"active": {NOVA: ""}}


def test_a_stage_fails_while_an_earlier_one_has_left_tickers_behind_and_repairs_them_later(product: Product) -> None:
    request = Request.from_params("broken", AT, {"tickers": [NOVA], "history_days": 90})
    (shard,) = onboarding.validate(product.services, request)
    with pytest.raises(UnfinishedRunError, match=f"{NOVA}: still at the stage validated.*clear the failed tasks"):
        onboarding.first_training(product.services, "broken", shard)
    onboarding.backfill_history(product.services, "broken", shard)
    with pytest.raises(UnfinishedRunError, match="still at the stage backfilled"):
        onboarding.first_forecast(product.services, "broken", shard)
    with pytest.raises(UnfinishedRunError, match="still at the stage backfilled"):
        onboarding.activate(product.services, "broken")
    with pytest.raises(UnfinishedRunError, match="did not finish"):
        onboarding.report(product.services, "broken")
    onboarding.first_training(product.services, "broken", shard)
    onboarding.first_forecast(product.services, "broken", shard)
    onboarding.activate(product.services, "broken")
    assert onboarding.report(product.services, "broken") == {"active": {NOVA: ""}}


def test_a_retired_ticker_gets_no_more_forecasts_and_can_come_back(product: Product) -> None:
    product.onboard(NOVA, ORION)
    results = product.onboard(as_of=AT + HOUR, request_id="retire", retire_tickers=[NOVA, "NEVER.SIM"])
    assert results["retired"] == {NOVA: ""}
    assert "NEVER.SIM" in results["not_tracked"]
    assert status_of(product, NOVA)[0] == "retired"
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 1}
    product.onboard(NOVA, as_of=AT + 3 * HOUR, request_id="back")
    assert product.run_hour(AT + 4 * HOUR) == {"forecast": 2}


def test_a_ticker_with_too_little_history_is_active_on_the_labelled_baseline(product: Product) -> None:
    reason = "only a fallback forecast, the random walk: no model yet: it needs 295 bars and has 23"
    assert product.onboard(NOVA, history_days=1) == {"active": {NOVA: reason}}
    rows = product.query(
        "select distinct is_fallback, model_version, fallback_reason from forecast.prediction_by_horizon"
    )
    assert rows == [(True, None, "no model yet: too little history, or its training diverged")]


def test_a_ticker_with_enough_bars_and_no_model_is_one_whose_training_diverged(product: Product) -> None:
    assert why_no_model(product.services, {NOVA: 294, ORION: 295}, AT) == {
        NOVA: "no model yet: it needs 295 bars and has 294",
        ORION: "no model yet: its training diverged; the next hour tries again",
    }


@pytest.mark.parametrize(("is_with_backbone", "needed"), [(True, 245 + 16), (False, 245 + 50)])
def test_a_young_listing_gets_its_first_model_in_the_hour_that_brings_the_last_bar_that_it_needs(
    product: Product, is_with_backbone: bool, needed: int
) -> None:
    """245 bars of warm-up and the context of 16, or 50 rows where it is trained from nothing."""
    if is_with_backbone:
        promote_a_backbone(product, AT - 20 * HOUR, "early")
    product.onboard(NOVA, history_days=10)
    ((stored,),) = product.query("select count(*) from forecast.bar")
    last = AT + (needed - stored) * HOUR
    assert product.run_hour(last - HOUR) == {"fallback": 1}
    assert product.query("select reason from forecast.outcome") == [
        (f"no model yet: it needs {needed} bars and has {needed - 1}",)
    ]
    assert onboarding.pending_requests(product.services, last - HOUR) == []

    assert product.run_hour(last) == {"forecast": 1}
    ((kind, parent, as_of),) = product.query("select kind, parent_version, as_of from forecast.model_version")
    assert (kind, parent is not None, as_of) == ("first_training", is_with_backbone, last)
    assert onboarding.pending_requests(product.services, last) == []
    frozen = product.checksum()
    assert product.run_hour(last) == {"forecast": 1}
    assert product.run_hour(last - HOUR) == {"fallback": 1}
    assert product.checksum() == frozen
    assert replay.replay(product.services, NOVA, last, is_trained_again=True).differences == []
    assert product.run_hour(last + HOUR) == {"forecast": 1}


def test_a_ticker_whose_model_gives_nothing_usable_is_asked_to_be_trained(product: Product) -> None:
    product.onboard(NOVA, history_days=1)
    later = AT + timedelta(days=14)
    product.run_hour(later)
    product.query("update forecast.outcome set status = 'fallback' where as_of = %s; commit", later)
    (form,) = onboarding.pending_requests(product.services, later)
    assert form == {"tickers": [NOVA], "retrain": True}
    request = Request.from_params("again", later, form)
    assert onboarding.onboard(product.services, request) == {"active": {NOVA: ""}}
    assert product.run_hour(later + HOUR) == {"forecast": 1}


def test_the_forms_automatic_source_is_the_one_that_the_name_stands_for(product: Product) -> None:
    assert product.onboard(NOVA, source="automatic") == {"active": {NOVA: ""}}
    assert product.query("select source from forecast.ticker") == [("simulated",)]


def test_a_request_for_nothing_is_refused(product: Product) -> None:
    with pytest.raises(InvalidRequestError, match="name at least one"):
        product.onboard(request_id="empty")


def test_another_source_for_a_ticker_is_never_silently_swapped(product: Product, tmp_path: Path) -> None:
    bars = SimulatedSource()
    profiles, _ = bars.describe([NOVA], AT)
    frame = bars.fetch_bars([BarRequest(profiles[NOVA], AT - timedelta(days=90))], AT).bars
    (tmp_path / "bars").mkdir()
    frame.assign(ts=frame["opened_at"]).to_parquet(tmp_path / "bars" / "ACME.parquet")
    services = replace(product.services, sources={"files": FilesSource(tmp_path / "bars"), "yahoo": product.market})
    with_files = Product(services, product.market, product.url)
    assert with_files.onboard("ACME", source="files", request_id="files") == {"active": {"ACME": ""}}
    again = with_files.onboard("ACME", source="yahoo", request_id="swap")
    assert again == {
        "already_active": {"ACME": "already active from files; retire it first to change its source to yahoo"},
    }
    with_files.onboard(retire_tickers=["ACME"], as_of=AT + HOUR, request_id="retire")
    back = with_files.onboard("ACME", source="yahoo", as_of=AT + 2 * HOUR, request_id="back")
    assert back == {"rejected": {"ACME": "its stored bars are from files; another source would be mixed with them"}}
    assert product.query("select source, status from forecast.ticker") == [("files", "retired")]


def test_what_cannot_even_be_written_down_is_rejected_as_it_was_typed(product: Product) -> None:
    results = product.onboard("AB\0C", "x" * 200, request_id="odd")
    assert list(results) == ["rejected"]
    assert sorted(results["rejected"]) == ["ABC", "x" * 64]


def test_a_name_to_retire_is_not_turned_into_another_ticker(product: Product) -> None:
    product.onboard("SS.SIM")
    results = product.onboard(retire_tickers=["\u00df.sim"], request_id="retiring")
    assert list(results) == ["not_tracked"]
    assert status_of(product, "SS.SIM")[0] == "active"
