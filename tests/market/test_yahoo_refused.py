"""An answer that describes another ticker: its bars are refused with the reason, and stored as rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS, BarRequest, TickerProfile
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.pipeline.data import fetching
from include.pipeline.services import Services
from include.settings import MarketSettings
from include.store.engine import fetch_rows, transaction
from tests.yahoo import replay
from tests.yahoo.fixtures import CLOCK, StartEmulator
from tests.yahoo.providers import invented, invented_bars

SINCE = CLOCK - timedelta(days=5)
APPLE = TickerProfile("AAPL", "yahoo", "XNYS", "America/New_York", "USD", None, 2)
MICROSOFT = TickerProfile("MSFT", "yahoo", "XNYS", "America/New_York", "USD", None, 2)
REASONS = {"other-symbol": "other_symbol", "other-currency": "other_currency", "other-zone": "other_timezone"}


@pytest.fixture
def open_source(yahoo_cache_dir: Path) -> Callable[[], YahooSource]:
    """Opens a source, once the emulator runs."""
    settings = MarketSettings(cache_dir=yahoo_cache_dir, yahoo_requests_per_second=1000.0)
    policy = RetryPolicy(tries=2, pause_seconds=0.02)
    return lambda: YahooSource(settings, policy=policy, gate=RateLimitGate())


def due_bars(since: datetime, as_of: datetime = CLOCK) -> pd.DataFrame:
    bars = invented_bars("AAPL", CLOCK - timedelta(days=40), CLOCK + timedelta(days=5))
    is_due = (bars["opened_at"] >= since) & (bars["closed_at"] + timedelta(minutes=2) <= as_of)
    return bars.loc[is_due, list(BAR_COLUMNS)].reset_index(drop=True)


def test_another_unit_of_the_same_currency_is_handed_over_with_the_bars(
    start_emulator: StartEmulator, open_source: Callable[[], YahooSource]
) -> None:
    start_emulator()
    vodafone = TickerProfile("VOD.L", "yahoo", "XLON", "Europe/London", "GBP", None, 20)
    report = open_source().fetch_bars([BarRequest(vodafone, SINCE), BarRequest(APPLE, SINCE)], CLOCK)
    assert report.failures == ()
    assert report.currencies == {"VOD.L": "GBp"}
    assert set(report.bars["ticker"]) == {"VOD.L", "AAPL"}


@pytest.mark.parametrize("kind", REASONS)
def test_the_bars_of_another_ticker_are_refused_with_the_reason(
    kind: str, start_emulator: StartEmulator, open_source: Callable[[], YahooSource]
) -> None:
    start_emulator(faults=(f"AAPL:{kind}",))
    report = open_source().fetch_bars([BarRequest(APPLE, SINCE), BarRequest(MICROSOFT, SINCE)], CLOCK)
    assert [failure.ticker for failure in report.failures] == ["AAPL"]
    assert set(report.bars["ticker"]) == {"MSFT"}
    assert set(report.refused["reason"]) == {REASONS[kind]}
    due = due_bars(SINCE)
    if kind == "other-zone":  # the client drops rows that are after the session's end on the other zone's clock
        due = due[due["opened_at"].isin(report.refused["opened_at"])].reset_index(drop=True)
    assert len(due) > 10
    pd.testing.assert_frame_equal(report.refused.drop(columns="reason"), due, check_dtype=False)


def test_what_was_refused_stays_known_when_a_later_answer_is_right(
    start_emulator: StartEmulator, open_source: Callable[[], YahooSource]
) -> None:
    start_emulator(faults=("AAPL:other-symbol:1",))
    report = open_source().fetch_bars([BarRequest(APPLE, SINCE)], CLOCK)
    assert report.failures == ()
    assert len(report.bars) == len(report.refused) == len(due_bars(SINCE))


def test_a_right_answer_refuses_nothing(start_emulator: StartEmulator, open_source: Callable[[], YahooSource]) -> None:
    start_emulator()
    assert open_source().fetch_bars([BarRequest(APPLE, SINCE)], CLOCK).refused.empty


@pytest.fixture
def open_services(database_url: str, yahoo_cache_dir: Path) -> Iterator[Callable[[], Services]]:
    """Opens services, once the emulator runs."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(replay.yahoo_services(database_url, yahoo_cache_dir))


def rejected_rows(services: Services) -> list[dict[str, object]]:
    with transaction(services.engine) as connection:
        return fetch_rows(connection, "select ticker, reason, opened_at, as_of, close from forecast.bar_rejected")


@pytest.mark.integration
@pytest.mark.parametrize("kind", REASONS)
def test_refused_bars_are_stored_as_rejected_once(
    kind: str, start_emulator: StartEmulator, open_services: Callable[[], Services]
) -> None:
    emulator = start_emulator(faults=(f"AAPL:{kind}",))
    services = open_services()
    counts = []
    for hours in range(3):
        emulator.clock = CLOCK + timedelta(hours=hours)
        (failure,) = fetching.fetch(services, [BarRequest(APPLE, SINCE)], emulator.clock)
        assert "was expected" in failure.reason
        counts.append(len(rejected_rows(services)))
    rows = rejected_rows(services)
    assert {(row["ticker"], row["reason"]) for row in rows} == {("AAPL", REASONS[kind])}
    assert counts[0] > 10
    assert all(later - earlier <= 1 for earlier, later in pairwise(counts))
    assert sum(row["as_of"] == CLOCK for row in rows) == counts[0]


@pytest.mark.integration
def test_a_wrong_answer_of_730_days_adds_only_the_new_bar_in_the_next_hour(
    start_emulator: StartEmulator, open_services: Callable[[], Services]
) -> None:
    market = invented(CLOCK - timedelta(days=740), CLOCK + timedelta(days=1), frozenset({"AAPL"}))
    emulator = start_emulator(provider=market, faults=("AAPL:other-symbol",))
    services = open_services()
    counts = []
    for hours in range(2):
        emulator.clock = CLOCK + timedelta(hours=hours)
        fetching.fetch(services, [BarRequest(APPLE, CLOCK - timedelta(days=728))], emulator.clock)
        counts.append(len(rejected_rows(services)))
    assert counts[0] > 3400
    assert counts[1] == counts[0] + 1
