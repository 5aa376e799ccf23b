"""A daily look counts each day once, goes on from the look before it, and never reads what became known later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.model.backbone import read_certificate, write_certificate
from include.pipeline.models import backbones
from include.pipeline.models.input_reference import KEY
from include.pipeline.pretraining.pretrain import input_references
from include.pipeline.pretraining.stored import known_histories
from include.pipeline.watching import inputs
from include.pipeline.watching.looks import look
from include.store.backbones import find_backbone
from include.store.engine import transaction
from tests.support.backbones import promote_a_backbone
from tests.support.outcomes import INSIDE, OUTSIDE, store_outcome
from tests.support.products import AT, Product
from tests.support.rows import track

pytestmark = pytest.mark.integration
MONDAY = datetime(2025, 3, 31, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def trade(product: Product, days: range, *closes: float) -> None:
    """Forecasts of some hours of each day whose closes are these."""
    with transaction(product.services.engine) as connection:
        for number in days:
            for hour, close in enumerate(closes):
                as_of = MONDAY + number * DAY + (14 + hour) * HOUR + timedelta(minutes=35)
                store_outcome(connection, as_of, close=close, crps=(10.0, 10.0))


def look_at(number: int) -> datetime:
    """A quarter past three after the day of this number has ended."""
    return MONDAY + (number + 1) * DAY + 3 * HOUR + timedelta(minutes=15)


def results(product: Product, as_of: datetime) -> list[tuple[Any, ...]]:
    columns = "calendar, kind, day_count, observed_ratio, e_value, is_drifted, drifted_at, state::text"
    query = f"select {columns} from forecast.drift where as_of = %s order by calendar, kind"  # a constant
    return product.query(query, as_of)


@pytest.fixture
def tracked(product: Product) -> Product:
    with transaction(product.services.engine) as connection:
        track(connection, "AAPL", as_of=MONDAY)
    return product


def test_daily_looks_and_one_look_later_say_the_same(tracked: Product) -> None:
    trade(tracked, range(4), INSIDE, INSIDE, OUTSIDE)
    for number in range(3):
        look(tracked.services, look_at(number))
    look(tracked.services, look_at(3))
    daily = results(tracked, look_at(3))
    tracked.query("delete from forecast.drift_look")
    look(tracked.services, look_at(3))

    assert results(tracked, look_at(3)) == daily
    assert [(row[0], row[1], row[2]) for row in daily] == [
        (calendar, kind, 4) for calendar in ("XNYS", "all") for kind in ("coverage", "pit", "shape", "skill")
    ]


def test_a_second_run_of_a_look_changes_nothing_whatever_has_become_known_since(tracked: Product) -> None:
    trade(tracked, range(1), INSIDE)
    assert look(tracked.services, look_at(0))["tests"] == 8
    before = results(tracked, look_at(0))
    trade(tracked, range(1), INSIDE, OUTSIDE)
    look(tracked.services, look_at(0))

    assert results(tracked, look_at(0)) == before


def test_a_look_reads_nothing_that_was_scored_after_its_instant(tracked: Product) -> None:
    trade(tracked, range(2), OUTSIDE, OUTSIDE)
    look(tracked.services, look_at(0))
    assert {row[2] for row in results(tracked, look_at(0))} == {1}
    look(tracked.services, look_at(0) - 2 * HOUR)
    assert results(tracked, look_at(0) - 2 * HOUR) == [], "the day counts from three hours after its end on"


def test_narrow_forecasts_are_found_with_the_look_that_first_found_them(tracked: Product) -> None:
    trade(tracked, range(24), OUTSIDE, INSIDE, INSIDE)
    drifted = [look(tracked.services, look_at(number))["drifted"] for number in range(24)]
    first = next(number for number, count in enumerate(drifted) if count)

    assert 5 < first < 20
    newest = {row[1]: row for row in results(tracked, look_at(23)) if row[0] == "XNYS"}
    assert newest["coverage"][5]
    found = tracked.query(
        "select min(as_of) from forecast.drift where is_drifted and kind = 'coverage' and calendar = 'XNYS'"
    )
    assert newest["coverage"][6] == found[0][0]


def test_with_another_backbone_the_tests_of_the_forecasts_begin_again(tracked: Product) -> None:
    trade(tracked, range(3), INSIDE, INSIDE)
    look(tracked.services, look_at(1))
    promote_a_backbone(tracked, look_at(1) + HOUR, "second")
    look(tracked.services, look_at(2))

    assert {row[2] for row in results(tracked, look_at(1))} == {2}
    assert {row[2] for row in results(tracked, look_at(2))} == {1}


def test_inputs_are_compared_with_those_of_the_backbones_training(product: Product) -> None:
    product.onboard("NOVA-USD.SIM", history_days=60)
    as_of = AT + HOUR
    promote_a_backbone(product, AT, "first")
    assert look(product.services, as_of)["shifted_inputs"] == 0
    assert product.query("select * from forecast.input_shift") == [], "its certificate has no reference"

    with transaction(product.services.engine) as connection:
        row = find_backbone(connection, "first")
    assert row is not None
    references = input_references(known_histories(product.services, row.tickers, as_of), as_of)
    store = backbones.backbone_store_of(product.services, str(row.model_version))
    write_certificate(store, read_certificate(store) | {KEY: references})
    found = inputs.input_shifts(product.services, backbones.backbone_at(product.services, as_of), as_of)
    assert {row.market.calendar for row in found} == {"24/7"}
    assert len(found) == len(references["crypto"])
    assert all(row.row_count >= 24 * 27 for row in found)
    assert not any(row.is_shifted for row in found if row.input == "surprise")

    for reference in references["crypto"].values():
        reference["edges"] = [edge - 20.0 for edge in reference["edges"]]
    write_certificate(store, read_certificate(store) | {KEY: references})
    assert look(product.services, as_of + HOUR)["shifted_inputs"] == len(found)
