"""The emulator answers the real client as Yahoo does: recorded facts about yfinance 1.7.0, asked again."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from json import JSONDecodeError
from pathlib import Path

import pandas as pd
import pytest
import yfinance as yf
from curl_cffi.requests import Session
from curl_cffi.requests.exceptions import RequestException, Timeout
from yfinance.cache import get_tz_cache
from yfinance.exceptions import YFDataException, YFPricesMissingError, YFRateLimitError

from include.market.yahoo_client import _prepare_client, silence_client
from tests.yahoo.faults import parse_fault
from tests.yahoo.fixtures import CLOCK, MARKET, StartEmulator
from tests.yahoo.providers import Event, folder, invented_bars, listing_of, with_events


@pytest.fixture
def ask(yahoo_cache_dir: Path):
    """The client as it comes, with its errors shown and the time zone known."""
    _prepare_client(yahoo_cache_dir)

    def history(
        ticker: str = "AAPL", timezone: str | None = "America/New_York", timeout: float = 5.0, **window: object
    ) -> pd.DataFrame:
        get_tz_cache().store(ticker, timezone)
        window = window or {"period": "5d"}
        silence_client()
        return yf.Ticker(ticker).history(interval="1h", auto_adjust=False, timeout=timeout, **window)

    return history


def test_the_client_gets_cookie_crumb_time_zone_and_bars(start_emulator: StartEmulator, ask) -> None:
    emulator = start_emulator()
    get_tz_cache().store("MSFT", None)
    frame = ask("MSFT", timezone=None)
    assert len(frame) > 30
    assert str(frame.index.tz) == "America/New_York"
    charts = [asked.query["interval"] for asked in emulator.asked if asked.kind == "chart"]
    assert charts == ["1d", "1h"]
    assert {asked.kind for asked in emulator.asked} <= {"chart", "cookie", "crumb"}


@pytest.mark.parametrize(
    ("fault", "error", "requests"),
    [
        ("429", YFRateLimitError, 2),
        ("401", YFPricesMissingError, 2),
        ("404", YFPricesMissingError, 2),
        ("500", JSONDecodeError, 2),
        ("html", JSONDecodeError, 1),
        ("broken-json", JSONDecodeError, 1),
        ("down", YFDataException, 1),
        ("null-result", YFPricesMissingError, 1),
        ("no-trading-periods", KeyError, 1),
        ("short-array", ValueError, 1),
        ("hang", Timeout, 1),
        ("truncated", RequestException, 1),
    ],
)
def test_the_client_fails_as_it_does_at_yahoo(
    fault: str, error: type[Exception], requests: int, start_emulator: StartEmulator, ask
) -> None:
    emulator = start_emulator(faults=(f"AAPL:{fault}",))
    with pytest.raises(error):
        ask(timeout=0.7 if fault == "hang" else 5.0)
    assert emulator.chart_requests("AAPL") == requests


@pytest.mark.parametrize("fault", ["429:1", "500:1", "502:1", "401:1"])
def test_the_client_heals_a_lone_refusal_by_itself(fault: str, start_emulator: StartEmulator, ask) -> None:
    emulator = start_emulator(faults=(f"AAPL:{fault}",))
    assert len(ask()) > 30
    assert emulator.chart_requests("AAPL") == 2


def test_the_bar_in_progress_is_served_with_the_price_of_now(start_emulator: StartEmulator, ask) -> None:
    emulator = start_emulator()
    truth = MARKET("AAPL")
    assert truth is not None
    place = int((truth.opened <= CLOCK.timestamp()).sum()) - 1
    assert ask().index[-1].timestamp() == truth.opened[place]
    partial = float(ask()["Close"].iloc[-1])
    emulator.clock = datetime.fromtimestamp(int(truth.closed[place]), UTC)
    final = float(ask()["Close"].iloc[-1])
    assert partial != pytest.approx(final)
    assert final == pytest.approx(truth.prices[place, 3])


def test_an_exchange_with_a_delay_shows_what_was_known_that_long_ago(start_emulator: StartEmulator, ask) -> None:
    emulator = start_emulator()
    emulator.clock = datetime(2026, 10, 14, 9, 10, tzinfo=UTC)  # 10:10 in London, quotes of 09:55
    assert ask("VOD.L", "Europe/London").index[-1].hour == 9
    emulator.clock += timedelta(minutes=10)
    assert ask("VOD.L", "Europe/London").index[-1].hour == 10


def test_a_week_in_which_clocks_change_has_one_trading_period_a_day(start_emulator: StartEmulator, ask) -> None:
    clock = datetime(2026, 10, 28, 9, 10, tzinfo=UTC)  # London's clocks went back on Sunday the 25th
    week = listing_of(invented_bars("EURUSD=X", clock - timedelta(days=7), clock))
    start_emulator(lambda _: week).clock = clock
    bars = ask("EURUSD=X", "Europe/London", start=clock - timedelta(days=7), end=clock)
    assert len({at.date() for at in bars.index}) == 6


def test_hourly_bars_older_than_730_days_are_refused_as_a_whole(start_emulator: StartEmulator, ask) -> None:
    start_emulator()
    with pytest.raises(Exception, match="within the last 730 days"):
        ask(start=CLOCK - timedelta(days=731), end=CLOCK)


def test_an_unknown_symbol_makes_the_client_ask_elsewhere_and_is_unknown_there_too(
    start_emulator: StartEmulator, ask
) -> None:
    emulator = start_emulator()
    with pytest.raises(Exception, match=r"404|no timezone found|delisted"):
        ask("NOPE", None, start=CLOCK - timedelta(days=3), end=CLOCK)
    assert all(asked.kind in {"chart", "other", "cookie", "crumb"} for asked in emulator.asked)


def test_splits_and_dividends_come_as_events_on_their_day(start_emulator: StartEmulator, ask) -> None:
    day = datetime(2026, 10, 13, 13, 30, tzinfo=UTC)
    listing = listing_of(invented_bars("AAPL", CLOCK - timedelta(days=10), CLOCK))
    at = int(day.timestamp())
    listing = with_events(listing, splits=(Event(at, 4.0),), dividends=(Event(at, 0.25),))
    start_emulator(provider=lambda _: listing)
    frame = ask()
    first = frame.loc[frame.index == day].iloc[0]
    assert (first["Stock Splits"], first["Dividends"]) == (4.0, 0.25)


def test_a_withdrawn_day_is_gone_and_comes_back_when_it_is_restored(start_emulator: StartEmulator, ask) -> None:
    emulator = start_emulator(faults=("AAPL:withdrawn-day",))
    gone = ask()
    emulator.plan.clear()
    back = ask()
    assert len(back) - len(gone) == 7
    assert set(gone.index) < set(back.index)


def test_faults_by_probability_are_the_same_for_the_same_seed(start_emulator: StartEmulator) -> None:
    def strikes(seed: int) -> list[bool]:
        plan = start_emulator(faults=("AAPL:500:50%",), seed=seed).plan
        return [plan.draw("AAPL") is not None for _ in range(40)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 8 < sum(strikes(1)) < 32


def test_a_fault_is_written_as_target_kind_times_and_seconds() -> None:
    fault = parse_fault("AAPL:slow:3@2.5")
    assert (fault.target, fault.kind, fault.times, fault.seconds) == ("AAPL", "slow", 3, 2.5)
    assert parse_fault("*:500:25%").probability == 0.25
    with pytest.raises(ValueError, match="is no fault"):
        parse_fault("AAPL:503")


def test_the_emulator_leads_nobody_out(start_emulator: StartEmulator) -> None:
    start_emulator()
    with Session() as session, pytest.raises(RequestException, match="502"):
        session.get("https://example.com", timeout=2)


def test_bars_can_come_from_a_folder(tmp_path: Path, start_emulator: StartEmulator, ask) -> None:
    bars = invented_bars("AAPL", CLOCK - timedelta(days=10), CLOCK).rename(columns={"opened_at": "ts"})
    bars.drop(columns=["ticker", "closed_at"]).to_parquet(tmp_path / "AAPL.parquet")
    start_emulator(provider=folder(tmp_path))
    assert len(ask()) > 30


def test_by_hand_it_prints_the_environment_to_export() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.yahoo", "--fault", "AAPL:429:3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(5)]
        process.terminate()
    assert lines[0].startswith("export HTTPS_PROXY=http://127.0.0.1:")
    assert all(line.startswith("export ") for line in lines)
