"""Every exchange that Yahoo lists, onboarded with the real client against the emulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS, BarRequest, TickerProfile
from include.errors import DataContractError, InvalidRequestError
from include.market.closings import Closing, expected_bars, learnt_closings, unserved_closings
from include.market.exchanges import exchange_of
from include.market.quality import reject_bars
from include.market.sessions import bar_grid, calendar_of, last_closed
from include.market.yahoo import YahooSource
from include.market.yahoo_calendar import calendar_and_delay
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.settings import MarketSettings
from tests.yahoo import exchanges as emulated
from tests.yahoo.fixtures import CLOCK, KNOWN, StartEmulator
from tests.yahoo.providers import Provider, invented, invented_bars, listing_of, moved_to_close

SINCE = CLOCK - timedelta(days=14)
RECORDED = {ticker.rpartition(".")[2] for ticker in KNOWN} | {"T", "PA", "WA"}  # test_yahoo.py has these
OTHERS = [ticker for ticker in emulated.examples() if ticker.rpartition(".")[2] not in RECORDED]
BY_EXCHANGE = {
    exchange.name: [ticker for ticker in OTHERS if exchange_of(ticker) is exchange]
    for exchange in sorted({exchange_of(ticker) for ticker in OTHERS}, key=lambda exchange: exchange.name)
}


@pytest.fixture
def settings(yahoo_cache_dir: Path) -> MarketSettings:
    return MarketSettings(cache_dir=yahoo_cache_dir, yahoo_requests_per_second=1000.0, yahoo_timeout_seconds=5.0)


@pytest.fixture
def open_source(settings: MarketSettings):
    def build(**changes: object) -> YahooSource:
        policy = RetryPolicy(tries=2, pause_seconds=0.02, longest_wait_seconds=0.5)
        return YahooSource(replace(settings, **changes), policy=policy, gate=RateLimitGate(first_seconds=0.2))

    return build


def market_of(*tickers: str) -> Provider:
    """These tickers, made before the clock of a time-out runs: a calendar takes its time at first use."""
    market = invented(SINCE, CLOCK + timedelta(days=1), frozenset(tickers))
    for ticker in tickers:
        market(ticker)
    return market


@pytest.mark.parametrize("tickers", BY_EXCHANGE.values(), ids=BY_EXCHANGE)
def test_an_exchange_is_onboarded_with_the_bars_that_yahoo_cuts(
    tickers: list[str], start_emulator: StartEmulator, open_source
) -> None:
    start_emulator(provider=market_of(*tickers))
    source = open_source()
    profiles, failures = source.describe(tickers, CLOCK)
    assert failures == []
    for ticker in tickers:
        profile, exchange = profiles[ticker], emulated.exchange_of(ticker)
        assert profile.calendar == (exchange.calendar or calendar_of(ticker))
        assert (profile.timezone, profile.currency) == (exchange.timezone, exchange.currency)
        assert profile.feed_delay_minutes >= max(exchange.delay_minutes, 2)

    report = source.fetch_bars([BarRequest(profile, SINCE) for profile in profiles.values()], CLOCK)
    assert report.failures == ()
    accepted, rejected = reject_bars(report.bars, profiles, CLOCK)
    assert rejected.empty
    for ticker, profile in profiles.items():
        bars = accepted.loc[accepted["ticker"] == ticker, list(BAR_COLUMNS)].reset_index(drop=True)
        pd.testing.assert_frame_equal(bars, served(ticker, profile.feed_delay_minutes), check_dtype=False)
        assert bars["opened_at"].dt.tz_convert(profile.timezone).dt.date.nunique() >= 5


def served(ticker: str, delay_minutes: int) -> pd.DataFrame:
    """The bars that the client lets through: closed, with the delay over, and opened before the reported end."""
    exchange = emulated.exchange_of(ticker)
    bars = invented_bars(ticker, SINCE, CLOCK + timedelta(days=1))
    is_known = bars["closed_at"] + pd.Timedelta(minutes=delay_minutes) <= CLOCK
    if exchange.reported_close is not None:
        is_known &= bars["opened_at"].dt.tz_convert(exchange.timezone).dt.time < exchange.reported_close
    return bars.loc[is_known, list(BAR_COLUMNS)].reset_index(drop=True)


def test_a_last_bar_that_yahoo_never_serves_is_learnt_from_the_bars_that_came(
    start_emulator: StartEmulator, open_source
) -> None:
    start_emulator(provider=market_of("PETR4.SA"))
    source = open_source()
    profiles, _ = source.describe(["PETR4.SA"], CLOCK)
    bars = source.fetch_bars([BarRequest(profiles["PETR4.SA"], SINCE)], CLOCK).bars
    assert learnt_closings("BVMF", bars["opened_at"]) == {Closing(8, 7)}


def test_new_yorks_half_day_is_complete_without_the_bar_that_the_client_drops(
    start_emulator: StartEmulator, open_source
) -> None:
    since, monday = datetime(2025, 11, 24, tzinfo=UTC), datetime(2025, 12, 1, 12, tzinfo=UTC)
    listing = moved_to_close(listing_of(invented_bars("AAPL", since, monday)), slot_count=4)
    start_emulator(provider=lambda _: listing, clock=monday)
    source = open_source()
    profiles, _ = source.describe(["AAPL"], monday)
    opened_at = source.fetch_bars([BarRequest(profiles["AAPL"], since)], monday).bars["opened_at"]
    unserved = unserved_closings("XNYS", "yahoo", opened_at)
    expected = expected_bars("XNYS", since, monday, unserved, opened_at)
    assert expected["opened_at"].tolist() == opened_at.tolist()
    assert last_closed("XNYS", monday, 2, unserved) == datetime(2025, 11, 28, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "failures"), [("2026-02-12", 1), ("2027-02-12", 0)])
def test_no_bars_are_a_failure_in_published_sessions_and_none_in_assumed_ones(
    day: str, failures: int, start_emulator: StartEmulator, open_source
) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00+00:00")
    listing = listing_of(invented_bars("600519.SS", noon - timedelta(days=30), noon - timedelta(days=6)))
    start_emulator(provider=lambda _: listing, clock=noon)
    profile = TickerProfile("600519.SS", "yahoo", "XSHG-unbroken", "Asia/Shanghai", "CNY", None, 30)
    report = open_source().fetch_bars([BarRequest(profile, noon - timedelta(days=5))], noon)
    assert report.bars.empty
    assert len(report.failures) == failures


@pytest.mark.parametrize("ticker", ["KC=F", "KCH27.NYB", "LE=F", "ABC.XY"])
def test_an_exchange_whose_hours_are_not_known_is_refused_with_the_way_to_give_them(
    ticker: str, start_emulator: StartEmulator, open_source
) -> None:
    emulator = start_emulator()
    profiles, failures = open_source().describe([ticker], CLOCK)
    assert profiles == {}
    assert "HOURCAST_SUFFIX_CALENDARS" in failures[0].reason
    assert not failures[0].is_retryable
    assert emulator.asked == []


def test_an_unknown_suffix_is_onboarded_with_the_calendar_it_was_given(
    start_emulator: StartEmulator, open_source
) -> None:
    bars = market_of("AAPL")
    start_emulator(provider=lambda ticker: bars("AAPL") if ticker == "ABC.XY" else None)
    profiles, failures = open_source(suffix_calendars=".XY=XNYS").describe(["ABC.XY"], CLOCK)
    assert failures == []
    assert (profiles["ABC.XY"].calendar, profiles["ABC.XY"].feed_delay_minutes) == ("XNYS", 2)


def test_a_calendar_that_was_given_but_does_not_exist_fails_its_tickers_only(
    start_emulator: StartEmulator, open_source
) -> None:
    start_emulator()
    profiles, failures = open_source(suffix_calendars=".XY=MOON").describe(["ABC.XY", "AAPL"], CLOCK)
    assert list(profiles) == ["AAPL"]
    assert "MOON" in failures[0].reason


def bars_of(calendar: str) -> pd.Series:
    return bar_grid(calendar, SINCE, CLOCK)["opened_at"]


@pytest.mark.parametrize("calendar", ["XHKG", "XHKG-unbroken"])
def test_the_bars_show_which_cut_of_the_day_yahoo_makes(calendar: str) -> None:
    found = calendar_and_delay("0700.HK", "HKG", "Asia/Hong_Kong", bars_of(calendar), {}, CLOCK)
    assert found == (calendar, 20)


def test_bars_that_fit_no_calendar_of_the_exchange_are_refused() -> None:
    opened_at = bars_of("XNYS") + pd.Timedelta(minutes=7)
    with pytest.raises(DataContractError, match=r"AAPL: 100% of Yahoo's bars.*XNYS"):
        calendar_and_delay("AAPL", "NMS", "America/New_York", opened_at, {}, CLOCK)


def test_over_the_counter_quotes_wait_longer_than_those_of_new_york() -> None:
    delays = [
        calendar_and_delay("AAPL", code, "America/New_York", bars_of("XNYS"), {}, CLOCK)[1] for code in ("NMS", "PNK")
    ]
    assert delays == [2, 20]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Nowhere/Land", "", None])
def test_another_clock_than_the_exchanges_is_refused(zone: str | None) -> None:
    with pytest.raises(InvalidRequestError, match="hours are not known"):
        calendar_and_delay("AAPL", "NMS", zone, bars_of("XNYS"), {}, CLOCK)


def test_another_name_of_the_same_clock_is_accepted() -> None:
    zone = "America/Argentina/Buenos_Aires"
    assert exchange_of("GGAL.BA").timezone != zone
    assert calendar_and_delay("GGAL.BA", "BUE", zone, bars_of("XBUE"), {}, CLOCK) == ("XBUE", 30)


def test_a_year_of_clocks_is_compared_not_one_day() -> None:
    winter = datetime(2026, 12, 1, tzinfo=UTC)
    with pytest.raises(InvalidRequestError):
        calendar_and_delay("VOD.L", "LSE", "Africa/Abidjan", bars_of("XLON"), {}, winter)
