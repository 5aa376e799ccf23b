"""Replay on a real Postgres: stored forecasts come out again to the last bit, and what reached into the past shows."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from include import cli
from include.contracts import Dividend, Shard
from include.errors import InvalidRequestError
from include.pipeline import hour
from include.pipeline.replay import parse_prediction, replay, replay_sample
from tests.leaks.material import SPLIT, Future, ShowingSource
from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA, ORION = ROUND_THE_CLOCK
(ALFA,) = NEW_YORK
YOUNG = "YOUNG-USD.SIM"


def differences(product: Product, count: int = 1000) -> dict[tuple[str, datetime], list[str]]:
    replays = replay_sample(product.services, count, 0, is_trained_again=True)
    assert replays
    return {(each.ticker, each.as_of): each.differences for each in replays if each.differences}


def stored_count(product: Product) -> int:
    return product.query("select count(*) from forecast.prediction_by_horizon where horizon = 1")[0][0]


def test_after_hours_with_revisions_every_forecast_and_training_comes_out_again_and_nothing_is_written(
    product: Product,
) -> None:
    product.onboard(NOVA, ALFA, history_days=45)
    product.onboard(YOUNG, history_days=1)
    for hours in range(1, 6):
        closed = (AT + hours * HOUR).replace(minute=0)
        product.market.edits[NOVA, closed - 2 * HOUR] = 1.02 + 0.01 * hours
        product.market.edits[ALFA, (AT + hours * HOUR).replace(minute=30) - 3 * HOUR] = 0.97
        if hours == 3:
            product.onboard(ORION, as_of=AT + hours * HOUR - timedelta(minutes=9), history_days=45)
        product.run_hour(AT + hours * HOUR)
    assert product.query("select count(*) > 4 from forecast.bar_revision") == [(True,)]
    kinds = product.query("select distinct written_by, is_fallback from forecast.prediction_by_horizon order by 1, 2")
    assert kinds == [("hourly", False), ("hourly", True), ("onboarding", False), ("onboarding", True)]
    before, files = product.checksum(), sorted(product.services.settings.model.models_dir.iterdir())
    assert stored_count(product) >= 15
    assert differences(product) == {}
    assert product.checksum() == before
    assert sorted(product.services.settings.model.models_dir.iterdir()) == files


def test_hours_caught_up_on_later_do_not_change_what_a_later_forecast_was_made_from(product: Product) -> None:
    product.onboard(NOVA, history_days=45)
    product.run_hour(AT + 9 * HOUR)
    for hours in (1, 2, 3):
        product.run_hour(AT + hours * HOUR)
    assert differences(product) == {}


@pytest.mark.parametrize("comes_back", ["retraining", "return"])
def test_a_hole_that_a_second_backfill_fills_was_a_hole_when_the_forecasts_were_made(
    product: Product, comes_back: str
) -> None:
    hole = (AT + HOUR).replace(minute=0)
    product.onboard(NOVA, history_days=45)
    product.market.missing[NOVA] = {hole}
    product.run_hour(AT + 2 * HOUR)
    product.run_hour(AT + 3 * HOUR)
    product.market.missing.clear()
    if comes_back == "return":
        product.onboard(retire_tickers=[NOVA], as_of=AT + 3 * HOUR, request_id="gone")
    product.onboard(NOVA, history_days=45, as_of=AT + 3.5 * HOUR, request_id="back", retrain=True)
    ((known_at,),) = product.query("select known_at from forecast.bar where ticker = %s and closed_at = %s", NOVA, hole)
    assert known_at == AT + 3.5 * HOUR
    product.run_hour(AT + 4 * HOUR)
    assert differences(product) == {}


def test_forecasts_from_before_and_after_a_split_come_out_again(product: Product) -> None:
    future = Future(seed=4, cut=AT + 2 * HOUR, has_split=True)
    splitting = Product(replace(product.services, sources={"simulated": ShowingSource(future)}), product.market, "")
    splitting.onboard(NOVA, history_days=20)
    for hours in range(1, 6):
        splitting.run_hour(AT + hours * HOUR)
    assert product.query("select factor from forecast.split") == [(SPLIT,)]
    assert differences(product) == {}


def test_forecasts_over_dividends_come_out_again(product: Product) -> None:
    product.onboard(ALFA)
    for hours, told_at in ((1, AT + HOUR), (2, AT - HOUR)):
        product.market.dividends.append(Dividend(ALFA, told_at - timedelta(minutes=65), 0.5))
        product.run_hour(AT + hours * HOUR)
    assert product.query("select count(*) from forecast.feature where dividend_gap <> 0") == [(2,)]
    assert differences(product) == {}


def test_a_fallback_for_want_of_a_readable_model_comes_out_again_when_the_file_is_back(product: Product) -> None:
    product.onboard(NOVA, history_days=45)
    folder = product.services.settings.model.models_dir
    files = {path: path.read_bytes() for path in folder.iterdir()}
    for path in files:
        path.unlink()
    assert product.run_hour(AT + HOUR) == {"fallback": 1}
    for path, content in files.items():
        path.write_bytes(content)
    again = replay(product.services, NOVA, AT + HOUR)
    assert again.differences == []
    assert again.remarks == ["that no model could be read is accepted: it cannot be checked"]


def test_what_reaches_into_the_past_shows_with_value_and_place(product: Product) -> None:
    product.onboard(NOVA, history_days=45)
    product.run_hour(AT + HOUR)
    product.query(
        "update forecast.bar set close = close * 1.2, high = high * 1.2 where extract(hour from closed_at) = 7; commit",
    )
    found = replay(product.services, NOVA, AT + HOUR, is_trained_again=True).differences
    assert any(line.startswith("baseline_prediction: NOVA-USD.SIM 2025-03-31T16:35:00+00:00 1") for line in found)
    assert any(line.startswith("training: loss_before is ") for line in found)


def test_another_setting_or_code_is_named_as_such(product: Product) -> None:
    product.onboard(NOVA, history_days=45)
    product.run_hour(AT + HOUR)
    product.query("update forecast.model_version set code_version = 'older'; commit")
    settings = product.services.settings
    slower = replace(settings, model=replace(settings.model, hourly_training_steps=2))
    again = replay(replace(product.services, settings=slower), NOVA, AT + HOUR, is_trained_again=True)
    assert any("was trained by code older" in remark for remark in again.remarks)
    assert [line.split()[1] for line in again.differences if "config" in line.split()[1]] == ["config"]


def test_a_served_model_that_may_not_have_served_is_a_difference(product: Product) -> None:
    product.onboard(NOVA, history_days=45)
    product.query("update forecast.model_version set is_promoted = false; commit")
    assert (
        "served, but no promoted version of that name existed at" in replay(product.services, NOVA, AT).differences[0]
    )


def test_rerunning_a_stage_leaves_a_replay_as_it_was(product: Product) -> None:
    product.onboard(NOVA, history_days=45)
    product.run_hour(AT + HOUR)
    product.run_hour(AT + 2 * HOUR)
    hour.predict(product.services, Shard(AT + HOUR, 0, 1))
    assert differences(product) == {}


def test_a_forecast_that_is_not_stored_cannot_be_replayed(product: Product) -> None:
    with pytest.raises(InvalidRequestError, match="No forecast of NOVA"):
        replay(product.services, NOVA, AT)


@pytest.mark.parametrize("text", ["AAPL", "AAPL@", "AAPL@yesterday", "AAPL@2025-03-31T16:35:00"])
def test_a_prediction_is_named_by_ticker_and_an_instant_with_its_zone(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="TICKER@AS_OF"):
        parse_prediction(text)


def test_the_command_line_says_whether_all_bits_agree(
    product: Product, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    product.onboard(NOVA, history_days=45)
    monkeypatch.setattr(cli, "open_services", lambda: product.services)
    moment = AT.isoformat()
    for which in (
        ["--prediction", f"{NOVA}@{moment}"],
        ["--ticker", NOVA, "--as-of", moment, "--train"],
        ["--sample", "5"],
    ):
        assert cli.main(["replay", *which]) == 0
        assert json.loads(capsys.readouterr().out) == {
            "identical": 1,
            "pruned": 0,
            "different": [],
            "remarks": [],
        }
    product.query("update forecast.prediction set quantiles[7][5] = quantiles[7][5] * (1 + 1e-15); commit")
    assert cli.main(["replay", "--sample", "5"]) == 1
    (different,) = json.loads(capsys.readouterr().out)["different"]
    assert different["differences"][0].startswith(f"prediction: {NOVA} {moment} 7 q50 is ")
    assert cli.main(["replay", "--ticker", ORION, "--as-of", moment]) == 1
    assert "No forecast of ORION" in capsys.readouterr().err
