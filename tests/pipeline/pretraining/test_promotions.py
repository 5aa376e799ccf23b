"""A new backbone is compared market by market with the present one, the scale alone and HAR, and judged once."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from include.errors import DataContractError, RetryableError
from include.pipeline.models.backbones import backbone_at, settle_backbone
from include.pipeline.pretraining import promotions
from include.pipeline.pretraining import requests as module
from include.pipeline.services import Services
from include.store import backbone_scores as score_store
from include.store import backbones as backbone_store
from include.store.backbone_scores import BackboneScore
from include.store.drift import DriftRow, Look, Market, save_look
from include.store.engine import transaction
from tests.pipeline.pretraining.test_requests import CARELESS, SILENT, TICKERS, request, teach
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, NEW_YORK, Product

pytestmark = pytest.mark.integration
ALWAYS_OPEN = Market(True, "24/7")
EVERYWHERE = Market(True, "all")


@pytest.fixture
def tracked(product: Product, monkeypatch: pytest.MonkeyPatch) -> Product:
    """Three tickers with 60 days of bars, and a training whose network says nothing."""
    product.onboard(*TICKERS, history_days=60)
    teach(monkeypatch, SILENT)
    return product


def trained(product: Product, name: str = "r", **values: Any) -> None:
    module.plan(product.services, request(name, **values))
    module.train(product.services, name)


def plant(product: Product, request_id: str, *scores: BackboneScore) -> None:
    """Scores of a trained request that no bar gave."""
    with transaction(product.services.engine) as connection:
        backbone_store.set_scores(connection, request_id, {"backbone_skill": 0.05, "scale_skill": 0.04})
        score_store.save_backbone_scores(connection, request_id, scores)


def planted(compared_with: str, difference: float) -> BackboneScore:
    return BackboneScore(EVERYWHERE, compared_with, 3, 20, 0.05, 0.04, difference, 0.001, False, "equal")


def test_the_scores_by_market_are_rows(tracked: Product) -> None:
    tracked.onboard(*NEW_YORK, history_days=400)
    promote_a_backbone(tracked, AT - 11 * 24 * HOUR, "present")
    trained(tracked, as_of=AT + HOUR, held_out_days=20)
    scores = promotions.score(tracked.services, "r")
    rows = tracked.query(
        "select calendar, compared_with, ticker_count, day_count, is_simulated, is_drifted from bi.backbone_score"
    )
    names = ["HAR", "present backbone", "scale alone"]
    assert sorted(row[:2] for row in rows) == [(place, name) for place in ("24/7", "XNYS", "all") for name in names]
    assert {row[0]: (row[2], row[4], row[5]) for row in rows} == {
        "24/7": (3, True, False),
        "XNYS": (1, True, False),
        "all": (4, True, False),
    }
    assert {row[3] for row in rows if row[0] == "24/7"} == {21}
    assert {row[3] for row in rows if row[0] == "XNYS"} == {15}
    assert tracked.query(
        "select distinct crps_skill_ratio, crps_difference_ratio, verdict from bi.backbone_score "
        "where calendar = 'all' and compared_with = 'scale alone'"
    ) == [(scores["backbone_skill"], 0.0, "equal")]
    assert tracked.query(
        "select other_crps_skill_ratio from bi.backbone_score where calendar = 'all' and compared_with = 'HAR'"
    ) == [(scores["har_skill"],)]


def test_one_that_is_worse_is_kept_but_never_serves(tracked: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    first = module.pretrain(tracked.services, request("first"))
    teach(monkeypatch, CARELESS)
    second = module.pretrain(tracked.services, request("second", AT + HOUR))
    assert second["is_promoted"] is False
    assert second["reason"].startswith("not better: CRPS +")
    assert "against the present backbone in all markets together" in second["reason"]
    found = backbone_at(tracked.services, AT + HOUR)
    assert found is not None
    assert found.version == first["model_version"] != second["model_version"]
    assert tracked.query(
        "select operation, decided_by, request_id, model_version, other_version from bi.model_operation order by as_of"
    ) == [
        ("promote", "pretrain_backbone", "first", first["model_version"], None),
        ("reject", "pretrain_backbone", "second", second["model_version"], first["model_version"]),
    ]


def test_one_that_is_as_good_as_the_present_one_serves_only_after_proven_drift(tracked: Product) -> None:
    first = module.pretrain(tracked.services, request("first"))["model_version"]
    equal = module.pretrain(tracked.services, request("equal", AT + HOUR, held_out_days=11))
    assert (equal["is_promoted"], equal["reason"][:11]) == (False, "not better:")
    drifted = DriftRow(ALWAYS_OPEN, "coverage", 40, 0.8, 0.9, 8000.0, True, AT, {})
    with transaction(tracked.services.engine) as connection:
        save_look(connection, Look(AT + 2 * HOUR, AT, "another"), [drifted], [])
        save_look(connection, Look(AT + 4 * HOUR, AT, first), [drifted], [])
    other = module.pretrain(tracked.services, request("other", AT + 3 * HOUR, held_out_days=12))
    assert other["is_promoted"] is False, "the drift was that of another backbone"
    found = module.pretrain(tracked.services, request("after", AT + 5 * HOUR, held_out_days=13))
    assert found["is_promoted"] is True
    assert found["reason"].endswith("drift is proven in 24/7, so not worse is enough")


def test_better_than_the_baselines_is_not_enough_where_the_present_one_is_better_still(tracked: Product) -> None:
    trained(tracked)
    plant(tracked, "r", planted("present backbone", 0.002), planted("scale alone", -0.01), planted("HAR", -0.01))
    assert promotions.promote(tracked.services, "r")["is_promoted"] is False


def test_a_decision_is_final(tracked: Product) -> None:
    trained(tracked)
    plant(tracked, "r", planted("scale alone", -0.01), planted("HAR", -0.01))
    before = promotions.promote(tracked.services, "r")
    assert before["is_promoted"] is True
    plant(tracked, "r", planted("scale alone", 0.01), planted("HAR", 0.01))
    assert promotions.promote(tracked.services, "r") == before
    assert tracked.query("select count(*) from bi.model_operation") == [(1,)]


def version_at(services: Services, as_of: datetime) -> str | None:
    found = backbone_at(services, as_of)
    return None if found is None else found.version


def approving(product: Product, hours: float = 72.0) -> Services:
    """Services of an installation in which a person approves new backbones."""
    settings = product.services.settings
    schedule = replace(settings.schedule, promotion="approval", approval_hours=hours)
    return replace(product.services, settings=replace(settings, schedule=schedule))


GOOD = (planted("scale alone", -0.01), planted("HAR", -0.01))
FIGURES = "better: CRPS -1.000 ± 0.100 % against the scale alone in all markets together; worse in no market"


def test_one_that_passes_waits_for_a_person_and_hours_keep_the_present_one(tracked: Product) -> None:
    services = approving(tracked)
    promote_a_backbone(tracked, AT - HOUR, "present")
    trained(tracked, as_of=AT + HOUR)
    plant(tracked, "r", *GOOD)
    before = version_at(services, AT + HOUR)
    open_result = {"is_promoted": False, "is_open": True, "reason": FIGURES}
    for stage in (promotions.judge, promotions.promote):
        assert {**stage(services, "r"), "model_version": None} == {**open_result, "model_version": None}
    assert version_at(services, AT + HOUR) == before
    settle_backbone(services, AT + 2 * HOUR)
    assert tracked.query("select count(*) from bi.model_operation") == [(0,)]

    found = promotions.promote(services, "r", promotions.Answer(True, "ada", " looks right "))
    assert (found["is_promoted"], found["is_open"]) == (True, False)
    assert found["reason"] == f"approved by ada: looks right; {FIGURES}"
    assert version_at(services, AT + 2 * HOUR) == before, "an hour that was planned meanwhile keeps its backbone"
    assert version_at(services, AT + 3 * HOUR) == found["model_version"] != before
    assert promotions.promote(services, "r", promotions.Answer(False, "bob")) == found
    assert tracked.query("select operation, decided_by, reason from bi.model_operation") == [
        ("promote", "ada", found["reason"])
    ]


@pytest.mark.parametrize(
    ("answer", "decided_by", "words"),
    [
        (promotions.Answer(False, "ada", "too soon"), "ada", "rejected by ada: too soon; "),
        (promotions.Answer(False, None), "nobody", "no answer came within 0.5 hours; "),
    ],
    ids=["rejected", "no answer"],
)
def test_one_that_nobody_approves_does_not_serve_and_the_row_says_who_and_why(
    tracked: Product, answer: promotions.Answer, decided_by: str, words: str
) -> None:
    trained(tracked)
    plant(tracked, "r", *GOOD)
    found = promotions.promote(approving(tracked, 0.5), "r", answer)
    assert found["is_promoted"] is False
    assert tracked.query("select operation, decided_by, reason from bi.model_operation") == [
        ("reject", decided_by, words + FIGURES)
    ]
    assert promotions.promote(approving(tracked), "r", promotions.Answer(True, "bob")) == found


def test_a_person_is_not_asked_about_one_that_does_not_pass(tracked: Product) -> None:
    trained(tracked)
    plant(tracked, "r", planted("scale alone", 0.01), planted("HAR", -0.01))
    found = promotions.judge(approving(tracked), "r")
    assert (found["is_open"], found["is_promoted"]) == (False, False)
    assert promotions.promote(approving(tracked), "r", promotions.Answer(True, "ada")) == found
    assert tracked.query("select operation, decided_by from bi.model_operation") == [("reject", "pretrain_backbone")]


def test_other_weights_lose_the_scores_of_those_before(tracked: Product) -> None:
    trained(tracked)
    plant(tracked, "r", planted("scale alone", -0.01), planted("HAR", -0.01))
    with transaction(tracked.services.engine) as connection:
        backbone_store.set_trained(connection, "r", "others", 1, "code")
    assert tracked.query("select count(*) from bi.backbone_score") == [(0,)]
    with pytest.raises(RetryableError, match="clear its task `score`"):
        promotions.promote(tracked.services, "r")


def test_stages_out_of_their_order_say_which_one_is_missing(tracked: Product) -> None:
    module.plan(tracked.services, request())
    with pytest.raises(RetryableError, match="clear its task `train`"):
        promotions.score(tracked.services, "r")
    module.train(tracked.services, "r")
    with pytest.raises(RetryableError, match="clear its task `score`"):
        promotions.promote(tracked.services, "r")


def test_a_stretch_without_bars_cannot_be_scored(tracked: Product) -> None:
    trained(tracked, as_of=AT + 400 * 24 * HOUR, held_out_days=100)
    with pytest.raises(DataContractError, match="can be scored; hold out more days"):
        promotions.score(tracked.services, "r")
