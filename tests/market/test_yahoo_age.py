"""When an answer was made, by itself, and which bars were complete by then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import BarRequest, TickerProfile
from include.market.source import FetchReport
from include.market.yahoo import YahooSource
from include.market.yahoo_age import AnswerTimes, times_of
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.pipeline.data import fetching
from include.settings import MarketSettings
from include.store.bars import load_bars
from include.store.engine import fetch_rows, transaction
from tests.yahoo import replay
from tests.yahoo.fixtures import CLOCK, StartEmulator
from tests.yahoo.moving_market import Change, MovingMarket
from tests.yahoo.providers import invented_bars, listing_of

CLOSES = CLOCK.replace(hour=15, minute=30)
AS_OF = CLOSES + timedelta(minutes=5)
"""An hour that runs 5 minutes after a bar of New York has closed."""
DELAY = timedelta(minutes=2)
APPLE = TickerProfile("AAPL", "yahoo", "XNYS", "America/New_York", "USD", None, 2)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def is_complete(times: AnswerTimes, as_of: datetime = AS_OF, closed_at: datetime = CLOSES) -> bool:
    return bool(times.complete(pd.Series([pd.Timestamp(closed_at)]), DELAY, as_of).all())


@pytest.mark.parametrize(
    ("made_after_close", "is_expected"), [(-30, False), (0, False), (1.9, False), (2, True), (5, True)]
)
def test_a_bar_is_complete_if_the_answer_was_made_after_its_close_and_the_feed_delay(
    made_after_close: float, is_expected: bool
) -> None:
    made_at = CLOSES + minutes(made_after_close)
    assert is_complete(AnswerTimes(made_at, traded_at=CLOSES - minutes(20))) == is_expected


def test_bars_before_the_doubtful_one_are_complete() -> None:
    closes = pd.Series([pd.Timestamp(CLOSES) - pd.Timedelta(hours=hours) for hours in (2, 1, 0)])
    dated = AnswerTimes(CLOSES - minutes(2), CLOSES - minutes(2), CLOSES - minutes(60))
    undated = AnswerTimes(None, CLOSES - minutes(2), CLOSES - minutes(60))
    for times in (dated, undated):
        assert times.complete(closes, DELAY, AS_OF).tolist() == [True, True, False]


def test_an_old_last_trade_does_not_matter_if_the_headers_say_that_the_answer_is_new() -> None:
    thin = AnswerTimes(AS_OF, traded_at=CLOSES - minutes(50), newest_row_at=CLOSES - minutes(60))
    assert is_complete(thin)


@pytest.mark.parametrize("newer", [{"traded_at": CLOSES}, {"newest_row_at": CLOSES}])
def test_without_headers_a_later_trade_or_row_shows_that_a_bar_is_complete(newer: dict[str, datetime]) -> None:
    inside = {"traded_at": CLOSES - minutes(7), "newest_row_at": CLOSES - minutes(7)}
    assert not is_complete(AnswerTimes(None, **inside))
    assert is_complete(AnswerTimes(None, **(inside | newer)))


@pytest.mark.parametrize(("hours_after", "is_expected"), [(0, False), (1, True), (2, False), (48, False)])
def test_without_headers_and_trades_a_bar_is_believed_in_the_hour_after_it_was_due(
    hours_after: int, is_expected: bool
) -> None:
    thin = AnswerTimes(None, traded_at=CLOSES - minutes(50), newest_row_at=CLOSES - minutes(60))
    assert is_complete(thin, AS_OF + timedelta(hours=hours_after)) == is_expected


def test_a_session_s_last_bar_is_complete_by_the_closing_trade_or_by_the_headers() -> None:
    close = CLOSES.replace(hour=20, minute=0)
    after = close + minutes(35)
    assert is_complete(AnswerTimes(None, traded_at=close), after, close)
    assert is_complete(AnswerTimes(after, traded_at=close - minutes(13)), after, close)
    assert is_complete(AnswerTimes(None, traded_at=close - minutes(13)), after + timedelta(hours=1), close)


def test_a_delayed_feed_shows_a_bar_as_complete_when_its_newest_trade_is_later() -> None:
    delay = timedelta(minutes=20)
    closes, as_of = pd.Series([pd.Timestamp(CLOSES)]), CLOSES + minutes(35)
    assert AnswerTimes(as_of, traded_at=as_of - minutes(15)).complete(closes, delay, as_of).all()
    assert AnswerTimes(None, traded_at=as_of - minutes(15)).complete(closes, delay, as_of).all()
    assert not AnswerTimes(CLOSES + minutes(10), traded_at=CLOSES - minutes(5)).complete(closes, delay, as_of).any()


def test_an_answer_that_says_nothing_of_its_age_is_judged_by_as_of() -> None:
    assert is_complete(AnswerTimes())
    assert not is_complete(AnswerTimes(), CLOSES + minutes(1))


def test_in_a_replay_the_date_of_the_answer_does_not_count_but_its_newest_trade() -> None:
    today = AS_OF + timedelta(days=40)
    assert is_complete(AnswerTimes(today, traded_at=today))
    assert not is_complete(AnswerTimes(today, traded_at=CLOSES - minutes(2)))


HEADER = "Wed, 14 Oct 2026 15:35:00 GMT"


@pytest.mark.parametrize(
    ("headers", "traded_at", "made_at"),
    [
        ({"Date": HEADER}, None, AS_OF),
        ({"Date": HEADER, "Age": "420"}, CLOSES - minutes(2), AS_OF - minutes(7)),
        ({"Date": HEADER, "Age": "60"}, AS_OF - timedelta(seconds=30), AS_OF),  # the cache kept the server's date
        ({"Date": HEADER, "Age": "-5"}, None, AS_OF),
        ({"Date": HEADER, "Age": "young"}, None, AS_OF),
        ({"Date": HEADER}, AS_OF + minutes(1), None),  # the server's clock is wrong
        ({"Date": "Wed, 14 Oct 2026 15:35:00 -0000"}, None, None),
        ({"Date": "yesterday"}, None, None),
        ({"Age": "420"}, None, None),
    ],
    ids=["date", "age", "kept-date", "negative-age", "no-number", "wrong-clock", "no-zone", "no-date", "age-alone"],
)
def test_an_answer_was_made_at_its_date_less_its_age_unless_it_shows_a_later_trade(
    headers: Mapping[str, str], traded_at: datetime | None, made_at: datetime | None
) -> None:
    chart = {"meta": {"regularMarketTime": int(traded_at.timestamp())}} if traded_at else {}
    times = times_of(headers, chart, AS_OF + minutes(10))
    assert (times.made_at, times.traded_at) == (made_at, traded_at)


@pytest.mark.parametrize("odd", [None, "soon", True, float("nan"), 1e30])
def test_a_time_that_is_none_is_ignored(odd: object) -> None:
    chart = {"meta": {"regularMarketTime": odd}, "timestamp": [odd, int(CLOSES.timestamp())]}
    assert times_of({}, chart, AS_OF) == AnswerTimes(None, None, CLOSES)


def test_a_row_after_the_end_of_the_request_is_no_evidence() -> None:
    later = int((AS_OF + timedelta(days=3)).timestamp())
    assert times_of({"Date": HEADER}, {"timestamp": [later]}, AS_OF) == AnswerTimes(AS_OF)


@pytest.fixture
def fetch(yahoo_cache_dir: Path):
    def fetched(as_of: datetime = AS_OF) -> FetchReport:
        settings = MarketSettings(cache_dir=yahoo_cache_dir, yahoo_requests_per_second=1000.0)
        policy = RetryPolicy(tries=3, pause_seconds=0.02)
        source = YahooSource(settings, policy=policy, gate=RateLimitGate(first_seconds=0.2))
        return source.fetch_bars([BarRequest(APPLE, CLOCK - timedelta(days=5))], as_of)

    return fetched


def true_bars(as_of: datetime) -> pd.DataFrame:
    bars = invented_bars("AAPL", CLOCK - timedelta(days=40), CLOCK + timedelta(days=5))
    is_due = (bars["opened_at"] >= CLOCK - timedelta(days=5)) & (bars["closed_at"] + DELAY <= as_of)
    return bars.loc[is_due].reset_index(drop=True)


@pytest.mark.parametrize("kind", ["stale-420", "stale-unmarked-420"])
def test_a_bar_that_a_cached_answer_shows_in_progress_is_left_out_and_the_older_ones_are_kept(
    kind: str, start_emulator: StartEmulator, fetch
) -> None:
    emulator = start_emulator(clock=AS_OF, faults=(f"AAPL:{kind}",))
    report = fetch()
    assert report.failures == ()
    assert emulator.chart_requests("AAPL") == 3
    pd.testing.assert_frame_equal(report.bars, true_bars(CLOSES - minutes(10)), check_dtype=False)


@pytest.mark.parametrize("kind", ["stale-420", "stale-unmarked-420", "stale", "stale-unmarked"])
def test_a_later_answer_of_the_same_hour_brings_the_bar(kind: str, start_emulator: StartEmulator, fetch) -> None:
    emulator = start_emulator(clock=AS_OF, faults=(f"AAPL:{kind}:1",))
    report = fetch()
    assert emulator.chart_requests("AAPL") == 2
    pd.testing.assert_frame_equal(report.bars, true_bars(AS_OF), check_dtype=False)


def test_another_request_for_an_old_answer_has_another_address(start_emulator: StartEmulator, fetch) -> None:
    emulator = start_emulator(clock=AS_OF, faults=("AAPL:stale-420:1",))
    fetch()
    first, second = (int(asked.query["period1"]) for asked in emulator.asked if asked.kind == "chart")
    assert second == first - 1


def test_an_old_answer_is_kept_when_the_next_one_is_an_error(start_emulator: StartEmulator, fetch) -> None:
    start_emulator(clock=AS_OF, faults=("AAPL:stale-420:1", "AAPL:500"))
    report = fetch()
    assert report.failures == ()
    pd.testing.assert_frame_equal(report.bars, true_bars(CLOSES - minutes(10)), check_dtype=False)


def test_a_cached_answer_that_is_new_enough_is_believed_at_once(start_emulator: StartEmulator, fetch) -> None:
    emulator = start_emulator(clock=AS_OF, faults=("AAPL:stale-60",))
    pd.testing.assert_frame_equal(fetch().bars, true_bars(AS_OF), check_dtype=False)
    assert emulator.chart_requests("AAPL") == 1


@pytest.mark.parametrize("as_of", [datetime(2026, 10, 13, 20, 2, tzinfo=UTC), datetime(2026, 10, 11, 12, tzinfo=UTC)])
def test_the_last_bar_of_a_session_is_believed_while_the_market_is_closed(
    as_of: datetime, start_emulator: StartEmulator, fetch
) -> None:
    for fault in ((), ("AAPL:stale-unmarked-0",)):
        emulator = start_emulator(clock=as_of, faults=fault)
        pd.testing.assert_frame_equal(fetch(as_of).bars, true_bars(as_of), check_dtype=False)
        assert emulator.chart_requests("AAPL") == 1


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (AnswerTimes(CLOSES, CLOSES - minutes(9), CLOSES - minutes(8)), CLOSES),
        (AnswerTimes(None, CLOSES - minutes(9), CLOSES - minutes(8)), CLOSES - minutes(8)),
        (AnswerTimes(AS_OF + timedelta(days=9)), AS_OF),
        (AnswerTimes(), AS_OF),
    ],
    ids=["made", "shown", "replay", "silent"],
)
def test_an_old_answer_has_the_instant_at_which_it_was_made_or_its_newest_trade(
    times: AnswerTimes, expected: datetime
) -> None:
    assert times.latest(AS_OF) == expected


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["stale", "stale-unmarked"])
def test_an_answer_from_before_a_correction_does_not_undo_it(
    kind: str, database_url: str, yahoo_cache_dir: Path, start_emulator: StartEmulator
) -> None:
    listing = listing_of(invented_bars("AAPL", CLOCK - timedelta(days=40), CLOCK + timedelta(days=5)))
    first_day = CLOCK.replace(day=8)
    opened = int(CLOCK.replace(day=7, hour=15, minute=30).timestamp())
    market = MovingMarket({"AAPL": listing}, lambda: CLOCK)
    market.changes["AAPL"] = [Change(opened, int(first_day.timestamp()) + 86_400, 1.01)]
    emulator = start_emulator(provider=market, clock=first_day)
    market.clock = emulator.now
    with replay.yahoo_services(database_url, yahoo_cache_dir) as services:
        closes = []
        for day, fault in ((8, ""), (9, ""), (10, f"AAPL:{kind}"), (10, "")):
            emulator.clock = CLOCK.replace(day=day) + timedelta(hours=1 + len(closes))
            emulator.plan.clear()
            if fault:
                emulator.plan.add(fault)
            fetching.fetch(services, [BarRequest(APPLE, CLOCK.replace(day=5))], emulator.clock)
            with transaction(services.engine) as connection:
                stored = load_bars(connection, ["AAPL"], emulator.clock).set_index("opened_at")["close"]
            closes.append(float(stored[pd.Timestamp(opened, unit="s", tz="UTC")]))
        with transaction(services.engine) as connection:
            revisions = fetch_rows(connection, "select opened_at from forecast.bar_revision")
    before, *after = closes
    assert after == pytest.approx([before * 1.01] * 3)
    assert len(revisions) == 1
