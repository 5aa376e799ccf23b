"""Pace, gate, limits and the probe."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from curl_cffi.requests.exceptions import Timeout

from include.errors import MarketUnavailableError, RateLimitedError
from include.market.yahoo_session import Pacer, RateLimitGate, YahooSession, _waiting_seconds, is_reachable
from tests.yahoo.fixtures import StartEmulator

CHART = "https://query2.finance.yahoo.com/v8/finance/chart/AAPL"


def test_a_pacer_lets_callers_through_at_its_pace() -> None:
    pace = Pacer(per_second=50)
    started_at = time.monotonic()
    for _ in range(6):
        pace()
    assert 0.1 <= time.monotonic() - started_at < 1


def test_a_gate_doubles_its_pause_with_every_wave_and_forgets_when_yahoo_answers() -> None:
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


def test_many_refusals_within_one_pause_are_one_strike() -> None:
    gate = RateLimitGate(first_seconds=1.0)
    for _ in range(5):
        gate.close()
        gate.note_success()  # of a request that was already on its way
    assert 0.9 <= gate.opens_in() <= 1.2


def test_a_tickers_refusals_among_answers_stop_nobody_and_those_of_two_stop_all() -> None:
    gate = RateLimitGate(first_seconds=0.05)
    gate.note_success()
    assert not gate.note_refusal("AAPL")
    assert not gate.note_refusal("AAPL")
    gate.note_success()
    assert not gate.note_refusal("MSFT")
    assert gate.note_refusal("AAPL")
    time.sleep(gate.opens_in())
    assert gate.note_refusal("AAPL")  # nobody was answered since
    assert gate.opens_in() > 0.05


def test_refusals_of_several_tickers_within_a_minute_stop_all_although_others_are_answered() -> None:
    gate = RateLimitGate()
    closed = []
    for ticker in ("AAPL", "MSFT", "VOD.L", "SAP.DE"):
        gate.note_success()
        closed.append(gate.note_refusal(ticker))
    assert closed == [False, False, False, True]


def test_a_refusal_stops_all_where_nobody_was_answered() -> None:
    assert RateLimitGate().note_refusal("AAPL")


def test_a_gate_stays_closed_as_long_as_yahoo_asks() -> None:
    gate = RateLimitGate(first_seconds=1.0, longest_seconds=10.0)
    gate.close(retry_after_seconds=3600)
    assert 3500 <= gate.opens_in() <= 3600 * 1.2


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


def test_a_gate_tells_others_of_its_pauses_and_keeps_theirs_without_a_strike() -> None:
    told: list[float] = []
    gate = RateLimitGate(first_seconds=1.0, tell=told.append)
    gate.close()
    gate.close(retry_after_seconds=0.1)  # shorter than what is in force: no news
    assert len(told) == 1
    assert 1.0 <= told[0] <= 1.2
    other = RateLimitGate(first_seconds=1.0)
    other.keep_closed(5.0)
    assert 4.9 <= other.opens_in() <= 5.0
    other.close()
    assert other.opens_in() <= 5.0


def test_nothing_is_asked_while_the_pace_says_that_nobody_may(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    gate = RateLimitGate()
    session = YahooSession(lambda: 20.0, gate, timeout_seconds=1.0)
    with session.call(), pytest.raises(RateLimitedError, match="nothing is asked of it for"):
        session.get(CHART)
    assert emulator.counts()["chart"] == 0
    assert 19 <= gate.opens_in() <= 20
