"""The Yahoo source of the tests: requests, the true bars, and a policy without long pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS, BarRequest, TickerProfile
from include.market.sessions import calendar_of, feed_delay_minutes, timezone_of
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.settings import MarketSettings
from tests.yahoo.fixtures import CLOCK
from tests.yahoo.providers import invented_bars

SINCE = CLOCK - timedelta(days=5)
QUICK = RetryPolicy(tries=2, pause_seconds=0.02, longest_wait_seconds=0.5)


def profile_of(ticker: str, currency: str | None = None) -> TickerProfile:
    calendar = calendar_of(ticker)
    return TickerProfile(
        ticker=ticker,
        source="yahoo",
        calendar=calendar,
        timezone=timezone_of(calendar),
        currency=currency,
        name=None,
        feed_delay_minutes=feed_delay_minutes(calendar),
    )


def request_of(ticker: str, since: datetime = SINCE) -> BarRequest:
    return BarRequest(profile=profile_of(ticker, "USD" if ticker in {"AAPL", "MSFT"} else None), since=since)


def truth_of(ticker: str, since: datetime = SINCE, as_of: datetime = CLOCK) -> pd.DataFrame:
    bars = invented_bars(ticker, CLOCK - timedelta(days=40), CLOCK + timedelta(days=5))
    delay = pd.Timedelta(minutes=feed_delay_minutes(calendar_of(ticker)))
    known = (bars["opened_at"] >= since) & (bars["closed_at"] + delay <= as_of)
    return bars.loc[known, list(BAR_COLUMNS)].reset_index(drop=True)


@pytest.fixture
def yahoo_settings(yahoo_cache_dir: Path) -> MarketSettings:
    """Settings without a pace."""
    return MarketSettings(cache_dir=yahoo_cache_dir, yahoo_requests_per_second=1000.0, yahoo_timeout_seconds=3.0)


@pytest.fixture
def open_source(yahoo_settings: MarketSettings) -> Callable[..., YahooSource]:
    """Opens a source, once the emulator runs; changes of the settings are named."""

    def build(policy: RetryPolicy = QUICK, gate: RateLimitGate | None = None, **changes: object) -> YahooSource:
        settings = replace(yahoo_settings, **changes)
        return YahooSource(settings, policy=policy, gate=gate or RateLimitGate(first_seconds=0.2))

    return build
