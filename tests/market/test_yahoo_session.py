"""Pace, gate, limits and the probe."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from curl_cffi.requests.exceptions import Timeout

from include.errors import MarketUnavailableError, RateLimitedError
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_session import Pacer, YahooSession, _waiting_seconds, is_reachable
from tests.yahoo.fixtures import StartEmulator

CHART = "https://query2.finance.yahoo.com/v8/finance/chart/AAPL"


def test_a_pacer_lets_callers_through_at_its_pace() -> None:
    pace = Pacer(per_second=50)
    started_at = time.monotonic()
    for _ in range(6):
        pace()
    assert 0.1 <= time.monotonic() - started_at < 1


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 14 Oct 2026 16:06:30 GMT", 90.0),
        ("soon", None),
    ],
)
def test_a_waiting_time_is_read_as_seconds_or_as_a_date(retry_after: str, seconds: float | None) -> None:
    assert _waiting_seconds(retry_after, "Wed, 14 Oct 2026 16:05:00 GMT") == seconds


@pytest.fixture
def gate() -> RateLimitGate:
    return RateLimitGate(first_seconds=0.2)


def test_a_call_has_a_wall_clock_limit_for_all_its_requests(start_emulator: StartEmulator, gate: RateLimitGate) -> None:
    start_emulator(faults=("AAPL:hang",))
    session = YahooSession(lambda: None, gate, timeout_seconds=0.3)
    started_at = time.monotonic()
    with session.call():
        for _ in range(3):
            with pytest.raises(Timeout):
                session.get(CHART, timeout=30)
        with pytest.raises(MarketUnavailableError, match="used up"):
            session.get(CHART, timeout=30)
    assert time.monotonic() - started_at < 1.2


def test_waiting_for_its_turn_costs_a_call_no_time(start_emulator: StartEmulator, gate: RateLimitGate) -> None:
    start_emulator()
    session = YahooSession(lambda: time.sleep(0.4), gate, timeout_seconds=0.5)
    with session.call() as call:
        for _ in range(4):
            assert session.get(CHART).status_code == 200
    assert call.status == 200


def test_a_refusal_with_a_waiting_time_is_not_asked_a_second_time(
    start_emulator: StartEmulator, gate: RateLimitGate
) -> None:
    emulator = start_emulator(faults=("AAPL:429-after@60",))
    session = YahooSession(lambda: None, gate, timeout_seconds=1.0)
    for _ in range(3):
        with session.call(), pytest.raises(RateLimitedError):
            session.get(CHART)
    assert emulator.counts()["chart"] == 1


def test_yahoo_is_reachable_through_the_environments_proxy(start_emulator: StartEmulator) -> None:
    start_emulator()
    assert is_reachable(2.0)


@pytest.mark.parametrize("fault", ["*:429", "*:500", "*:reset", "*:401"])
def test_a_yahoo_that_refuses_is_not_reachable(fault: str, start_emulator: StartEmulator) -> None:
    start_emulator(faults=(fault,))
    assert not is_reachable(2.0)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word, like a firewall that drops what follows."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_probe_keeps_its_time_when_nobody_answers(
    start_emulator: StartEmulator, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_emulator()
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{silent_port}")
    started_at = time.monotonic()
    assert not is_reachable(0.3)
    assert time.monotonic() - started_at < 1.5


def test_nothing_is_asked_while_the_pace_says_that_nobody_may(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    gate = RateLimitGate()
    session = YahooSession(lambda: 20.0, gate, timeout_seconds=1.0)
    with session.call(), pytest.raises(RateLimitedError, match="nothing is asked of it for"):
        session.get(CHART)
    assert emulator.counts()["chart"] == 0
    assert 19 <= gate.opens_in() <= 20
