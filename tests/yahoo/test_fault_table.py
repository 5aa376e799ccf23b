"""The table of faults, for a few of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.local.postgres import EmbeddedPostgres
from tests.architecture.project import PROJECT_DIR
from tests.yahoo import fault_table
from tests.yahoo.fixtures import StartEmulator

pytestmark = pytest.mark.integration


def test_the_faults_of_the_page_are_those_that_there_are() -> None:
    page = (PROJECT_DIR / fault_table.PAGE).read_text(encoding="utf-8")
    shown = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert shown == [rule.removeprefix(f"{fault_table.TICKER}:").partition("@")[0] for rule in fault_table.rules()]
    assert "**" not in page


def test_a_fault_goes_through_the_hour_and_the_next_one_mends_it(
    migrated_server: EmbeddedPostgres, start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator(provider=fault_table.MARKET)
    rules = [f"{fault_table.TICKER}:{kind}" for kind in ("500", "spike", "stale")]

    with fault_table.onboarded(migrated_server, emulator, tmp_path) as template:
        rows = [fault_table.measure(migrated_server, emulator, template, tmp_path, rule) for rule in rules]

    assert all(row.is_harmless for row in rows), rows
    refusing, spiking, stale = rows
    assert (refusing.requests, refusing.stored_count) == (3, 0)
    assert refusing.outcome == "failed: fetch: AAPL: Yahoo answered with status 500."
    assert (spiking.requests, spiking.stored_count) == (1, 6)
    assert "beyond_volatility" in spiking.rejections
    assert "late" in spiking.outcome
    assert "late" in stale.outcome
    lines = fault_table.page_of(rows).splitlines()
    assert lines[-3].startswith("| `500` | 3 + ")


def test_a_row_that_lost_a_bar_believed_a_wrong_one_or_harmed_the_neighbour_is_not_harmless() -> None:
    good = fault_table.Row("500", 3, 0, 7, "", "forecast", 1, 0, 0, "forecast")
    assert good.is_harmless
    for change in ({"next_missing_count": 1}, {"wrong_count": 1}, {"neighbour": "failed: x"}):
        assert not fault_table.replace(good, **change).is_harmless
