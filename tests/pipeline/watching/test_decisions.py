"""Another backbone is requested when drift of the forecasts is proven or the present one is old, and not too often."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from include.pipeline.watching import decisions
from include.store import backbones as backbone_store
from include.store.backbones import BackboneRow
from include.store.drift import DriftRow, Look, Market, save_look
from include.store.engine import execute, transaction
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, Product

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)
LOOK_AT = AT + HOUR
TICKERS = ("NOVA-USD.SIM", "ORION-USD.SIM", "VEGA-USD.SIM")
NEW_YORK, INVENTED = Market(False, "XNYS"), Market(True, "24/7")


def drifted(kind: str, market: Market = NEW_YORK) -> DriftRow:
    return DriftRow(market, kind, 40, 0.8, 0.9, 8000.0, True, AT, {})


STEADY = DriftRow(NEW_YORK, "coverage", 40, 0.9, 0.9, 1.0, False, None, {})


@pytest.fixture
def tracked(product: Product) -> Product:
    """Three tickers with enough bars, and a backbone of the day before."""
    product.onboard(*TICKERS, history_days=60)
    promote_a_backbone(product, AT - DAY, "present")
    with transaction(product.services.engine) as connection:
        execute(
            connection,
            "update forecast.backbone "
            "set as_of = as_of - interval '40 days', cutoff_at = cutoff_at - interval '40 days'",
        )
    return product


def look(product: Product, *rows: DriftRow, as_of: Any = LOOK_AT) -> None:
    with transaction(product.services.engine) as connection:
        save_look(connection, Look(as_of, as_of, None), rows, [])


def test_nothing_is_trained_without_drift_and_drift_of_the_bars_trains_nothing(tracked: Product) -> None:
    look(tracked, drifted("late"), STEADY, drifted("skill", INVENTED))
    found = decisions.decide(tracked.services, LOOK_AT, "r")
    assert found["decision"] == "keep"
    assert found["reason"].startswith("no drift of the forecasts is proven")


def test_proven_drift_of_the_forecasts_trains_another_once(tracked: Product) -> None:
    look(tracked, drifted("pit"), drifted("coverage"))
    found = decisions.decide(tracked.services, LOOK_AT, "drift__1")
    assert found == {
        "decision": "retrain",
        "reason": "drift is proven: coverage in XNYS, pit in XNYS",
        "form": {"as_of": LOOK_AT.isoformat(), "held_out_days": 14, "taught_days": 28, "simulated_tickers": 0},
    }
    assert decisions.decide(tracked.services, LOOK_AT, "drift__2") == found
    rows = tracked.query("select operation, request_id, decided_by, model_version is not null from bi.model_operation")
    assert rows == [("retrain", "drift__1", "watch_models", True)]


def test_a_request_of_the_last_weeks_is_waited_for(tracked: Product) -> None:
    look(tracked, drifted("pit"))
    row = BackboneRow("recent", AT - 5 * DAY, AT - 30 * DAY, list(TICKERS), 0, 1, None)
    with transaction(tracked.services.engine) as connection:
        backbone_store.open_backbone(connection, row)
    found = decisions.decide(tracked.services, LOOK_AT, "r")
    assert found["decision"] == "keep"
    assert "less than 28 days ago" in found["reason"]


def test_simulated_markets_count_where_there_are_no_others(tracked: Product) -> None:
    look(tracked, drifted("skill", INVENTED))
    assert decisions.decide(tracked.services, LOOK_AT, "r")["reason"] == "drift is proven: skill in 24/7"


def test_an_old_backbone_is_trained_again_unless_the_setting_turns_that_off(tracked: Product) -> None:
    schedule = replace(tracked.services.settings.schedule, backbone_max_age_days=1)
    services = replace(tracked.services, settings=replace(tracked.services.settings, schedule=schedule))
    found = decisions.decide(services, AT + DAY, "r")
    assert found["decision"] == "retrain"
    assert found["reason"] == "the bars that trained the backbone end 2 days ago, and 1 are allowed"
    assert found["form"] == {"as_of": (AT + DAY).isoformat()}, "all bars teach"
    off = replace(services, settings=replace(services.settings, schedule=replace(schedule, backbone_max_age_days=0)))
    assert decisions.decide(off, AT + 2 * DAY, "r")["decision"] == "keep"


def test_without_enough_tickers_nothing_is_requested_that_would_be_refused(product: Product) -> None:
    look(product, drifted("pit"))
    found = decisions.decide(product.services, LOOK_AT, "r")
    assert found["decision"] == "keep"
    assert found["reason"].endswith("but only 0 tickers have enough bars, of 3 needed")
