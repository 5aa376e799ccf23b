"""What a use case works with, and what the workers share."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.contracts import BarRequest, TickerProfile
from include.errors import SettingsError
from include.pipeline.services import open_services
from include.settings import load_settings
from tests.yahoo.fixtures import CLOCK, StartEmulator

pytestmark = pytest.mark.integration


def test_services_need_a_database() -> None:
    with pytest.raises(SettingsError, match="HOURCAST_DATABASE_URL"):
        open_services(load_settings({}))


def test_a_rate_limit_that_one_worker_ran_into_keeps_the_others_from_asking(
    database_url: str, start_emulator: StartEmulator, yahoo_cache_dir: Path
) -> None:
    emulator = start_emulator(faults=("AAPL:429-after@600",))
    settings = load_settings({"HOURCAST_DATABASE_URL": database_url, "HOURCAST_CACHE_DIR": str(yahoo_cache_dir)})
    first, second = open_services(settings), open_services(settings)
    since = CLOCK - timedelta(days=5)

    def fetch(services: object, ticker: str) -> object:
        profile = TickerProfile(ticker, "yahoo", "XNYS", "America/New_York", "USD", ticker, 2)
        return services.sources["yahoo"].fetch_bars([BarRequest(profile, since)], CLOCK)  # type: ignore[attr-defined]

    assert "slow down" in fetch(first, "AAPL").failures[0].reason  # type: ignore[attr-defined]
    refused = fetch(second, "MSFT")
    assert "nothing is asked of it" in refused.failures[0].reason  # type: ignore[attr-defined]
    assert emulator.chart_requests("MSFT") == 0
    for services in (first, second):
        services.engine.dispose()
