"""Profiles from Yahoo, and why a ticker has none."""

from __future__ import annotations

import pytest

from include.market.sessions import calendar_of
from tests.yahoo.fixtures import CLOCK, KNOWN, StartEmulator


def test_a_known_ticker_costs_one_request_for_its_profile(start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator()
    profiles, failures = open_source().describe(sorted(KNOWN), CLOCK)
    assert failures == []
    assert emulator.counts()["chart"] == len(KNOWN)
    assert {ticker: profile.calendar for ticker, profile in profiles.items()} == {t: calendar_of(t) for t in KNOWN}
    taipei = profiles["2330.TW"]
    assert (taipei.timezone, taipei.currency, taipei.feed_delay_minutes) == ("Asia/Taipei", "TWD", 20)
    assert taipei.source == "yahoo"
    assert taipei.name == "2330.TW of Taiwan"


def test_tickers_that_cannot_be_tracked_are_refused_where_possible_without_a_request(
    start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator()
    profiles, failures = open_source().describe(["NOPE", "X.ZZ", "US0378331005", "AAPL"], CLOCK)
    assert list(profiles) == ["AAPL"]
    assert [(failure.ticker, failure.is_retryable) for failure in failures] == [
        ("NOPE", False),
        ("X.ZZ", False),
        ("US0378331005", False),
    ]
    assert {request.ticker for request in emulator.asked if request.kind == "chart"} == {"NOPE", "AAPL"}


@pytest.mark.parametrize(
    ("fault", "reason", "is_retryable"),
    [
        ("no-quotes", "no hourly bars", False),
        ("null-result", "answered with nothing", True),
        ("500", "status 500", True),
        ("other-zone", "whose hours are not known", False),
        ("other-symbol", "symbol 'OTHER'", False),
    ],
)
def test_a_ticker_without_a_profile_has_the_reason(
    fault: str, reason: str, is_retryable: bool, start_emulator: StartEmulator, open_source
) -> None:
    start_emulator(faults=(f"AAPL:{fault}",))
    profiles, failures = open_source().describe(["AAPL"], CLOCK)
    assert profiles == {}
    assert reason in failures[0].reason
    assert failures[0].is_retryable == is_retryable
