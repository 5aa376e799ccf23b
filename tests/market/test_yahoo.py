"""The Yahoo source on the real yfinance client, against the emulator."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS, BarRequest, Dividend, Split, TickerProfile
from include.market.quality import reject_bars
from include.market.sessions import calendar_of, feed_delay_minutes, timezone_of
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.settings import MarketSettings
from tests.yahoo.faults import KINDS, parse_fault
from tests.yahoo.fixtures import CLOCK, KNOWN, MARKET, StartEmulator
from tests.yahoo.providers import Event, invented, invented_bars, listing_of, with_events

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


def timeout_for(kind: str) -> float:
    """Short where the whole of it is waited for; else long enough for a machine that is busy with other things."""
    return 0.7 if kind in {"hang", "slow"} else 3.0


def truth_of(ticker: str, since: datetime = SINCE, as_of: datetime = CLOCK) -> pd.DataFrame:
    bars = invented_bars(ticker, CLOCK - timedelta(days=40), CLOCK + timedelta(days=5))
    delay = pd.Timedelta(minutes=feed_delay_minutes(calendar_of(ticker)))
    known = (bars["opened_at"] >= since) & (bars["closed_at"] + delay <= as_of)
    return bars.loc[known, list(BAR_COLUMNS)].reset_index(drop=True)


@pytest.fixture
def settings(yahoo_cache_dir: Path) -> MarketSettings:
    return MarketSettings(cache_dir=yahoo_cache_dir, yahoo_requests_per_second=1000.0, yahoo_timeout_seconds=3.0)


@pytest.fixture
def open_source(settings: MarketSettings):
    def build(policy: RetryPolicy = QUICK, gate: RateLimitGate | None = None, **changes: object) -> YahooSource:
        return YahooSource(replace(settings, **changes), policy=policy, gate=gate or RateLimitGate(first_seconds=0.2))

    return build


@dataclass(frozen=True)
class Expected:
    """What becomes of AAPL: bars handed over, bars the quality gate then keeps, chart requests, and the failure."""

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


def test_the_table_of_faults_names_every_fault_of_the_emulator() -> None:
    assert {parse_fault(f"AAPL:{row.kind}").kind for row in ALWAYS} | UNCOUNTED == KINDS


@pytest.mark.parametrize("expected", ALWAYS, ids=lambda expected: expected.kind)
def test_a_lasting_fault_costs_few_requests_and_is_named_while_the_neighbour_goes_on(
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


def test_a_lasting_reset_is_a_failure_that_may_pass(start_emulator: StartEmulator, open_source) -> None:
    start_emulator(faults=("AAPL:reset",))
    report = open_source().fetch_bars([request_of("AAPL")], CLOCK)
    assert report.bars.empty
    assert [failure.is_retryable for failure in report.failures] == [True]


@pytest.mark.parametrize("ticker", sorted(KNOWN))
def test_bars_equal_the_truth_up_to_the_newest_that_the_feed_delay_lets_be_known(
    ticker: str, start_emulator: StartEmulator, open_source
) -> None:
    start_emulator()
    report = open_source().fetch_bars([request_of(ticker)], CLOCK)
    assert report.failures == ()
    pd.testing.assert_frame_equal(report.bars, truth_of(ticker), check_dtype=False)


def test_a_bar_frame_has_the_contract_columns_in_utc_and_unknown_volume_as_nan(
    start_emulator: StartEmulator, open_source
) -> None:
    start_emulator()
    bars = open_source().fetch_bars([request_of("MSFT"), request_of("EURUSD=X")], CLOCK).bars
    assert tuple(bars.columns) == BAR_COLUMNS
    assert str(bars["opened_at"].dtype) == str(bars["closed_at"].dtype) == "datetime64[us, UTC]"
    assert bars["ticker"].is_monotonic_increasing
    assert bars.loc[bars["ticker"] == "EURUSD=X", "volume"].isna().all()
    assert bars.loc[bars["ticker"] == "MSFT", "volume"].gt(0).all()


def test_a_bar_is_taken_only_when_its_end_plus_the_feed_delay_has_passed(
    start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator()
    source = open_source()
    closed_at = datetime(2026, 10, 14, 15, 30, tzinfo=UTC)
    newest = {}
    for minutes in (-1, 1, 2):
        emulator.clock = closed_at + timedelta(minutes=minutes)
        bars = source.fetch_bars([request_of("AAPL")], emulator.clock).bars
        newest[minutes] = bars["closed_at"].max()
    assert newest == {-1: closed_at - timedelta(hours=1), 1: closed_at - timedelta(hours=1), 2: closed_at}


def test_an_hour_that_runs_late_gets_what_it_would_have_got_in_time(start_emulator: StartEmulator, open_source) -> None:
    start_emulator()
    as_of = CLOCK - timedelta(days=2)
    bars = open_source().fetch_bars([request_of("AAPL", as_of - timedelta(days=5))], as_of).bars
    pd.testing.assert_frame_equal(bars, truth_of("AAPL", as_of - timedelta(days=5), as_of), check_dtype=False)


def test_a_window_without_a_session_is_no_failure(start_emulator: StartEmulator, open_source) -> None:
    sunday = datetime(2026, 10, 11, 12, tzinfo=UTC)
    start_emulator(clock=sunday)
    report = open_source().fetch_bars([request_of("AAPL", sunday - timedelta(hours=30))], sunday)
    assert report.bars.empty
    assert report.failures == ()


def test_bars_beyond_the_longest_history_are_not_asked_for(start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator()
    open_source().fetch_bars([request_of("AAPL", CLOCK - timedelta(days=2000))], CLOCK)
    asked = next(request for request in emulator.asked if request.kind == "chart")
    assert int(asked.query["period1"]) == int((CLOCK - timedelta(days=729)).timestamp())


def test_what_yahoo_no_longer_gives_does_not_cost_the_rest(start_emulator: StartEmulator, open_source) -> None:
    late = CLOCK + timedelta(days=4)
    provider = invented(CLOCK - timedelta(days=740), late, frozenset({"AAPL"}))
    emulator = start_emulator(provider=provider, clock=late)
    report = open_source().fetch_bars([request_of("AAPL", CLOCK - timedelta(days=729))], CLOCK)
    assert report.failures == ()
    assert report.bars["opened_at"].min() < late - timedelta(days=720)
    assert report.bars["closed_at"].max() < CLOCK
    assert emulator.chart_requests("AAPL") == 3  # the client repeats the refused request


def test_prices_before_a_split_come_on_the_scale_of_today(start_emulator: StartEmulator, open_source) -> None:
    split_at = datetime(2026, 10, 12, 13, 30, tzinfo=UTC)
    bars = invented_bars("AAPL", CLOCK - timedelta(days=40), CLOCK)
    listing = with_events(listing_of(bars), splits=(Event(int(split_at.timestamp()), 10.0),))
    start_emulator(provider=lambda _: listing)
    came = open_source().fetch_bars([request_of("AAPL")], CLOCK).bars
    truth = truth_of("AAPL")
    ratio = truth["close"] / came["close"]
    assert np.allclose(ratio[truth["opened_at"] < split_at], 10.0)
    assert np.allclose(ratio[truth["opened_at"] >= split_at], 1.0)


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


def test_what_cannot_be_tracked_is_said_before_yahoo_is_asked_where_possible(
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
def test_a_profile_that_cannot_be_had_has_its_reason(
    fault: str, reason: str, is_retryable: bool, start_emulator: StartEmulator, open_source
) -> None:
    start_emulator(faults=(f"AAPL:{fault}",))
    profiles, failures = open_source().describe(["AAPL"], CLOCK)
    assert profiles == {}
    assert reason in failures[0].reason
    assert failures[0].is_retryable == is_retryable


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


def test_a_refusing_window_that_every_request_prolongs_is_waited_out(
    start_emulator: StartEmulator, open_source
) -> None:
    start_emulator(faults=("*:429-window@0.3",))
    policy = RetryPolicy(tries=2, pause_seconds=0.02, longest_wait_seconds=5)
    report = open_source(policy, RateLimitGate(first_seconds=0.2)).fetch_bars([request_of("AAPL")], CLOCK)
    assert report.failures == ()
    assert len(report.bars) == ALL


@pytest.mark.parametrize("kind", ["429", "429-after"])
def test_a_ticker_that_alone_is_refused_for_ever_does_not_starve_the_others(
    kind: str, start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator(faults=(f"AAPL:{kind}@0.2",))
    policy = RetryPolicy(tries=2, attempts=3, pause_seconds=0.02, longest_wait_seconds=5)
    report = open_source(policy).fetch_bars([request_of(ticker) for ticker in sorted(KNOWN)], CLOCK)
    assert [failure.ticker for failure in report.failures] == ["AAPL"]
    assert "asked us to slow down" in report.failures[0].reason
    assert set(report.bars["ticker"]) == KNOWN - {"AAPL"}
    assert emulator.chart_requests("AAPL") <= 6


def test_while_a_rate_limit_lasts_not_one_request_is_made(start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator()
    gate = RateLimitGate(first_seconds=60)
    gate.close()
    report = open_source(gate=gate).fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert [failure.is_retryable for failure in report.failures] == [True, True]
    assert "slow down" in report.failures[0].reason
    assert emulator.asked == []


@pytest.mark.parametrize("faults", [("cookie:hang",), ("crumb:429",), ("cookie:hang", "crumb:hang"), ("crumb:html",)])
def test_trouble_with_cookie_or_crumb_costs_no_bar_and_is_met_once(
    faults: tuple[str, ...], start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator(faults=faults)
    tickers = ["AAPL", "MSFT", "VOD.L", "SAP.DE", "BTC-USD", "^GSPC"]
    report = open_source().fetch_bars([request_of(ticker) for ticker in tickers], CLOCK)
    assert report.failures == ()
    assert set(report.bars["ticker"]) == set(tickers)
    assert emulator.counts()["cookie"] + emulator.counts()["crumb"] <= 3


def test_one_request_a_ticker_is_made_and_each_waits_for_its_turn(
    start_emulator: StartEmulator, settings: MarketSettings
) -> None:
    turns: list[float] = []
    emulator = start_emulator()
    source = YahooSource(settings, pace=lambda: turns.append(time.monotonic()), policy=QUICK, gate=RateLimitGate())
    source.fetch_bars([request_of("AAPL"), request_of("MSFT")], CLOCK)
    assert emulator.counts()["chart"] == 2
    assert len(turns) == len(emulator.asked)


def test_only_a_ticker_that_was_requested_before_waits_by_the_pace_of_repeated_requests(
    start_emulator: StartEmulator, settings: MarketSettings
) -> None:
    turns: list[str] = []
    start_emulator(faults=("AAPL:500:1",))
    source = YahooSource(
        settings,
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
    start_emulator: StartEmulator, settings: MarketSettings
) -> None:
    turns: list[str] = []
    start_emulator()
    blocks = [0.05, 0.0]  # the pace reports a block at the first turn

    def pace() -> float:
        turns.append("first")
        return blocks.pop(0) if blocks else 0.0

    source = YahooSource(
        settings, pace=pace, policy=QUICK, gate=RateLimitGate(), repeat_pace=lambda: turns.append("repeat")
    )
    assert source.fetch_bars([request_of("AAPL")], CLOCK).failures == ()
    assert set(turns) == {"first"}


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


def test_a_few_hanging_tickers_do_not_hold_up_the_others(start_emulator: StartEmulator, open_source) -> None:
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


def test_an_error_of_the_pace_itself_is_not_taken_for_a_tickers(
    start_emulator: StartEmulator, settings: MarketSettings
) -> None:
    from include.errors import StoreUnavailableError

    def broken_pace() -> None:
        raise StoreUnavailableError("the token bucket cannot be reached")

    start_emulator()
    with pytest.raises(StoreUnavailableError):
        YahooSource(settings, pace=broken_pace, gate=RateLimitGate()).fetch_bars([request_of("AAPL")], CLOCK)


def test_splits_and_dividends_come_with_the_bars(start_emulator: StartEmulator, open_source) -> None:
    listing = MARKET("AAPL")
    split_at, ex_at = (int(listing.opened[place]) for place in (-60, -70))
    eventful = with_events(listing, (Event(split_at, 10.0),), (Event(ex_at, 0.25),))
    start_emulator(provider=lambda ticker: eventful if ticker == "AAPL" else MARKET(ticker))
    report = open_source().fetch_bars([request_of("AAPL", CLOCK - timedelta(days=30)), request_of("MSFT")], CLOCK)
    assert report.splits == (Split("AAPL", datetime.fromtimestamp(split_at, UTC), 10.0),)
    assert report.dividends == (Dividend("AAPL", datetime.fromtimestamp(ex_at, UTC), 0.25),)
    recent = open_source().fetch_bars([request_of("AAPL", CLOCK - timedelta(days=1))], CLOCK)
    assert (recent.splits, recent.dividends) == ((), ())
