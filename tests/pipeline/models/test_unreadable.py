"""Weights that are flipped, cut off or gone: the log, the outcome and the view say so."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.pipeline.replay import replay
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
Spoil = Callable[[Path], None]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def delete(path: Path) -> None:
    path.unlink()


DAMAGES = pytest.mark.parametrize("spoil", [flip, cut, delete], ids=["flipped", "cut", "deleted"])


def hour(number: int) -> datetime:
    return AT + number * HOUR


def file_of(product: Product, as_of: datetime) -> Path:
    ((artefact,),) = product.query("select artefact from forecast.model_version where as_of = %s", as_of)
    return product.services.settings.model.models_dir / artefact


def reason_of(product: Product, as_of: datetime) -> str:
    ((reason,),) = product.query("select reason from bi.hour_outcome where as_of = %s", as_of)
    return str(reason)


def marks(product: Product) -> list[tuple[Any, ...]]:
    return product.query(
        """select as_of, unreadable_at, unreadable_reason from bi.model_history
        where unreadable_at is not null order by as_of"""
    )


def made(product: Product, as_of: datetime) -> tuple[Any, ...]:
    """The kind of the hour's version, and the instant of its parent."""
    (row,) = product.query(
        """select version.kind, parent.as_of from forecast.model_version as version
        left join forecast.model_version as parent on parent.model_version = version.parent_version
        where version.as_of = %s""",
        as_of,
    )
    return row


@DAMAGES
def test_a_challenger_that_goes_on_from_an_older_version_says_so(
    product: Product, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    damaged = file_of(product, hour(1))
    spoil(damaged)
    with caplog.at_level(logging.WARNING):
        assert product.run_hour(hour(2)) == {"forecast": 1}
    assert made(product, hour(2)) == ("fine_tune", AT)
    ((as_of, unreadable_at, why),) = marks(product)
    assert (as_of, unreadable_at) == (hour(1), hour(2))
    assert damaged.name in why
    assert reason_of(product, hour(2)) == (
        f"its challenger goes on from the weights of {AT.isoformat()}, because the weights of {hour(1).isoformat()} "
        f"cannot be read: {why}"
    )
    (line,) = [record.getMessage() for record in caplog.records if damaged.name in record.getMessage()]
    assert line.startswith(f"{NOVA} at {hour(2).isoformat()}: the weights ")
    product.run_hour(hour(3))
    assert reason_of(product, hour(3)) == "None"
    assert len(marks(product)) == 1
    assert replay(product.services, NOVA, hour(2), is_trained_again=True).differences == []


@DAMAGES
def test_a_champion_that_cannot_be_read_is_marked_and_a_restored_file_removes_the_mark(
    product: Product, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    promote_a_backbone(product, AT - timedelta(days=1), "backbone")
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    champion = file_of(product, AT)
    content = champion.read_bytes()
    spoil(champion)
    with caplog.at_level(logging.WARNING):
        assert product.run_hour(hour(2)) == {"forecast": 1}
    ((as_of, unreadable_at, why),) = marks(product)
    assert (as_of, unreadable_at) == (AT, hour(2))
    assert champion.name in why
    assert reason_of(product, hour(2)) == f"the backbone serves: no model could be read: {why}"
    assert any(champion.name in record.getMessage() for record in caplog.records)
    champion.write_bytes(content)
    product.run_hour(hour(3))
    assert marks(product) == []


def test_a_ticker_without_any_readable_version_starts_again_and_says_so(product: Product) -> None:
    promote_a_backbone(product, AT - timedelta(days=1), "backbone")
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    for as_of in (AT, hour(1)):
        delete(file_of(product, as_of))
    product.run_hour(hour(2))
    assert made(product, hour(2)) == ("restart", hour(1))
    assert [(as_of, at) for as_of, at, _ in marks(product)] == [(AT, hour(2)), (hour(1), hour(2))]
    assert reason_of(product, hour(2)).startswith(
        f"its challenger starts again, because the weights of {hour(1).isoformat()} cannot be read: "
    )


def test_a_reference_that_cannot_be_read_is_marked(product: Product) -> None:
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    delete(file_of(product, AT))  # without a backbone the first training is the reference, and serves
    assert product.run_hour(hour(2)) == {"fallback": 1}
    assert [(as_of, at) for as_of, at, _ in marks(product)] == [(AT, hour(2))]


@DAMAGES
def test_a_damaged_copy_of_the_backbone_is_written_again_and_costs_no_challenger(
    product: Product, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    promote_a_backbone(product, AT - timedelta(days=1), "backbone")
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    (base,) = product.services.settings.model.models_dir.glob("base-*")
    content = base.read_bytes()
    spoil(base)
    with caplog.at_level(logging.WARNING):
        product.run_hour(hour(2))
    assert base.read_bytes() == content
    assert made(product, hour(2)) == ("fine_tune", hour(1))
    assert marks(product) == []
    lines = [record.getMessage() for record in caplog.records if base.name in record.getMessage()]
    assert [line.split(" from ")[0] for line in lines] == (
        [] if spoil is delete else [f"{base.name} is damaged and is written again"]
    )


def test_a_file_that_is_written_again_removes_its_mark(product: Product) -> None:
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    damaged = file_of(product, hour(1))
    delete(damaged)
    product.run_hour(hour(2))
    assert len(marks(product)) == 1
    product.query(
        "update forecast.outcome set stage = 'featured', status = 'planned' where as_of = %s; commit", hour(1)
    )
    product.run_hour(hour(1))
    assert damaged.exists()
    assert marks(product) == []
