"""The Yahoo source on the real yfinance client, against the emulator: which bars it returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from include.contracts import BAR_COLUMNS, Dividend, Split
from tests.yahoo.fixtures import CLOCK, KNOWN, MARKET, StartEmulator
from tests.yahoo.providers import Event, invented, invented_bars, listing_of, with_events
from tests.yahoo.sources import request_of, truth_of


@pytest.mark.parametrize("ticker", sorted(KNOWN))
def test_bars_equal_the_truth_up_to_the_newest_one_after_the_feed_delay(
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


def test_a_bar_is_returned_only_after_its_close_plus_the_feed_delay(start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator()
    source = open_source()
    closed_at = datetime(2026, 10, 14, 15, 30, tzinfo=UTC)
    newest = {}
    for minutes in (-1, 1, 2):
        emulator.clock = closed_at + timedelta(minutes=minutes)
        bars = source.fetch_bars([request_of("AAPL")], emulator.clock).bars
        newest[minutes] = bars["closed_at"].max()
    assert newest == {-1: closed_at - timedelta(hours=1), 1: closed_at - timedelta(hours=1), 2: closed_at}


def test_an_hour_that_runs_late_gets_the_bars_it_would_have_got_on_time(
    start_emulator: StartEmulator, open_source
) -> None:
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


def test_bars_older_than_the_longest_history_are_not_requested(start_emulator: StartEmulator, open_source) -> None:
    emulator = start_emulator()
    open_source().fetch_bars([request_of("AAPL", CLOCK - timedelta(days=2000))], CLOCK)
    asked = next(request for request in emulator.asked if request.kind == "chart")
    assert int(asked.query["period1"]) == int((CLOCK - timedelta(days=729)).timestamp())


def test_bars_that_yahoo_no_longer_serves_do_not_cost_the_others(start_emulator: StartEmulator, open_source) -> None:
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
