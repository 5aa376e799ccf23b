"""The table of faults at night, for a few of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from include.local.postgres import EmbeddedPostgres
from tests.architecture.project import PROJECT_DIR
from tests.yahoo import fault_table, night_fault_table
from tests.yahoo.fixtures import StartEmulator

pytestmark = pytest.mark.integration


def test_the_faults_of_the_page_are_those_that_there_are() -> None:
    page = (PROJECT_DIR / night_fault_table.PAGE).read_text(encoding="utf-8")
    shown = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    expected = [rule.split(":")[1].partition("@")[0] for rule in night_fault_table.rules()]
    assert shown == expected
    assert " 0 wrong prices believed; the ticker failed in 0 of " in page


def test_a_fault_of_the_night_costs_a_refresh_at_most(
    migrated_server: EmbeddedPostgres, start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator(provider=fault_table.MARKET)
    rules = [f"extended-{fault_table.TICKER}:{kind}" for kind in ("500", "bad-prints", "no-extended-hours")]

    with night_fault_table.evening(migrated_server, emulator, tmp_path) as template:
        rows = [night_fault_table.measure(migrated_server, emulator, template, tmp_path, rule) for rule in rules]

    assert all(row.is_harmless for row in rows), rows
    refusing, wrong, empty = rows
    assert (refusing.requests, refusing.stored_count, refusing.error) == (3, 0, None)
    assert "Yahoo answered with status 500" in refusing.outcome
    assert (wrong.requests, wrong.stored_count, wrong.outcome) == (1, 3, "refreshed")
    assert wrong.error == pytest.approx(0.0, abs=1e-6)
    assert (empty.requests, empty.stored_count) == (1, 0)
    assert empty.outcome.startswith("skipped")
    lines = night_fault_table.page_of(rows).splitlines()
    assert lines[-2] == "| `bad-prints` | 1 | 3 | refreshed | +0.0 | refreshed |"


def test_a_row_with_a_failure_a_wrong_price_or_a_harmed_neighbour_is_not_harmless() -> None:
    good = night_fault_table.Row("500", 3, 3, "", "refreshed", 0.0, "refreshed", "refreshed")
    assert good.is_harmless
    assert replace(good, error=None, outcome="skipped: x").is_harmless
    changes = ({"outcome": "failed: x"}, {"error": -0.02}, {"next_outcome": "skipped"}, {"neighbour": "failed: x"})
    assert not any(replace(good, **change).is_harmless for change in changes)
