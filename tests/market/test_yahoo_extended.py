"""5-minute closes of extended hours through the real client: what comes, and every fault with its outcome.

AAPL at 08:35 in New York on a Wednesday. The fault befalls its requests for 5-minute bars; MSFT has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.contracts import BarRequest, Split
from include.market.believed import BelievedPrice, believed_price
from include.market.extended_closes import CLOSE_COLUMNS
from include.market.extended_gate import reject_closes
from include.market.extended_hours import night_of
from include.market.source import ExtendedReport, ExtendedSource
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from tests.yahoo.extended_faults import EXTENDED_KINDS
from tests.yahoo.faults import KINDS, parse_fault
from tests.yahoo.five_minutes import true_closes
from tests.yahoo.fixtures import MARKET, StartEmulator
from tests.yahoo.providers import Event, with_events
from tests.yahoo.sources import QUICK, profile_of, request_of, truth_of

EVENING = datetime(2026, 10, 14, 0, 35, tzinfo=UTC)
"""20:35 in New York on Tuesday."""
DUSK = datetime(2026, 10, 13, 22, 35, tzinfo=UTC)
"""18:35 in New York on Tuesday."""
MORNING = datetime(2026, 10, 14, 12, 35, tzinfo=UTC)
"""08:35 in New York on Wednesday."""
BEFORE_OPEN = datetime(2026, 10, 14, 13, 25, tzinfo=UTC)
SINCE = datetime(2026, 10, 13, 19, 55, tzinfo=UTC)
"""15:55 in New York on Tuesday, when the session's last 5-minute bar opens."""


@pytest.fixture
def at(start_emulator: StartEmulator):
    """Starts the emulator a few seconds after an instant, as an hour's run comes a little late."""

    def start(as_of: datetime, *faults: str, **options: object):
        return start_emulator(clock=as_of + timedelta(seconds=20), faults=faults, **options)

    return start


def requests(*tickers: str, since: datetime = SINCE) -> list[BarRequest]:
    return [request_of(ticker, since) for ticker in tickers]


def truth(ticker: str, as_of: datetime, since: datetime = SINCE) -> pd.DataFrame:
    listing = MARKET(ticker)
    assert listing is not None
    return true_closes(listing, since, as_of)


def of(report: ExtendedReport, ticker: str) -> pd.DataFrame:
    return report.closes[report.closes["ticker"] == ticker].reset_index(drop=True)


def judged(closes: pd.DataFrame, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame, BelievedPrice | None]:
    """Accepted closes, rejected ones and the believed price of AAPL."""
    bars = truth_of("AAPL", as_of - timedelta(days=3), as_of).tail(1)
    accepted, rejected = reject_closes(closes, (), {"AAPL": profile_of("AAPL")}, bars, as_of)
    night = night_of("XNYS", as_of, 8)
    assert night is not None
    return accepted, rejected, believed_price(accepted, night)


def true_price(as_of: datetime) -> float:
    closes = truth("AAPL", as_of)
    return float(closes["close"].iloc[-3:].median())


@pytest.mark.parametrize("as_of", [DUSK, EVENING, MORNING, BEFORE_OPEN])
def test_closes_equal_the_truth_up_to_the_newest_one_after_the_feed_delay(as_of: datetime, at, open_source) -> None:
    emulator = at(as_of)
    source = open_source()
    assert isinstance(source, ExtendedSource)
    report = source.fetch_extended(requests("AAPL", "MSFT"), as_of)
    assert report.failures == report.splits == ()
    assert tuple(report.closes.columns) == CLOSE_COLUMNS
    for ticker in ("AAPL", "MSFT"):
        expected = truth(ticker, as_of)
        pd.testing.assert_frame_equal(of(report, ticker)[["opened_at", "close"]], expected, rtol=1e-6)
        assert emulator.chart_requests(ticker) == 1
    queries = [asked.query for asked in emulator.asked if asked.kind == "chart"]
    assert {(query["interval"], query["includePrePost"].lower()) for query in queries} == {("5m", "true")}


def test_a_close_comes_only_after_its_bar_and_the_feeds_delay(at, open_source) -> None:
    emulator = at(MORNING)
    source = open_source()
    newest = {}
    for minutes in (0, 1, 2, 4):
        as_of = MORNING + timedelta(minutes=minutes)
        emulator.clock = as_of + timedelta(seconds=20)
        newest[minutes] = source.fetch_extended(requests("AAPL"), as_of).closes["closed_at"].max()
    before, after = MORNING - timedelta(minutes=5), MORNING
    assert newest == {0: before, 1: before, 2: after, 4: after}


def test_a_refresh_of_hours_ago_gets_what_it_would_have_got_then(at, open_source) -> None:
    at(MORNING + timedelta(hours=30))
    report = open_source().fetch_extended(requests("AAPL"), MORNING)
    pd.testing.assert_frame_equal(of(report, "AAPL")[["opened_at", "close"]], truth("AAPL", MORNING), rtol=1e-6)


def test_a_history_of_sixty_days_comes_with_one_request(at, open_source) -> None:
    emulator = at(MORNING)
    report = open_source().fetch_extended(requests("AAPL", since=MORNING - timedelta(days=400)), MORNING)
    assert report.failures == ()
    assert emulator.chart_requests("AAPL") == 1
    asked = next(request for request in emulator.asked if request.kind == "chart")
    assert int(asked.query["period1"]) == int((MORNING - timedelta(days=59)).timestamp())
    assert report.closes["opened_at"].min() < MORNING - timedelta(days=30)


def test_nights_that_yahoo_no_longer_serves_are_blind_and_no_failure(at, open_source) -> None:
    at(MORNING + timedelta(days=61))
    report = open_source().fetch_extended(requests("AAPL"), MORNING)
    assert report.closes.empty
    assert report.failures == ()


def test_nothing_is_requested_of_the_time_to_come(at, open_source) -> None:
    emulator = at(MORNING)
    report = open_source().fetch_extended(requests("AAPL", since=MORNING), MORNING)
    assert report.closes.empty
    assert not emulator.asked


def test_an_exchange_without_extended_hours_has_regular_closes_only(at, open_source) -> None:
    as_of = datetime(2026, 10, 14, 15, 35, tzinfo=UTC)
    at(as_of)
    report = open_source().fetch_extended(requests("VOD.L", since=as_of - timedelta(hours=30)), as_of)
    assert report.failures == ()
    clocks = report.closes["opened_at"].dt.tz_convert("Europe/London").dt.hour
    assert set(clocks) == set(range(8, 17))


def test_a_split_of_the_morning_is_known_before_the_session_opens(at, open_source) -> None:
    listing = MARKET("AAPL")
    assert listing is not None
    opens_at = datetime(2026, 10, 14, 13, 30, tzinfo=UTC)
    split = with_events(listing, splits=(Event(int(opens_at.timestamp()), 4.0),))
    at(MORNING + timedelta(hours=2), provider=lambda _: split)
    report = open_source().fetch_extended(requests("AAPL"), MORNING + timedelta(hours=2))
    assert report.splits == (Split("AAPL", opens_at, 4.0),)
    at(MORNING, provider=lambda _: with_events(listing, splits=(Event(int(SINCE.timestamp()) + 60, 1.0),)))
    assert open_source().fetch_extended(requests("AAPL"), MORNING).splits == ()


def test_requests_wait_for_their_turn_and_repeated_ones_let_others_go_first(at, yahoo_settings) -> None:
    turns: list[str] = []
    emulator = at(MORNING, "extended-AAPL:500:1")
    source = YahooSource(
        yahoo_settings,
        pace=lambda: turns.append("first"),
        policy=QUICK,
        gate=RateLimitGate(),
        repeat_pace=lambda: turns.append("repeat"),
    )
    assert source.fetch_extended(requests("AAPL", "MSFT"), MORNING).failures == ()
    assert turns.count("repeat") == 1
    assert turns[-1] == "repeat"
    assert len(turns) == len(emulator.asked)


def test_no_request_is_sent_during_a_rate_limit(at, open_source) -> None:
    emulator = at(MORNING)
    gate = RateLimitGate(first_seconds=60)
    gate.close()
    report = open_source(gate=gate).fetch_extended(requests("AAPL", "MSFT"), MORNING)
    assert [failure.is_retryable for failure in report.failures] == [True, True]
    assert emulator.asked == []


def test_after_an_old_answer_the_address_differs_so_that_no_cache_serves_it_again(at, open_source) -> None:
    emulator = at(MORNING, "extended-AAPL:stale:1")
    report = open_source().fetch_extended(requests("AAPL"), MORNING)
    assert report.closes["opened_at"].min() == SINCE
    begins = [int(asked.query["period1"]) for asked in emulator.asked if asked.kind == "chart"]
    assert begins == [int(SINCE.timestamp()), int(SINCE.timestamp()) - 1]


@dataclass(frozen=True)
class Expected:
    """What happens at 08:35: closes returned, those that pass, requests, and the failure.

    ``is_blind``: there is no believed price; else it differs from the true one by at most ``error`` (relative).
    """

    kind: str
    closes: int
    accepted: int
    requests: int
    reason: str = ""
    is_retryable: bool = True
    is_blind: bool = False
    error: float = 1e-6


ALL = 103
"""The session's last close, 48 of the evening, and 54 of the morning until 08:30."""
NIGHT = ALL - 1
BLIND = {"is_blind": True}
FOR_GOOD = {"is_blind": True, "is_retryable": False}
TABLE = [
    Expected("401", 0, 0, 4, "answered with status 401", **BLIND),
    Expected("404", 0, 0, 2, "Yahoo does not know it", **FOR_GOOD),
    Expected("429", 0, 0, 4, "asked us to slow down", **BLIND),
    Expected("429-after", 0, 0, 1, "Retry-After: 1", **BLIND),
    Expected("429-window", 0, 0, 4, "asked us to slow down", **BLIND),
    Expected("500", 0, 0, 2, "answered with status 500", **BLIND),
    Expected("502", 0, 0, 2, "answered with status 502", **BLIND),
    Expected("closed", 0, 0, 2, "the request to Yahoo failed", **BLIND),
    Expected("truncated", 0, 0, 2, "the request to Yahoo failed", **BLIND),
    Expected("hang", 0, 0, 2, "timed out", **BLIND),
    Expected("slow", 0, 0, 2, "timed out", **BLIND),
    Expected("html", 0, 0, 2, "cannot be read", **BLIND),
    Expected("down", 0, 0, 2, "cannot be read", **BLIND),
    Expected("broken-json", 0, 0, 2, "cannot be read", **BLIND),
    Expected("empty-body", 0, 0, 2, "cannot be read", **BLIND),
    Expected("empty-result", 0, 0, 2, "answered with nothing", **BLIND),
    Expected("null-result", 0, 0, 2, "answered with nothing", **BLIND),
    Expected("no-quotes", 0, 0, 1, **BLIND),
    Expected("other-symbol", 0, 0, 2, "symbol 'OTHER'", **FOR_GOOD),
    Expected("other-currency", 0, 0, 2, "currency 'XXX'", **FOR_GOOD),
    Expected("other-zone", 0, 0, 2, "exchangeTimezoneName 'Asia/Kolkata'", **FOR_GOOD),
    Expected("no-trading-periods", ALL, NIGHT, 1),
    Expected("short-array", 0, 0, 2, "not its usual form", **FOR_GOOD),
    Expected("null-rows", 88, 87, 1, error=0.002),
    Expected("null-closes", ALL - 2, NIGHT - 2, 1, error=0.002),
    Expected("missing-bars", 88, 87, 1, error=0.002),
    Expected("withdrawn-day", 54, 54, 1),
    Expected("stale", 0, 0, 2, **BLIND),
    Expected("stale-420", ALL - 1, NIGHT - 1, 1, error=0.002),
    Expected("stale-unmarked", 0, 0, 1, **BLIND),
    Expected("cut", 4, 4, 1),
    Expected("duplicate-last", ALL, NIGHT, 1),
    Expected("out-of-order", ALL, NIGHT, 1),
    Expected("future", ALL, NIGHT, 1),
    Expected("revised", ALL, NIGHT, 1, error=0.0101),
    Expected("spike", ALL, NIGHT - 2, 1, error=0.002),
    Expected("huge-volume", ALL, NIGHT, 1),
    Expected("zero-volume", ALL, NIGHT, 1),
    Expected("negative", ALL, NIGHT - 2, 1, error=0.002),
    Expected("zero", ALL - 3, NIGHT - 3, 1, error=0.002),
    Expected("infinity", ALL, NIGHT - 2, 1, error=0.002),
    Expected("high-below-low", ALL, NIGHT, 1),
    Expected("off-grid", ALL, 0, 1, **BLIND),
    Expected("no-extended-hours", 1, 0, 1, **BLIND),
    Expected("no-last-hour", ALL - 12, NIGHT - 12, 1),
    Expected("none-before-open", ALL, NIGHT, 1),
    Expected("repeated-close", ALL, NIGHT, 1),
    Expected("bad-prints", ALL, NIGHT, 1),
]
UNCOUNTED = {"reset"}  # curl itself may repeat a request whose connection died


def test_the_table_names_every_fault_of_the_emulator() -> None:
    assert {parse_fault(f"AAPL:{row.kind}").kind for row in TABLE} | UNCOUNTED == KINDS | EXTENDED_KINDS.keys()


@pytest.mark.parametrize("expected", TABLE, ids=lambda expected: expected.kind)
def test_a_fault_of_five_minute_bars_has_its_outcome(expected: Expected, at, open_source) -> None:
    emulator = at(MORNING, f"extended-AAPL:{expected.kind}@1")
    source = open_source(yahoo_timeout_seconds=0.7 if expected.kind in {"hang", "slow"} else 3.0)
    report = source.fetch_extended(requests("MSFT", "AAPL"), MORNING)
    closes = of(report, "AAPL")
    accepted, _, price = judged(closes, MORNING)
    assert (len(closes), len(accepted)) == (expected.closes, expected.accepted)
    assert emulator.chart_requests("AAPL") == expected.requests
    assert [failure.ticker for failure in report.failures] == (["AAPL"] if expected.reason else [])
    for failure in report.failures:
        assert expected.reason in failure.reason
        assert failure.reason.startswith("AAPL: ")
        assert failure.is_retryable == expected.is_retryable
    assert (price is None) == expected.is_blind
    if price is not None:
        assert price.price == pytest.approx(true_price(MORNING), rel=expected.error)
    pd.testing.assert_frame_equal(of(report, "MSFT")[["opened_at", "close"]], truth("MSFT", MORNING), rtol=1e-6)


@pytest.mark.parametrize("kind", ["429", "500", "no-extended-hours", "bad-prints", "other-symbol"])
def test_a_fault_of_five_minute_bars_leaves_hourly_bars_alone(kind: str, at, open_source) -> None:
    at(MORNING, f"extended-AAPL:{kind}")
    report = open_source().fetch_bars([request_of("AAPL", MORNING - timedelta(days=5))], MORNING)
    assert report.failures == ()
    expected = truth_of("AAPL", MORNING - timedelta(days=5), MORNING)
    pd.testing.assert_frame_equal(report.bars, expected, check_dtype=False)


@pytest.mark.parametrize("kind", sorted(EXTENDED_KINDS))
def test_kinds_of_extended_hours_change_no_hourly_answer(kind: str, at, open_source) -> None:
    at(MORNING, f"AAPL:{kind}")
    bars = open_source().fetch_bars([request_of("AAPL", MORNING - timedelta(days=5))], MORNING).bars
    expected = truth_of("AAPL", MORNING - timedelta(days=5), MORNING)
    pd.testing.assert_frame_equal(bars, expected, check_dtype=False)


@pytest.mark.parametrize("kind", ["401", "404", "429", "500", "reset", "html", "null-result", "other-symbol", "stale"])
def test_a_fault_that_passes_loses_no_close(kind: str, at, open_source) -> None:
    emulator = at(MORNING, f"extended-AAPL:{kind}:1")
    report = open_source().fetch_extended(requests("AAPL"), MORNING)
    assert report.failures == ()
    pd.testing.assert_frame_equal(of(report, "AAPL")[["opened_at", "close"]], truth("AAPL", MORNING), rtol=1e-6)
    assert emulator.chart_requests("AAPL") == 2


def test_a_cached_answer_of_the_evening_serves_the_evenings_closes(at, open_source) -> None:
    emulator = at(MORNING, f"extended-AAPL:stale-{12 * 3600}")
    report = open_source().fetch_extended(requests("AAPL"), MORNING)
    assert report.failures == ()
    closes = of(report, "AAPL")
    assert emulator.chart_requests("AAPL") == 2
    assert closes["closed_at"].max() == EVENING.replace(minute=0)
    assert judged(closes, MORNING)[2] is None


@pytest.mark.parametrize(
    ("as_of", "kind", "accepted", "error"),
    [
        (BEFORE_OPEN, "none-before-open", ALL - 1 + 10 - 1, 0.002),
        (EVENING, "no-last-hour", 36, 0.02),
        (EVENING, "no-extended-hours", 0, None),
        (DUSK, "bad-prints", 30, 0.001),
        (DUSK, "no-extended-hours", 0, None),
        (EVENING, "repeated-close", 48, 0.001),
    ],
)
def test_what_users_have_reported_at_the_hours_that_it_concerns(
    as_of: datetime, kind: str, accepted: int, error: float | None, at, open_source
) -> None:
    at(as_of, f"extended-AAPL:{kind}")
    report = open_source().fetch_extended(requests("AAPL"), as_of)
    assert report.failures == ()
    found, _, price = judged(of(report, "AAPL"), as_of)
    assert len(found) == accepted
    if error is None:
        assert price is None
    else:
        assert price is not None
        assert price.price == pytest.approx(true_price(as_of), rel=error)


def test_two_bad_prints_in_a_row_move_a_median_of_three_and_not_of_seven(at, open_source) -> None:
    as_of = DUSK - timedelta(minutes=30)
    at(as_of, "extended-AAPL:bad-prints")
    closes = open_source().fetch_extended(requests("AAPL"), as_of).closes["close"].to_numpy()
    exact = truth("AAPL", as_of)["close"].to_numpy()
    assert np.median(closes[-4:-1]) > 1.2 * exact[-4]
    assert np.median(closes[-7:]) == pytest.approx(exact[-4], rel=0.002)


def test_a_row_that_repeats_the_close_spoils_one_close_at_most(at, open_source) -> None:
    as_of = MORNING + timedelta(minutes=2)
    at(as_of - timedelta(minutes=1), "extended-AAPL:repeated-close")
    report = open_source().fetch_extended(requests("AAPL"), as_of)
    _, _, price = judged(of(report, "AAPL"), as_of)
    assert price is not None
    assert price.price == pytest.approx(true_price(as_of), rel=0.001)
