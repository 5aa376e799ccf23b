"""Every fault of the emulator: how many requests it costs, and what the source says of the ticker."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from include.market.quality import reject_bars
from include.market.yahoo_retry import RetryPolicy
from tests.yahoo.faults import KINDS, parse_fault
from tests.yahoo.fixtures import CLOCK, KNOWN, StartEmulator
from tests.yahoo.sources import profile_of, request_of, truth_of


@dataclass(frozen=True)
class Expected:
    """What happens to AAPL: bars returned, bars that pass the quality checks, chart requests, and the failure."""

    kind: str
    bars: int
    kept: int
    requests: int
    reason: str = ""
    is_retryable: bool = True


ALL = 20  # closed bars of AAPL within five days
ALWAYS = [
    Expected("401", 0, 0, 4, "answered with status 401"),
    Expected("404", 0, 0, 2, "Yahoo does not know it", is_retryable=False),
    Expected("429", 0, 0, 4, "asked us to slow down"),
    Expected("429-after", 0, 0, 1, "Retry-After: 1"),
    Expected("429-window", 0, 0, 4, "asked us to slow down"),
    Expected("500", 0, 0, 2, "answered with status 500"),
    Expected("502", 0, 0, 2, "answered with status 502"),
    Expected("closed", 0, 0, 2, "the request to Yahoo failed"),
    Expected("truncated", 0, 0, 2, "the request to Yahoo failed"),
    Expected("hang", 0, 0, 2, "timed out"),
    Expected("slow", 0, 0, 2, "timed out"),
    Expected("html", 0, 0, 2, "cannot be read"),
    Expected("down", 0, 0, 2, "cannot be read"),
    Expected("broken-json", 0, 0, 2, "cannot be read"),
    Expected("empty-body", 0, 0, 2, "cannot be read"),
    Expected("empty-result", 0, 0, 2, "no bar, where XNYS had 20"),
    Expected("null-result", 0, 0, 2, "no bar, where XNYS had 20"),
    Expected("no-quotes", 0, 0, 2, "no bar, where XNYS had 20"),
    Expected("other-symbol", 0, 0, 2, "symbol 'OTHER'", is_retryable=False),
    Expected("other-currency", 0, 0, 2, "currency 'XXX'", is_retryable=False),
    Expected("other-zone", 0, 0, 2, "exchangeTimezoneName 'Asia/Kolkata'", is_retryable=False),
    Expected("no-trading-periods", 0, 0, 2, "not its usual form", is_retryable=False),
    Expected("short-array", 0, 0, 2, "not its usual form", is_retryable=False),
    Expected("null-rows", 17, 17, 1),
    Expected("null-closes", 18, 18, 1),
    Expected("missing-bars", 17, 17, 1),
    Expected("withdrawn-day", 13, 13, 1),
    Expected("stale", 6, 6, 2),
    Expected("stale-420", ALL, ALL, 1),
    Expected("stale-unmarked", 6, 6, 2),
    Expected("cut", 4, 4, 1),
    Expected("duplicate-last", ALL, ALL, 1),
    Expected("out-of-order", ALL, ALL, 1),
    Expected("future", ALL, ALL, 1),
    Expected("revised", ALL, ALL, 1),
    Expected("spike", ALL, ALL - 2, 1),
    Expected("huge-volume", ALL, ALL - 2, 1),
    Expected("zero-volume", ALL, ALL, 1),
    Expected("negative", ALL, ALL - 2, 1),
    Expected("zero", ALL, ALL - 3, 1),
    Expected("infinity", ALL, ALL - 2, 1),
    Expected("high-below-low", ALL, ALL - 2, 1),
    Expected("off-grid", ALL, 0, 1),
]
UNCOUNTED = {"reset"}  # curl itself may repeat a request whose connection died; see the test of its own


def timeout_for(kind: str) -> float:
    """Short where the whole of it is waited for; else long enough for a busy machine."""
    return 0.7 if kind in {"hang", "slow"} else 3.0


def test_the_table_of_faults_names_every_fault_of_the_emulator() -> None:
    assert {parse_fault(f"AAPL:{row.kind}").kind for row in ALWAYS} | UNCOUNTED == KINDS


@pytest.mark.parametrize("expected", ALWAYS, ids=lambda expected: expected.kind)
def test_a_lasting_fault_costs_few_requests_and_has_its_reason_while_the_neighbour_is_served(
    expected: Expected, start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator(faults=(f"AAPL:{expected.kind}@1",))
    source = open_source(yahoo_timeout_seconds=timeout_for(expected.kind))
    report = source.fetch_bars([request_of("MSFT"), request_of("AAPL")], CLOCK)
    bars = report.bars[report.bars["ticker"] == "AAPL"]
    accepted, _ = reject_bars(bars, {"AAPL": profile_of("AAPL")}, CLOCK)
    assert (len(bars), len(accepted)) == (expected.bars, expected.kept)
    assert emulator.chart_requests("AAPL") == expected.requests
    assert [failure.ticker for failure in report.failures] == (["AAPL"] if expected.reason else [])
    for failure in report.failures:
        assert expected.reason in failure.reason
        assert "possibly delisted" not in failure.reason
        assert failure.is_retryable == expected.is_retryable
    neighbour = report.bars[report.bars["ticker"] == "MSFT"].reset_index(drop=True)
    pd.testing.assert_frame_equal(neighbour, truth_of("MSFT"), check_dtype=False)


PASSING = ["401", "404", "429", "500", "502", "closed", "truncated", "reset", "hang", "html", "down", "broken-json"]
PASSING += ["empty-body", "empty-result", "null-result", "no-quotes", "other-symbol", "other-currency", "short-array"]


@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes_loses_no_bar(kind: str, start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator(faults=(f"AAPL:{kind}:1",))
    source = open_source(yahoo_timeout_seconds=timeout_for(kind))
    report = source.fetch_bars([request_of("AAPL")], CLOCK)
    assert report.failures == ()
    pd.testing.assert_frame_equal(report.bars, truth_of("AAPL"), check_dtype=False)
    assert emulator.chart_requests("AAPL") == 2


def test_a_lasting_reset_is_a_retryable_failure(start_emulator: StartEmulator, open_source) -> None:
    start_emulator(faults=("AAPL:reset",))
    report = open_source().fetch_bars([request_of("AAPL")], CLOCK)
    assert report.bars.empty
    assert [failure.is_retryable for failure in report.failures] == [True]


@pytest.mark.parametrize("faults", [("cookie:hang",), ("crumb:429",), ("cookie:hang", "crumb:hang"), ("crumb:html",)])
def test_a_fault_of_cookie_or_crumb_costs_no_bar_and_is_not_repeated(
    faults: tuple[str, ...], start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator(faults=faults)
    tickers = ["AAPL", "MSFT", "VOD.L", "SAP.DE", "BTC-USD", "^GSPC"]
    report = open_source().fetch_bars([request_of(ticker) for ticker in tickers], CLOCK)
    assert report.failures == ()
    assert set(report.bars["ticker"]) == set(tickers)
    assert emulator.counts()["cookie"] + emulator.counts()["crumb"] <= 3


def test_without_a_connection_every_ticker_fails_soon_and_may_be_retried(
    open_source, monkeypatch: pytest.MonkeyPatch, start_emulator: StartEmulator
) -> None:
    start_emulator()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    started_at = time.monotonic()
    report = open_source().fetch_bars([request_of(ticker) for ticker in sorted(KNOWN)], CLOCK)
    assert time.monotonic() - started_at < 5
    assert {failure.ticker for failure in report.failures} == KNOWN
    assert all(failure.is_retryable for failure in report.failures)


def test_a_few_hanging_tickers_do_not_delay_the_others(start_emulator: StartEmulator, open_source) -> None:
    hanging = ["AAPL", "MSFT", "VOD.L"]
    start_emulator(faults=tuple(f"{ticker}:hang" for ticker in hanging))
    started_at = time.monotonic()
    source = open_source(yahoo_timeout_seconds=0.7)
    report = source.fetch_bars([request_of(ticker) for ticker in sorted(KNOWN)], CLOCK)
    assert time.monotonic() - started_at < 6
    assert set(report.bars["ticker"]) == KNOWN - set(hanging)
    assert {failure.ticker for failure in report.failures} == set(hanging)


def test_open_files_do_not_grow_with_the_number_of_calls(start_emulator: StartEmulator, open_source) -> None:
    start_emulator(faults=("MSFT:reset:20", "MSFT:500:20", "MSFT:html:20"))
    source = open_source(RetryPolicy(tries=1))

    def open_files_after(calls: int) -> int:
        for _ in range(calls):
            source.fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
        gc.collect()
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    first = open_files_after(15)
    assert open_files_after(40) < first + 20  # one kept by every call would be 80 more
