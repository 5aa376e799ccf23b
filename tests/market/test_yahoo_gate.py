"""The rate-limit gate: which refusals block all requests, and for how long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from include.contracts import BarRequest, TickerProfile
from include.market.sessions import feed_delay_minutes, timezone_of
from include.market.source import FetchReport
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.settings import MarketSettings
from tests.yahoo.fixtures import CLOCK, StartEmulator
from tests.yahoo.providers import invented


def test_each_pause_is_twice_as_long_as_the_one_before_until_a_request_is_served() -> None:
    gate = RateLimitGate(first_seconds=0.1, longest_seconds=10)
    pauses = []
    for _ in range(3):
        gate.close()
        pauses.append(gate.opens_in())
        time.sleep(gate.opens_in())
    assert 0.09 <= pauses[0] <= 0.12
    assert 0.19 <= pauses[1] <= 0.24
    assert 0.39 <= pauses[2] <= 0.48
    gate.note_success()
    gate.close()
    assert gate.opens_in() <= 0.12


def test_several_refusals_within_one_pause_lengthen_the_next_pause_once() -> None:
    gate = RateLimitGate(first_seconds=1.0)
    for _ in range(5):
        gate.close()
        gate.note_success()  # of a request that was already on its way
    assert 0.9 <= gate.opens_in() <= 1.2


def test_a_pause_lasts_as_long_as_yahoo_says() -> None:
    gate = RateLimitGate(first_seconds=1.0, longest_seconds=10.0)
    gate.close(retry_after_seconds=3600)
    assert 3500 <= gate.opens_in() <= 3600 * 1.2


def test_a_pause_is_reported_once_and_another_process_pause_does_not_lengthen_the_next() -> None:
    reported: list[float] = []
    gate = RateLimitGate(first_seconds=1.0, tell=reported.append)
    gate.close()
    gate.close(retry_after_seconds=0.1)  # shorter than what is in force: no news
    assert len(reported) == 1
    assert 1.0 <= reported[0] <= 1.2
    other = RateLimitGate(first_seconds=1.0)
    other.keep_closed(5.0)
    assert 4.9 <= other.opens_in() <= 5.0
    other.close()
    assert other.opens_in() <= 5.0


def test_one_refusal_is_no_rate_limit_and_a_second_one_may_be() -> None:
    gate = RateLimitGate()
    assert not gate.note_refusal("AAPL")
    assert gate.note_refusal("AAPL")  # nothing was served so far
    assert gate.opens_in() == 0


def test_a_ticker_that_alone_is_refused_again_and_again_is_no_rate_limit_while_others_are_served() -> None:
    gate = RateLimitGate()
    gate.note_success()
    assert [gate.note_refusal("AAPL") for _ in range(5)] == [False] * 5


def test_two_tickers_refused_in_succession_may_be_a_rate_limit() -> None:
    gate = RateLimitGate()
    gate.note_success()
    assert not gate.note_refusal("AAPL")
    gate.note_success()
    assert not gate.note_refusal("MSFT")
    assert gate.note_refusal("SAP.DE")


def test_tickers_that_were_refused_before_another_was_served_do_not_count_again() -> None:
    gate = RateLimitGate()
    gate.note_success()
    for ticker in ("AAPL", "MSFT"):
        gate.note_refusal(ticker)
        gate.note_success()
    assert [gate.note_refusal(ticker) for ticker in ("AAPL", "MSFT", "AAPL")] == [False] * 3
    assert not gate.note_refusal("SAP.DE")
    assert gate.note_refusal("VOD.L")


def test_a_waiting_time_pauses_all_but_not_again_for_a_ticker_after_which_another_was_served() -> None:
    gate = RateLimitGate()
    gate.note_waiting_time("AAPL", 0.05)
    assert gate.opens_in() > 0
    time.sleep(gate.opens_in())
    gate.note_waiting_time("AAPL", 0.05)  # nothing was served since
    assert gate.opens_in() > 0
    time.sleep(gate.opens_in())
    gate.note_success()
    gate.note_waiting_time("AAPL", 5.0)
    assert gate.opens_in() == 0
    gate.note_waiting_time("MSFT", 5.0)
    assert gate.opens_in() > 4


def test_half_of_the_newest_responses_refused_is_a_rate_limit() -> None:
    gate = RateLimitGate(first_seconds=5.0)
    for number in range(5):
        assert not gate.note_refusal(f"T{number}")
        gate.note_success()
    assert gate.opens_in() == 0
    gate.note_refusal("T5")
    assert gate.opens_in() > 4


def test_few_refusals_among_many_responses_are_no_rate_limit() -> None:
    gate = RateLimitGate()
    for number in range(30):
        gate.note_refusal(f"T{number}")
        for _ in range(4):
            gate.note_success()
    assert gate.opens_in() == 0


TICKERS = [f"Q{number:02d}" for number in range(50)]


@pytest.fixture
def fetch(yahoo_cache_dir: Path):
    def fetched(gate: RateLimitGate, longest_wait_seconds: float = 5.0) -> FetchReport:
        settings = MarketSettings(cache_dir=yahoo_cache_dir, yahoo_requests_per_second=1000.0)
        policy = RetryPolicy(pause_seconds=0.02, longest_wait_seconds=longest_wait_seconds)
        source = YahooSource(settings, pace=lambda: 0.0, policy=policy, gate=gate)
        delay = feed_delay_minutes("XNYS")
        profiles = [
            TickerProfile(ticker, "yahoo", "XNYS", timezone_of("XNYS"), "USD", None, delay) for ticker in TICKERS
        ]
        return source.fetch_bars([BarRequest(profile, CLOCK.replace(day=12)) for profile in profiles], CLOCK)

    return fetched


@pytest.fixture(scope="module")
def market():
    """Fifty tickers, invented before any test begins."""
    provider = invented(CLOCK.replace(day=5), CLOCK.replace(day=16), frozenset(TICKERS))
    for ticker in TICKERS:
        provider(ticker)
    return provider


@pytest.mark.parametrize("refused", [TICKERS[:5], TICKERS[20:25], TICKERS[4::10]], ids=["first", "together", "spread"])
def test_five_tickers_that_are_always_refused_cause_no_pause_for_the_other_45(
    refused: list[str], start_emulator: StartEmulator, market, fetch
) -> None:
    emulator = start_emulator(provider=market, faults=tuple(f"{ticker}:429" for ticker in refused))
    pauses: list[float] = []
    report = fetch(RateLimitGate(tell=pauses.append))
    assert pauses == []
    assert sorted({failure.ticker for failure in report.failures}) == refused
    assert set(report.bars["ticker"]) == set(TICKERS) - set(refused)
    assert all(emulator.chart_requests(ticker) == 1 for ticker in set(TICKERS) - set(refused))


@pytest.mark.parametrize("served_count", [0, 20])
def test_a_rate_limit_is_noticed_after_a_handful_of_requests(
    served_count: int, start_emulator: StartEmulator, market, fetch
) -> None:
    limited = TICKERS[served_count:]
    emulator = start_emulator(provider=market, faults=tuple(f"{ticker}:429" for ticker in (*limited, "SPY")))
    gate = RateLimitGate(first_seconds=60.0)
    report = fetch(gate)
    assert gate.opens_in() > 50
    assert len(report.failures) == len(limited)
    refused = [asked for asked in emulator.asked if asked.kind == "chart" and asked.fault]
    assert len(refused) <= 8  # four threads, the repeat of the first one, and the probe
