"""Yahoo on the loopback for a test, and a client that starts as in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from yfinance.data import SingletonMeta, YfData

from tests.yahoo.providers import Provider, invented
from tests.yahoo.server import AUTHORITY_VARIABLES, PROXY_VARIABLES, YahooEmulator

CLOCK = datetime(2026, 10, 14, 16, 5, tzinfo=UTC)
"""A Wednesday, 12:05 in New York: the bar of 11:30 is in progress."""

KNOWN = frozenset(
    {"AAPL", "MSFT", "BTC-USD", "EURUSD=X", "2330.TW", "005930.KS", "0700.HK", "VOD.L", "SAP.DE", "^GSPC"}
)
MARKET = invented(CLOCK - timedelta(days=40), CLOCK + timedelta(days=5), KNOWN)

StartEmulator = Callable[..., YahooEmulator]


@pytest.fixture(scope="session")
def yahoo_cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client keeps its cache folder for the life of the process, so all tests share one."""
    return tmp_path_factory.mktemp("yahoo-cache")


@pytest.fixture
def start_emulator(monkeypatch: pytest.MonkeyPatch, yahoo_cache_dir: Path) -> Iterator[StartEmulator]:
    """Starts an emulator and leads this process's client to it, without crumb, memo or session of an earlier test."""
    for ticker in KNOWN:
        MARKET(ticker)  # invented before the clock of a time-out runs: a calendar takes its time at first use
    for name in (*PROXY_VARIABLES, *AUTHORITY_VARIABLES, "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    with ExitStack() as running:

        def start(
            provider: Provider = MARKET, clock: datetime | None = CLOCK, faults: tuple[str, ...] = (), seed: int = 0
        ) -> YahooEmulator:
            SingletonMeta._instances.clear()
            YfData.cache_get.cache_clear()
            emulator = running.enter_context(YahooEmulator(provider, clock=clock, faults=faults, seed=seed))
            for name, value in emulator.environment().items():
                monkeypatch.setenv(name, value)
            return emulator

        yield start
