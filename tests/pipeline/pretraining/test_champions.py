"""A backbone that loses its two weeks is taken back by itself; one that does not is confirmed; a person may undo."""

from datetime import timedelta

import pytest

from include.errors import InvalidRequestError
from include.pipeline.models.backbones import backbone_at, settle_backbone
from include.pipeline.pretraining import champions
from include.pipeline.pretraining import requests as module
from include.pipeline.services import Services
from tests.pipeline.pretraining.test_requests import SILENT, TICKERS, request, teach
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, Product

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)
FIRST_AT, SECOND_AT = AT - 20 * DAY, AT - 17 * DAY
"""Instants of two promotions; two weeks after the second are over at ``AT``."""


@pytest.fixture
def tracked(product: Product, monkeypatch: pytest.MonkeyPatch) -> Product:
    """Three tickers with 80 days of bars up to ``AT``, and a backbone as good as the scale alone since ``FIRST_AT``."""
    product.onboard(*TICKERS, history_days=80, as_of=FIRST_AT - HOUR)
    teach(monkeypatch, SILENT)
    assert module.pretrain(product.services, request("good", FIRST_AT))["is_promoted"]
    product.onboard(*TICKERS, history_days=80, as_of=AT, request_id="again", retrain=True)
    return product


def version_at(services: Services, as_of: object) -> str | None:
    found = backbone_at(services, as_of)  # type: ignore[arg-type]  # an instant
    return None if found is None else found.version


def operations(product: Product) -> list[tuple[object, ...]]:
    """Those after the promotion."""
    return product.query(
        "select operation, request_id, decided_by from bi.model_operation "
        "where operation <> 'promote' order by as_of, operation"
    )


def test_a_bad_backbone_is_taken_back_after_its_two_weeks_and_the_one_before_serves(tracked: Product) -> None:
    good = version_at(tracked.services, SECOND_AT - HOUR)
    promote_a_backbone(tracked, SECOND_AT, "bad", amount=0.5)
    bad = version_at(tracked.services, SECOND_AT)
    assert good != bad
    assert champions.review(tracked.services, SECOND_AT + 14 * DAY)["decision"] == "on trial"
    settle_backbone(tracked.services, AT - HOUR)

    found = champions.review(tracked.services, AT)

    assert (found["decision"], found["request_id"]) == ("roll back", "bad"), found
    assert found["reason"].startswith("it lost: its CRPS less that of the one before it is ")
    assert champions.review(tracked.services, AT) == found, "a second run changes nothing"
    assert version_at(tracked.services, AT + HOUR) == good
    assert version_at(tracked.services, AT - HOUR) == bad, "an hour before keeps its backbone"
    assert operations(tracked) == [("roll back", "bad", "watch_models")]


def test_a_backbone_that_does_not_lose_is_confirmed_once(tracked: Product) -> None:
    version = version_at(tracked.services, AT)
    found = champions.review(tracked.services, AT)

    assert (found["decision"], found["request_id"]) == ("confirm", "good")
    assert champions.review(tracked.services, AT + DAY)["decision"] == "none"
    assert version_at(tracked.services, AT + DAY) == version
    assert operations(tracked) == [("confirm", "good", "watch_models")]


def test_a_person_takes_a_backbone_back_and_without_one_there_is_nothing_to_undo(tracked: Product) -> None:
    done = champions.roll_back(tracked.services, AT, "it looked wrong", "ada")
    assert champions.roll_back(tracked.services, AT, "again", "ada") == done
    assert version_at(tracked.services, AT + HOUR) is None, "the shipped one has another shape here"
    assert operations(tracked) == [("roll back", "good", "ada")]
    with pytest.raises(InvalidRequestError, match="there is none to take back"):
        champions.roll_back(tracked.services, AT + HOUR, "again", "ada")


def test_without_a_backbone_of_this_installation_nothing_is_on_trial(product: Product) -> None:
    assert champions.review(product.services, AT) == {"decision": "none", "reason": "no backbone is on trial"}
