"""When the source sends its requests: the pace, rate limits, and tickers that are refused."""

from __future__ import annotations

import time

import pytest

from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.settings import MarketSettings
from tests.yahoo.fixtures import CLOCK, KNOWN, StartEmulator
from tests.yahoo.sources import QUICK, request_of

ALL = 20  # closed bars of AAPL within five days


def test_a_rate_limit_stops_all_tickers_and_they_come_when_it_has_passed(
    start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator(faults=("*:429-after:4@0.3",))
    tickers = ["AAPL", "MSFT", "VOD.L", "SAP.DE", "BTC-USD", "^GSPC"]
    policy = RetryPolicy(tries=2, pause_seconds=0.02, longest_wait_seconds=5)
    report = open_source(policy).fetch_bars([request_of(ticker) for ticker in tickers], CLOCK)
    assert report.failures == ()
    assert set(report.bars["ticker"]) == set(tickers)
    assert emulator.counts()["chart"] <= len(tickers) + 4


def test_a_rate_limit_that_every_request_prolongs_is_waited_for(start_emulator: StartEmulator, open_source) -> None:
    start_emulator(faults=("*:429-window@0.3",))
    policy = RetryPolicy(tries=2, pause_seconds=0.02, longest_wait_seconds=5)
    report = open_source(policy, RateLimitGate(first_seconds=0.2)).fetch_bars([request_of("AAPL")], CLOCK)
    assert report.failures == ()
    assert len(report.bars) == ALL


@pytest.mark.parametrize("kind", ["429", "429-after"])
def test_one_ticker_that_is_always_refused_does_not_stop_the_others(
    kind: str, start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator(faults=(f"AAPL:{kind}@0.2",))
    policy = RetryPolicy(tries=2, attempts=3, pause_seconds=0.02, longest_wait_seconds=5)
    report = open_source(policy).fetch_bars([request_of(ticker) for ticker in sorted(KNOWN)], CLOCK)
    assert [failure.ticker for failure in report.failures] == ["AAPL"]
    assert "asked us to slow down" in report.failures[0].reason
    assert set(report.bars["ticker"]) == KNOWN - {"AAPL"}
    assert emulator.chart_requests("AAPL") <= 6


def test_no_request_is_sent_during_a_rate_limit(start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator()
    gate = RateLimitGate(first_seconds=60)
    gate.close()
    report = open_source(gate=gate).fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert [failure.is_retryable for failure in report.failures] == [True, True]
    assert "slow down" in report.failures[0].reason
    assert emulator.asked == []


def test_each_ticker_costs_one_request_and_every_request_waits_for_its_turn(
    start_emulator: StartEmulator, yahoo_settings: MarketSettings
) -> None:
    turns: list[float] = []
    emulator = start_emulator()
    source = YahooSource(
        yahoo_settings, pace=lambda: turns.append(time.monotonic()), policy=QUICK, gate=RateLimitGate()
    )
    source.fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert emulator.counts()["chart"] == 2
    assert len(turns) == len(emulator.asked)


def test_only_a_ticker_that_was_requested_before_waits_by_the_pace_of_repeated_requests(
    start_emulator: StartEmulator, yahoo_settings: MarketSettings
) -> None:
    turns: list[str] = []
    start_emulator(faults=("AAPL:500:1",))
    source = YahooSource(
        yahoo_settings,
        pace=lambda: turns.append("first"),
        policy=QUICK,
        gate=RateLimitGate(),
        repeat_pace=lambda: turns.append("repeat"),
    )
    report = source.fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert report.failures == ()
    assert turns.count("repeat") == 1
    assert turns[-1] == "repeat"
    source.fetch_bars([request_of("AAPL")], CLOCK)
    assert turns[-1] == "first"


def test_a_request_that_was_not_sent_is_no_first_request(
    start_emulator: StartEmulator, yahoo_settings: MarketSettings
) -> None:
    turns: list[str] = []
    start_emulator()
    blocks = [0.05, 0.0]  # the pace reports a block at the first turn

    def pace() -> float:
        turns.append("first")
        return blocks.pop(0) if blocks else 0.0

    source = YahooSource(
        yahoo_settings, pace=pace, policy=QUICK, gate=RateLimitGate(), repeat_pace=lambda: turns.append("repeat")
    )
    assert source.fetch_bars([request_of("AAPL")], CLOCK).failures == ()
    assert set(turns) == {"first"}


def test_an_error_of_the_pace_is_raised_and_is_no_tickers_failure(
    start_emulator: StartEmulator, yahoo_settings: MarketSettings
) -> None:
    from include.errors import StoreUnavailableError

    def broken_pace() -> None:
        raise StoreUnavailableError("the token bucket cannot be reached")

    start_emulator()
    with pytest.raises(StoreUnavailableError):
        YahooSource(yahoo_settings, pace=broken_pace, gate=RateLimitGate()).fetch_bars([request_of("AAPL")], CLOCK)
