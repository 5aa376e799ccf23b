"""Weeks of hourly updates through the emulator, with everything that can happen happening."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.yahoo import replay
from tests.yahoo.fixtures import StartEmulator
from tests.yahoo.moving_market import make_market

pytestmark = pytest.mark.integration

SINCE = datetime(2026, 9, 1, 20, 35, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=24)


def test_weeks_of_updates_with_faults_end_at_the_markets_truth_and_find_all_that_happened(
    database_url: str, start_emulator: StartEmulator, yahoo_cache_dir: Path
) -> None:
    clock = [SINCE]
    market = make_market(["AAPL", "SAP.DE"], SINCE, UNTIL, lambda: clock[0], seed=8)
    emulator = start_emulator(provider=market, clock=SINCE, seed=3)
    market.clock = emulator.now

    with replay.yahoo_services(database_url, yahoo_cache_dir) as services:
        findings = replay.run(services, emulator, market, SINCE, UNTIL, fault_share="20%")

    assert findings.differences == []
    assert findings.found == findings.injected
    assert min(findings.injected.values()) > 0
    assert findings.unseen_changes == 0
    assert findings.fault_count > 50
