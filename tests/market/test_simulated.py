from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import BarRequest, TickerProfile
from include.errors import DataContractError
from include.market.quality import reject_bars
from include.market.sessions import bar_grid, feed_delay_minutes
from include.market.simulated import SimulatedSource

START = datetime(2023, 1, 1, tzinfo=UTC)
AS_OF = datetime(2025, 5, 28, 18, 35, tzinfo=UTC)
STOCKS = ("ACME.SIM", "NOVA.SIM", "ZED.SIM", "Q1.SIM")
COINS = ("COIN-USD.SIM", "DOGE-USD.SIM")
GOLDEN_BAR = [60.5419, 62.2125, 60.2957, 60.8196, 1286017.0]
"""ACME.SIM, 2025-05-28 13:30 UTC: open, high, low, close, volume. If it moves, every stored bar is revised."""


def profiles(*tickers: str) -> dict[str, TickerProfile]:
    return SimulatedSource().describe(tickers, AS_OF)[0]


def fetch(*tickers: str, since: datetime = START, as_of: datetime = AS_OF) -> pd.DataFrame:
    requests = [BarRequest(profile, since) for profile in profiles(*tickers).values()]
    return SimulatedSource().fetch_bars(requests, as_of).bars


def log_returns(bars: pd.DataFrame) -> pd.Series:
    return np.log(bars["close"]).diff().dropna()


def test_a_profile_says_that_it_is_simulated() -> None:
    stock, coin = profiles("ACME.SIM", "COIN-USD.SIM").values()
    assert (stock.calendar, coin.calendar) == ("XNYS", "24/7")
    assert stock.source == coin.source == "simulated"
    assert stock.currency == "USD"
    assert stock.name is not None
    assert "simulated" in stock.name


def test_other_tickers_are_unknown_for_good() -> None:
    known, failures = SimulatedSource().describe(["AAPL", "ACME.SIM", "^X.SIM"], AS_OF)
    assert set(known) == {"ACME.SIM"}
    assert [failure.ticker for failure in failures] == ["AAPL", "^X.SIM"]
    assert not any(failure.is_retryable for failure in failures)


def test_every_bar_of_the_calendar_is_there_and_passes_the_gate() -> None:
    bars = fetch(*STOCKS, *COINS)
    accepted, rejected = reject_bars(bars, profiles(*STOCKS, *COINS), AS_OF)
    pd.testing.assert_frame_equal(accepted, bars.assign(confirmed_at=bars["closed_at"]))
    assert rejected.empty
    for ticker, calendar in (("ACME.SIM", "XNYS"), ("COIN-USD.SIM", "24/7")):
        grid = bar_grid(calendar, START, AS_OF)
        delay = timedelta(minutes=feed_delay_minutes(calendar))
        expected = grid.loc[grid["closed_at"] + delay <= AS_OF, "opened_at"]
        assert bars.loc[bars["ticker"] == ticker, "opened_at"].tolist() == expected.tolist()


@settings(max_examples=25, deadline=None)
@given(
    ticker=st.sampled_from((*STOCKS, *COINS)),
    start=st.datetimes(datetime(2015, 1, 1), datetime(2031, 1, 1)),  # noqa: DTZ001  # made aware below
    hours=st.integers(0, 300),
)
def test_a_bar_is_the_same_whatever_range_it_is_asked_in(ticker: str, start: datetime, hours: int) -> None:
    since = start.replace(tzinfo=UTC)
    until = since + timedelta(hours=hours)
    narrow = fetch(ticker, since=since, as_of=until)
    wide = fetch(ticker, since=since - timedelta(days=40), as_of=until + timedelta(days=40))
    inside = wide[wide["opened_at"].isin(narrow["opened_at"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(narrow, inside, check_exact=True)


def test_another_process_sees_the_same_market() -> None:
    program = (
        "import hashlib\n"
        "from tests.market.test_simulated import fetch\n"
        "print(hashlib.sha256(fetch('ACME.SIM', 'COIN-USD.SIM').to_csv().encode()).hexdigest())\n"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program]
    other = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60)
    here = hashlib.sha256(fetch("COIN-USD.SIM", "ACME.SIM").to_csv().encode()).hexdigest()
    assert other.stdout.strip() == here


def test_a_known_bar_stays_put() -> None:
    bar = fetch("ACME.SIM", since=datetime(2025, 5, 28, tzinfo=UTC)).iloc[0]
    assert bar["opened_at"] == pd.Timestamp("2025-05-28 13:30", tz="UTC")
    assert bar[["open", "high", "low", "close", "volume"]].tolist() == GOLDEN_BAR


def test_prices_stay_within_sane_bounds_for_decades() -> None:
    bars = fetch(*STOCKS, *COINS, since=datetime(2015, 1, 1, tzinfo=UTC), as_of=datetime(2032, 12, 1, tzinfo=UTC))
    ranges = bars.groupby("ticker")["close"].agg(["min", "max"])
    assert (ranges["min"] > 0.5).all()
    assert (ranges["max"] / ranges["min"] < 200).all()
    moves = bars.groupby("ticker")["close"].transform(lambda close: np.log(close).diff().abs())
    assert moves.max() < 0.4


def test_tickers_differ_and_share_a_factor() -> None:
    closes = fetch(*STOCKS).pivot_table(index="opened_at", columns="ticker", values="close")
    correlations = np.log(closes).diff().corr().to_numpy()
    others = correlations[~np.eye(len(STOCKS), dtype=bool)]
    assert others.min() > 0.15
    assert others.max() < 0.8


def test_volatility_is_u_shaped_over_a_session() -> None:
    bars = fetch(*STOCKS)
    bars["hour"] = bars["opened_at"].dt.tz_convert("America/New_York").dt.hour
    ranges = np.log(bars["high"] / bars["low"]).groupby(bars["hour"]).mean()
    assert ranges[9] > 1.5 * ranges[12]
    assert ranges[15] > ranges[12]


def test_returns_have_fat_tails_and_volatility_clusters_for_weeks() -> None:
    for ticker in COINS:
        returns = log_returns(fetch(ticker, since=datetime(2015, 1, 1, tzinfo=UTC)))
        assert returns.kurt() > 3
        assert abs(returns.autocorr(1)) < 0.03
        daily = returns.abs().groupby(np.arange(len(returns)) // 24).mean()
        assert [daily.autocorr(lag) > 0.1 for lag in (1, 5, 20, 40)] == [True] * 4


def test_stocks_open_with_a_gap_and_coins_where_they_closed() -> None:
    for ticker, has_gap in (("ACME.SIM", True), ("COIN-USD.SIM", False)):
        bars = fetch(ticker)
        is_new_day = bars["opened_at"].dt.date != bars["opened_at"].dt.date.shift()
        steps = np.log(bars["open"] / bars["close"].shift()).abs()[1:]
        assert (steps[is_new_day].median() > 0.001) == has_gap
        assert steps[~is_new_day].max() < 1e-4


def test_some_volumes_are_unknown_and_none_is_zero() -> None:
    volumes = fetch("ACME.SIM", "COIN-USD.SIM").groupby("ticker")["volume"]
    unknown = volumes.apply(lambda values: values.isna().mean())
    assert 0.01 < unknown["ACME.SIM"] < 0.06
    assert 0.2 < unknown["COIN-USD.SIM"] < 0.4
    assert (volumes.min() >= 1).all()


def test_something_trades_at_any_hour_of_any_day() -> None:
    christmas = datetime(2024, 12, 25, 3, 35, tzinfo=UTC)
    bars = fetch("COIN-USD.SIM", since=christmas - timedelta(hours=2), as_of=christmas)
    assert bars["closed_at"].iloc[-1] == pd.Timestamp("2024-12-25 03:00", tz="UTC")


def test_a_naive_as_of_is_refused() -> None:
    with pytest.raises(DataContractError):
        SimulatedSource().describe(["ACME.SIM"], datetime(2025, 5, 28))  # noqa: DTZ001  # the naive time is the point
