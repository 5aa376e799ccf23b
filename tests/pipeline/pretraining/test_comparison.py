"""LSTM, TCN and LightGBM beside a new backbone: trained on its bars, scored on its days, kept, and never serving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from include.errors import InvalidRequestError, RetryableError
from include.model.pretrain import PretrainConfig
from include.model.zoo import methods, networks
from include.pipeline.models.backbones import backbone_at
from include.pipeline.pretraining import comparison, requests
from include.pipeline.pretraining.requests import BackboneRequest
from tests.support.products import AT, HOUR, Product, open_product

TICKERS = ("NOVA-USD.SIM", "ORION-USD.SIM", "VEGA-USD.SIM")
BRIEF = PretrainConfig(steps=2, batch_windows=4)
EVERYONE = {"random walk", "scale alone", "backbone", "HAR", "LSTM", "LightGBM"}


def test_methods_stand_in_one_order_and_none_may_be_named() -> None:
    assert comparison.checked_methods(["lightgbm", "lstm", "lstm"]) == ("lstm", "lightgbm")
    assert comparison.checked_methods(None) == comparison.checked_methods([]) == ()


def test_a_method_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="gru is no method; choose from lstm, tcn, lightgbm"):
        comparison.checked_methods(["lstm", "gru"])


def test_without_lightgbm_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "find_spec", lambda name: None)
    assert comparison.checked_methods(["lstm", "tcn"]) == ("lstm", "tcn")
    with pytest.raises(InvalidRequestError, match=r"lightgbm is not installed here.*-r requirements-evaluate\.txt"):
        comparison.checked_methods(["lightgbm"])


@pytest.fixture(scope="module")
def compared(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Three tickers with 60 days of bars, a backbone of two steps, and an LSTM and LightGBM beside it."""
    brief = lambda mirrored_inputs: replace(BRIEF, mirrored_inputs=mirrored_inputs)  # noqa: E731  # a short stand-in
    with (
        pytest.MonkeyPatch.context() as patch,
        open_product(module_database_url, tmp_path_factory.mktemp("m")) as found,
    ):
        patch.setattr(requests, "PretrainConfig", brief)
        patch.setattr(comparison, "PretrainConfig", brief)
        found.onboard(*TICKERS, history_days=60)
        form = {"simulated_tickers": 1, "held_out_days": 10, "seed": 5}
        requests.pretrain(found.services, BackboneRequest.from_params("r", AT, form))
        found.said = comparison.compare(found.services, "r", ["lstm", "lightgbm"])  # type: ignore[attr-defined]
        yield found


@pytest.mark.integration
def test_all_forecasters_are_scored_on_the_same_days(compared: Product) -> None:
    rows = compared.query(
        "select method, ticker_count, day_count, crps_skill_ratio, skill_error_ratio, backbone_gain_ratio, "
        "gain_error_ratio from forecast.method_score order by method"
    )
    assert {row[0] for row in rows} == EVERYONE == set(compared.said)  # type: ignore[attr-defined]
    assert {row[1:3] for row in rows} == {(3, 11)}
    by_method = {row[0]: row[3:] for row in rows}
    assert by_method["random walk"][0] == 0.0
    skill, error, gain, gain_error = by_method["LSTM"]
    assert gain == pytest.approx(by_method["backbone"][0] - skill, abs=1e-9)
    assert error > 0.0
    assert gain_error > 0.0
    ((stored,),) = compared.query("select scores from forecast.backbone")
    assert by_method["backbone"][0] == pytest.approx(stored["backbone_skill"])


@pytest.mark.integration
def test_they_are_trained_on_the_bars_of_the_backbone_and_kept_with_a_certificate(compared: Product) -> None:
    ((backbone,),) = compared.query("select model_version from forecast.backbone")
    models = compared.services.settings.model.models_dir
    taught = json.loads((models / "backbones" / backbone / "backbone.json").read_text())
    kept = compared.query("select method, model_version from forecast.method_score where model_version is not null")
    assert {method for method, _ in kept} == {"LSTM", "LightGBM"}
    for method, version in kept:
        store = comparison.kept_method(compared.services, version)
        certificate = json.loads(store.read(comparison.CERTIFICATE))
        assert (certificate["method"], certificate["model_version"]) == (method, version)
        for name in ("data", "seed", "cutoff_at", "simulated_count", "training"):
            assert certificate[name] == taught[name]
        assert len(store.files()) == 2


@pytest.mark.integration
def test_running_it_again_changes_nothing(compared: Product) -> None:
    folder = compared.services.settings.model.models_dir / "compared"

    def look() -> tuple[str, dict[str, bytes]]:
        files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return compared.checksum(["method_score", "backbone"]), files

    before = look()
    comparison.compare(compared.services, "r", ["lightgbm", "lstm"])
    assert look() == before


@pytest.mark.integration
def test_none_of_them_serves(compared: Product) -> None:
    found = backbone_at(compared.services, AT + HOUR)
    ((backbone, is_promoted),) = compared.query("select model_version, is_promoted from forecast.backbone")
    assert (None if found is None else found.version) == (backbone if is_promoted else None)


@pytest.mark.integration
def test_the_leaderboard_is_the_newest_compared_request_and_says_where_there_is_none(compared: Product) -> None:
    found = comparison.leaderboard(compared.services, AT)
    assert found["request_id"] == "r"
    assert {each["method"] for each in found["forecasters"]} == EVERYONE
    skills = [each["crps_skill_ratio"] for each in found["forecasters"]]
    assert skills == sorted(skills, reverse=True)
    with pytest.raises(InvalidRequestError, match="No pre-training was compared"):
        comparison.leaderboard(compared.services, AT - HOUR)
    with pytest.raises(InvalidRequestError, match="other was not compared"):
        comparison.leaderboard(compared.services, AT, "other")


@pytest.mark.integration
def test_without_a_method_nothing_is_done_and_without_a_backbone_it_says_which_task_is_missing(
    compared: Product,
) -> None:
    assert comparison.compare(compared.services, "none", None) == {}
    with pytest.raises(RetryableError, match="clear its task `plan`"):
        comparison.compare(compared.services, "none", ["lstm"])


def test_every_method_has_a_label_and_every_network_is_one() -> None:
    assert set(methods.LABELS) == set(methods.METHODS) == {*networks.ARCHITECTURES, methods.LIGHTGBM}
