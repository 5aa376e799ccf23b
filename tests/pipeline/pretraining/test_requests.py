"""A new backbone from the bars in Postgres: what it is trained on, and which one an hour finds."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from include.artefacts.store import FolderStore
from include.errors import InvalidRequestError, RetryableError
from include.model.backbone import CERTIFICATE, read_certificate
from include.model.pretrain import PretrainConfig
from include.pipeline.models.backbones import backbone_at
from include.pipeline.pretraining import requests as module
from include.pipeline.pretraining.pretrain import train_backbone, training_arrays
from include.pipeline.pretraining.requests import BackboneRequest
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, Product

pytestmark = pytest.mark.integration
TICKERS = ("NOVA-USD.SIM", "ORION-USD.SIM", "VEGA-USD.SIM")
SILENT = PretrainConfig(steps=2, batch_windows=4, output_ratio=0.0)
"""Its network says nothing, and so is exactly as good as the scale alone."""
CARELESS = PretrainConfig(steps=30, batch_windows=4, learning_rate=0.5, output_ratio=1.0, warmup_steps=1)
"""Its network is far worse than the scale alone."""


@pytest.fixture
def tracked(product: Product, monkeypatch: pytest.MonkeyPatch) -> Product:
    """Three tickers with 60 days of bars, and a training of two steps."""
    product.onboard(*TICKERS, history_days=60)
    teach(monkeypatch, SILENT)
    return product


def teach(monkeypatch: pytest.MonkeyPatch, config: PretrainConfig) -> None:
    monkeypatch.setattr(module, "PretrainConfig", lambda mirrored_inputs: replace(config, mirrored_inputs=4))


def request(name: str = "r", as_of: datetime = AT, **values: object) -> BackboneRequest:
    given = {"simulated_tickers": 0, "held_out_days": 10, "seed": None, **values}
    return BackboneRequest.from_params(name, as_of, given)


def test_one_that_is_not_worse_is_promoted_and_counts_from_its_instant_on(tracked: Product) -> None:
    answer = module.pretrain(tracked.services, request(as_of=AT + HOUR))
    assert (answer["is_promoted"], answer["tickers"]) == (True, 3)
    assert answer["reason"].startswith("not worse: CRPS +0.000 ± 0.000 % against the scale alone")
    assert backbone_at(tracked.services, AT + HOUR - timedelta(seconds=1)) is None
    found = backbone_at(tracked.services, AT + HOUR)
    assert found is not None
    assert (found.version, found.is_shipped) == (answer["model_version"], False)


def test_the_certificate_says_what_taught_it_and_what_it_was_worth(tracked: Product) -> None:
    version = module.pretrain(tracked.services, request(simulated_tickers=2, seed=7))["model_version"]
    folder = tracked.services.settings.model.models_dir / "backbones" / version
    certificate = read_certificate(FolderStore(folder))
    assert (certificate["tickers"], certificate["simulated_count"], certificate["seed"]) == (list(TICKERS), 2, 7)
    assert certificate["as_of"] == AT.isoformat()
    assert certificate["cutoff_at"] == (AT - timedelta(days=10)).isoformat()
    assert certificate["scores"]["backbone_skill"] == certificate["scores"]["scale_skill"]
    assert set(certificate["inputs"]) == {"all", "crypto"}
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".json", ".safetensors"]
    ((scores, bar_count),) = tracked.query("select scores, bar_count from forecast.backbone")
    assert (scores, bar_count) == (certificate["scores"], certificate["bar_count"])
    assert bar_count > 3 * 24 * 49


def test_simulated_tickers_make_a_small_installation_up_to_enough_unless_a_number_is_asked_for(
    tracked: Product,
) -> None:
    assert module.plan(tracked.services, request("unsaid", simulated_tickers=None))["simulated_tickers"] == 22
    assert module.plan(tracked.services, request("none", simulated_tickers=0))["simulated_tickers"] == 0


def test_only_the_days_that_are_asked_for_teach(tracked: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def spied(*arguments: object) -> object:
        seen["arguments"] = arguments
        return train_backbone(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(module, "train_backbone", spied)
    since = AT - timedelta(days=10 + 20)
    recent = module.pretrain(tracked.services, request("recent", taught_days=20))
    histories, until, config, training, _, found_since = seen["arguments"]  # type: ignore[misc]
    assert found_since == since
    assert training.minimum_windows == 50, "few days have few windows"
    arrays = training_arrays(histories, until, config, since)
    assert {len(one.window_ends) for one in arrays.values()} == {20 * 24 - 1}, "the last bar has no target yet"
    every = training_arrays(histories, until, config)
    assert min(len(one.window_ends) for one in every.values()) > 20 * 24
    for ticker, one in arrays.items():
        assert (one.window_ends == every[ticker].window_ends[1 - 20 * 24 :]).all()
        assert (one.x == every[ticker].x).all(), "the windows may begin earlier"
    assert tracked.query("select taught_since_at from bi.backbone") == [(since,)]
    folder = tracked.services.settings.model.models_dir / "backbones" / recent["model_version"]
    assert read_certificate(FolderStore(folder))["taught_since_at"] == since.isoformat()
    assert module.pretrain(tracked.services, request("whole"))["model_version"] != recent["model_version"]


def test_a_request_run_again_changes_no_row_and_no_file(tracked: Product) -> None:
    module.pretrain(tracked.services, request())
    folder = tracked.services.settings.model.models_dir / "backbones"

    def look() -> tuple[str, dict[str, bytes]]:
        files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return tracked.checksum(["backbone", "backbone_score", "model_operation"]), files

    before = look()
    tracked.onboard("DELTA-USD.SIM", history_days=60, as_of=AT - HOUR)
    assert module.pretrain(tracked.services, request())["tickers"] == 3
    assert look() == before


def test_what_became_known_after_its_instant_neither_teaches_nor_judges(tracked: Product) -> None:
    early = module.pretrain(tracked.services, request("early"))
    revised = AT.replace(minute=0) - 30 * HOUR
    tracked.market.edits[TICKERS[0], revised] = 1.05
    tracked.run_hour(AT + HOUR)
    tracked.onboard("DELTA-USD.SIM", history_days=60, as_of=AT + HOUR)
    assert tracked.query("select count(*) from forecast.bar_revision") == [(1,)]
    late = module.pretrain(tracked.services, request("late"))
    assert late["model_version"] == early["model_version"]
    first, second = tracked.query("select tickers, scores -> 'backbone_skill' from forecast.backbone")
    assert first == second


def test_a_planned_hour_finds_its_own_backbone_after_a_promotion(tracked: Product) -> None:
    tracked.run_hour(AT + HOUR)
    before = tracked.checksum()
    module.pretrain(tracked.services, request())
    assert backbone_at(tracked.services, AT + HOUR) is None
    assert backbone_at(tracked.services, AT + 2 * HOUR) is not None
    tracked.run_hour(AT + HOUR)
    assert tracked.checksum() == before


def test_files_that_are_lost_give_way_to_the_backbone_before(tracked: Product) -> None:
    promote_a_backbone(tracked, AT, "first")
    promote_a_backbone(tracked, AT + HOUR, "second", amount=0.06)
    first, second = (row[0] for row in tracked.query("select model_version from forecast.backbone order by as_of"))
    assert first != second
    folder = tracked.services.settings.model.models_dir / "backbones"
    (folder / second / CERTIFICATE).unlink()
    found = backbone_at(tracked.services, AT + HOUR)
    assert found is not None
    assert found.version == first
    (folder / first / CERTIFICATE).unlink()
    assert backbone_at(tracked.services, AT + HOUR) is None  # the shipped one has another shape than tests use


def test_too_few_tickers_or_bars_are_said_so_and_nothing_is_written(tracked: Product) -> None:
    with pytest.raises(InvalidRequestError, match=r"500 bars that closed before 2025-02-09.*: 0; a backbone needs 3"):
        module.plan(tracked.services, request(held_out_days=50))
    assert tracked.query("select count(*) from forecast.backbone") == [(0,)]


def test_stages_out_of_their_order_say_which_one_is_missing(tracked: Product) -> None:
    with pytest.raises(RetryableError, match="clear its task `plan`"):
        module.train(tracked.services, "r")
    module.plan(tracked.services, request())


def test_what_people_see_of_it(tracked: Product) -> None:
    module.pretrain(tracked.services, request())
    ((scores,),) = tracked.query("select scores from forecast.backbone")
    assert tracked.query(
        "select ticker_count, simulated_count, crps_skill_ratio, scale_crps_skill_ratio, present_crps_skill_ratio, "
        "is_promoted from bi.backbone"
    ) == [(3, 0, scores["backbone_skill"], scores["scale_skill"], None, True)]
