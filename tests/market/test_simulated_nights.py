"""The nights of the simulated market: what they say of the next open, and the traps that real ones have."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from include.contracts import BarRequest, TickerProfile
from include.market.believed import believed_price
from include.market.extended_closes import CLOSE_COLUMNS
from include.market.extended_gate import reject_closes
from include.market.extended_hours import night_of
from include.market.simulated import SimulatedSource

NEW_YORK = ZoneInfo("America/New_York")
AS_OF = datetime(2025, 5, 28, 12, 35, tzinfo=UTC)
"""08:35 in New York."""
SINCE = AS_OF - timedelta(days=60)
MANY = tuple(f"T{number}.SIM" for number in range(12))
GOLDEN_CLOSE = 60.7353
"""ACME.SIM, 2025-05-28 12:25 UTC. If it moves, every stored close is revised."""


def requests(*tickers: str, since: datetime = SINCE) -> list[BarRequest]:
    profiles, _ = SimulatedSource().describe(tickers, AS_OF)
    return [BarRequest(profile, since) for profile in profiles.values()]


def fetch(*tickers: str, since: datetime = SINCE, as_of: datetime = AS_OF) -> pd.DataFrame:
    report = SimulatedSource().fetch_extended(requests(*tickers, since=since), as_of)
    assert not report.failures
    assert not report.splits
    return report.closes


def bars_of(ticker: str, as_of: datetime = AS_OF) -> pd.DataFrame:
    return SimulatedSource().fetch_bars(requests(ticker, since=SINCE - timedelta(days=5)), as_of).bars


def last_bars(ticker: str, as_of: datetime = AS_OF) -> pd.DataFrame:
    """The last bar of every session."""
    bars = bars_of(ticker, as_of)
    days = bars["closed_at"].dt.tz_convert(NEW_YORK).dt.date
    return bars.groupby(days, sort=True).tail(1)[["ticker", "closed_at", "close"]]


def profiles(*tickers: str) -> dict[str, TickerProfile]:
    return SimulatedSource().describe(tickers, AS_OF)[0]


def test_closes_are_those_of_the_nights_and_the_last_of_each_session() -> None:
    closes = fetch("ACME.SIM")
    assert tuple(closes.columns) == CLOSE_COLUMNS
    assert closes["opened_at"].is_monotonic_increasing
    assert not closes.duplicated(["opened_at"]).any()
    clocks = closes["opened_at"].dt.tz_convert(NEW_YORK).dt.strftime("%H:%M")
    assert clocks.min() == "04:00"
    assert clocks.max() == "19:55"
    assert not clocks.between("09:30", "12:50").any()
    assert set(clocks[clocks.between("13:00", "15:59")]) == {"15:55"}


def test_the_last_close_of_a_session_is_that_of_its_last_bar() -> None:
    as_of = datetime(2025, 12, 1, 13, 35, tzinfo=UTC)  # the Monday after a half day
    bars = last_bars("ACME.SIM", as_of)
    closes = fetch("ACME.SIM", as_of=as_of)
    both = bars.merge(closes, on="closed_at", suffixes=("", "_served"))
    assert len(both) == len(bars[bars["closed_at"] > SINCE])
    assert (both["close"] == both["close_served"]).all()
    half_day = closes["opened_at"].dt.tz_convert(NEW_YORK).dt.strftime("%m-%d %H:%M")
    evening = half_day[half_day.str.startswith("11-28") & (half_day > "11-28 12:00")]
    assert (evening.min(), evening.max()) == ("11-28 12:55", "11-28 16:55")


def test_all_closes_pass_the_gate() -> None:
    closes = fetch("ACME.SIM", *MANY)
    last = pd.concat([last_bars(ticker) for ticker in ("ACME.SIM", *MANY)])
    accepted, rejected = reject_closes(closes, (), profiles("ACME.SIM", *MANY), last, AS_OF)
    assert rejected.empty
    assert accepted["ticker"].nunique() == 1 + len(MANY)


def test_only_closes_that_were_known_come() -> None:
    closes = fetch("ACME.SIM")
    assert closes["closed_at"].max() == AS_OF - timedelta(minutes=5)
    assert closes["opened_at"].min() >= SINCE
    later = fetch("ACME.SIM", as_of=AS_OF + timedelta(hours=8))
    pd.testing.assert_frame_equal(later[later["closed_at"] <= closes["closed_at"].max()], closes)


@pytest.mark.parametrize("hours", [0, 7, 19, 31, 100])
def test_a_close_does_not_depend_on_what_is_requested(hours: int) -> None:
    since = AS_OF - timedelta(days=9, hours=hours)
    closes = fetch("ACME.SIM")
    expected = closes[closes["opened_at"] >= since].reset_index(drop=True)
    pd.testing.assert_frame_equal(fetch("ACME.SIM", since=since), expected)


def test_a_known_close_stays_what_it_is() -> None:
    assert fetch("ACME.SIM", since=AS_OF - timedelta(hours=1)).set_index("opened_at")["close"].loc[
        pd.Timestamp(AS_OF - timedelta(minutes=10))
    ] == pytest.approx(GOLDEN_CLOSE, abs=1e-9)


def test_every_process_computes_the_same_closes() -> None:
    code = "from tests.market.test_simulated_nights import digest; print(digest())"
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == digest()


def digest() -> str:
    return hashlib.sha256(fetch("ACME.SIM")["close"].to_numpy().tobytes()).hexdigest()


def test_round_the_clock_there_are_no_nights() -> None:
    assert fetch("COIN-USD.SIM").empty


def explained(clock: str) -> float:
    """The share of the variance of the moves from close to open that the believed prices of a refresh explain."""
    moves, known = [], []
    for ticker in MANY:
        closes, bars = fetch(ticker), bars_of(ticker, AS_OF + timedelta(hours=8))
        for day in pd.bdate_range("2025-04-02", "2025-05-27"):
            at = datetime.fromisoformat(f"{day:%Y-%m-%d}T{clock}").replace(tzinfo=NEW_YORK).astimezone(UTC)
            night = night_of("XNYS", at, 8)
            if night is None:
                continue
            price = believed_price(closes[closes["closed_at"] + timedelta(minutes=2) <= at], night)
            close = bars.loc[bars["closed_at"] == night.closed_at, "close"].item()
            after = bars.loc[bars["opened_at"] == night.opens_at, "open"].item()
            if price is not None:
                moves.append(np.log(after / close))
                known.append(np.log(price.price / close))
    residual = np.array(moves) - np.array(known)
    return float(1 - (residual**2).mean() / (np.array(moves) ** 2).mean())


def test_the_night_says_part_of_the_open_and_more_the_later() -> None:
    evening, morning, last = explained("20:35"), explained("08:35"), explained("09:25")
    assert 0.15 < evening < 0.55
    assert 0.6 < morning < 0.9
    assert morning < last < 0.99


def test_some_closes_of_the_early_evening_are_wrong_and_no_others() -> None:
    closes = fetch(*MANY)
    opened = closes["opened_at"].dt.tz_convert(NEW_YORK)
    parts = [closes["ticker"], opened.dt.date, opened.dt.hour >= 15]
    around = closes.groupby(parts)["close"].transform(lambda part: part.rolling(7, center=True, min_periods=4).median())
    is_wrong = (np.log(closes["close"]) - np.log(around)).abs() > 0.025
    clocks = opened[is_wrong].dt.strftime("%H:%M")
    assert 50 < len(clocks) < 150
    assert clocks.between("16:40", "17:45").mean() > 0.95


def test_thin_tickers_lack_most_prints_and_some_nights_have_none() -> None:
    closes = fetch(*MANY)
    opened = closes["opened_at"].dt.tz_convert(NEW_YORK)
    mornings = closes[opened.dt.hour < 10]
    counts = mornings.groupby("ticker").size() / 40  # sessions of the 60 days
    assert (counts < 20).any()
    assert (counts > 55).any()
    dense = closes[closes["ticker"].isin(counts[counts > 55].index)]
    prints = dense.groupby(["ticker", dense["opened_at"].dt.tz_convert(NEW_YORK).dt.date]).size()
    assert (prints < 60).any()
