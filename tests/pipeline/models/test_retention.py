"""What leaves the disk, what stays, and what an hour or a replay of long ago makes of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.errors import CheckpointError
from include.pipeline.models.retention import prune
from include.pipeline.replay import replay
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
LATER = AT + timedelta(days=100)


@pytest.fixture
def aged(product: Product) -> Product:
    """A ticker whose line served from the second hour to the fifth, and not from then on."""
    product.onboard(NOVA, history_days=30)
    for number in range(1, 9):
        product.run_hour(AT + number * HOUR)
        if number == 1:
            proven = '{"is_proven": true, "total_score_difference": -1.0, "log_e_values": [9, 9, 9, 9, 9]}'
            product.query(
                "update forecast.model_version set sequential_test = sequential_test || %s where as_of > %s; commit",
                proven,
                AT,
            )
        if number == 5:
            product.query(
                """update forecast.model_version
                set sequential_test = sequential_test || '{"total_score_difference": 1e9}'
                where as_of = %s; commit""",
                AT + 5 * HOUR,
            )
    return product


def files(product: Product) -> set[str]:
    return {path.name for path in product.services.settings.model.models_dir.glob("shard-*")}


def kept(product: Product) -> dict[int, bool]:
    """Of each hour's version, whether its weights are to stay."""
    rows = product.query("select as_of, not is_pruned from forecast.model_version order by as_of")
    return {round((as_of - AT) / HOUR): stays for as_of, stays in rows}


def test_within_the_days_of_retention_nothing_that_served_leaves(aged: Product) -> None:
    before = files(aged)
    assert prune(aged.services, AT + timedelta(days=6)) == {"files": 0, "bytes": 0}
    assert files(aged) == before
    kinds = aged.query("select kind, is_promoted from forecast.model_version order by as_of")
    assert kinds == [
        ("first_training", True),
        ("fine_tune", False),
        *[("fine_tune", True)] * 4,
        ("restart", True),
        *[("fine_tune", False)] * 2,
    ]
    prune(aged.services, AT + timedelta(days=20))
    assert kept(aged) == {0: True, 1: False, 2: True, 3: True, 4: True, 5: True, 6: True, 7: True, 8: True}


def test_after_them_only_what_a_ticker_needs_to_go_on_stays(aged: Product) -> None:
    before = files(aged)
    removed = prune(aged.services, LATER)
    assert kept(aged) == {0: True, 1: False, 2: False, 3: False, 4: True, 5: True, 6: True, 7: True, 8: True}
    assert removed["files"] == 3
    assert removed["bytes"] > 3000
    assert len(before - files(aged)) == 6  # each with the JSON beside it
    assert prune(aged.services, LATER) == {"files": 0, "bytes": 0}
    assert aged.run_hour(AT + 9 * HOUR) == {"forecast": 1}


def test_a_replay_of_a_pruned_forecast_says_so_and_a_rerun_of_its_hour_changes_no_row(aged: Product) -> None:
    prune(aged.services, LATER)
    again = replay(aged.services, NOVA, AT + 3 * HOUR, is_trained_again=True)
    assert (again.is_compared, again.differences) == (False, [])
    assert any("are pruned, being older than HOURCAST_MODEL_RETENTION_DAYS" in remark for remark in again.remarks)
    assert any("was trained from weights that are pruned" in remark for remark in again.remarks)
    assert replay(aged.services, NOVA, AT + 5 * HOUR).is_compared
    before = aged.checksum()
    for number in (2, 3, 4):
        aged.run_hour(AT + number * HOUR)
    assert aged.checksum() == before


def test_a_file_that_cannot_be_removed_is_said(aged: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CheckpointError, match="cannot be removed"):
        prune(aged.services, LATER)
