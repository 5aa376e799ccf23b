"""One call of the real client: its answer, and our error for each of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yfinance
from curl_cffi.requests.exceptions import Timeout
from peewee import OperationalError
from yfinance.exceptions import YFDataException, YFPricesMissingError, YFRateLimitError, YFTzMissingError

from include.errors import (
    DataContractError,
    InvalidRequestError,
    MarketUnavailableError,
    RateLimitedError,
    SettingsError,
    UnknownTickerError,
)
from include.market.yahoo_client import (
    RangeRefusedError,
    YahooClient,
    _events,
    _prepare_client,
    silence_client,
    translate,
)
from include.market.yahoo_gate import RateLimitGate
from tests.yahoo.fixtures import CLOCK, StartEmulator

MISSING = YFPricesMissingError("AAPL", "(period=5d)")
TOO_OLD = YFPricesMissingError("AAPL", "", "The requested range must be within the last 730 days.")


@pytest.mark.parametrize(
    ("raised", "status", "expected"),
    [
        (YFRateLimitError(), 429, RateLimitedError),
        (KeyError("chart"), 429, RateLimitedError),
        (Timeout("Operation timed out", 28), None, MarketUnavailableError),
        (Timeout("Operation timed out", 28), 500, MarketUnavailableError),
        (MISSING, 404, UnknownTickerError),
        (YFTzMissingError("AAPL"), 404, UnknownTickerError),
        (json.JSONDecodeError("Expecting value", "", 0), 404, MarketUnavailableError),
        (TOO_OLD, 422, RangeRefusedError),
        (MISSING, 401, MarketUnavailableError),
        (MISSING, 500, MarketUnavailableError),
        (YFTzMissingError("AAPL"), None, MarketUnavailableError),
        (json.JSONDecodeError("Expecting value", "", 0), 200, MarketUnavailableError),
        (YFDataException("*** YAHOO! FINANCE IS CURRENTLY DOWN! ***"), 200, MarketUnavailableError),
        (OperationalError("database is locked"), None, MarketUnavailableError),
        (KeyError("tradingPeriods"), 200, DataContractError),
        (ValueError("All arrays must be of the same length"), 200, DataContractError),
    ],
)
def test_what_the_client_raises_becomes_an_error_of_ours(
    raised: Exception, status: int | None, expected: type[Exception]
) -> None:
    error = translate(raised, "AAPL", status)
    assert type(error) is expected
    assert str(error).startswith("AAPL:")
    assert "possibly delisted" not in str(error)


def test_an_error_of_ours_stays_what_it_is() -> None:
    error = RateLimitedError("closed")
    assert translate(error, "AAPL", 200) is error


@pytest.fixture
def open_client(yahoo_cache_dir: Path) -> Callable[[], YahooClient]:
    def build() -> YahooClient:
        silence_client()
        return YahooClient(lambda: None, RateLimitGate(), timeout_seconds=5.0, cache_dir=yahoo_cache_dir)

    return build


def test_an_answer_brings_rows_and_what_yahoo_says_of_the_ticker(
    start_emulator: StartEmulator, open_client: Callable[[], YahooClient]
) -> None:
    start_emulator()
    client = open_client()
    client.remember_timezones({"VOD.L": "Europe/London"})
    answer = client.hourly("VOD.L", CLOCK - timedelta(days=3), CLOCK)
    assert list(answer.rows.columns) == ["opened_at", "open", "high", "low", "close", "volume"]
    assert answer.rows["opened_at"].is_monotonic_increasing
    assert str(answer.rows["opened_at"].dt.tz) == "UTC"
    assert answer.metadata["currency"] == "GBp"
    assert answer.metadata["exchangeName"] == "LSE"


def test_a_remembered_timezone_is_not_asked_for(
    start_emulator: StartEmulator, open_client: Callable[[], YahooClient]
) -> None:
    emulator = start_emulator()
    client = open_client()
    client.remember_timezones({"MSFT": "America/New_York"})
    client.hourly("MSFT", CLOCK - timedelta(days=3), CLOCK)
    assert [asked.query["interval"] for asked in emulator.asked if asked.kind == "chart"] == ["1h"]


def test_a_failure_is_not_kept_in_the_clients_memo(
    start_emulator: StartEmulator, open_client: Callable[[], YahooClient]
) -> None:
    # The window ended long ago, so the client memoises whatever it gets.
    start_emulator(faults=("AAPL:broken-json:1",))
    client = open_client()
    client.remember_timezones({"AAPL": "America/New_York"})
    with pytest.raises(MarketUnavailableError):
        client.hourly("AAPL", CLOCK - timedelta(days=3), CLOCK)
    assert len(client.hourly("AAPL", CLOCK - timedelta(days=3), CLOCK).rows) > 10


def test_an_isin_is_refused_before_the_client_looks_it_up(open_client: Callable[[], YahooClient]) -> None:
    with pytest.raises(InvalidRequestError, match="ISIN"):
        open_client().hourly("US0378331005", CLOCK - timedelta(days=3), CLOCK)


def test_only_the_clients_own_deprecations_are_silenced() -> None:
    for _ in range(3):
        silence_client()
        warnings.warn_explicit("old", DeprecationWarning, "yfinance/utils.py", 1, module="yfinance.utils")
        with pytest.raises(DeprecationWarning):
            warnings.warn_explicit("old", DeprecationWarning, "include/x.py", 1, module="include.x")
    assert sum(entry[3] == re.compile("yfinance") for entry in warnings.filters) == 1


def test_what_another_threads_filters_let_through_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    with warnings.catch_warnings():
        monkeypatch.setattr(warnings, "showwarning", lambda message, *_: shown.append(str(message)))
        for _ in range(2):
            silence_client()
        warnings.simplefilter("always", DeprecationWarning)  # as pandas does while it reads the name of a type
        warnings.warn_explicit("the client's", DeprecationWarning, yfinance.utils.__file__, 1)
        warnings.warn_explicit("somebody's", DeprecationWarning, __file__, 1)
    assert shown == ["somebody's"]


def test_a_cache_folder_that_cannot_be_used_is_a_matter_of_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    client = YahooClient(lambda: None, RateLimitGate(), timeout_seconds=1.0, cache_dir=tmp_path / "file")
    with pytest.raises(SettingsError, match="HOURCAST_CACHE_DIR"):
        client.remember_timezones({})


@pytest.fixture
def prepare() -> Iterator[Callable[[Path], None]]:
    """Gives yfinance another cache folder; the next test's client gets a new one of its own."""
    yield _prepare_client
    _prepare_client.cache_clear()


def test_folders_that_dead_processes_left_are_removed_and_living_ones_are_kept(
    tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    dead, living = tmp_path / "yahoo-1-dead", tmp_path / "yahoo-2-living"
    for folder in (dead, living):
        folder.mkdir()
    two_days_ago = living.stat().st_mtime - 2 * 86_400
    os.utime(dead, (two_days_ago, two_days_ago))
    prepare(tmp_path)
    assert not dead.exists()
    assert living.exists()


def test_time_zones_go_to_the_newest_folder_when_an_earlier_one_is_gone(
    tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    prepare(first)
    shutil.rmtree(first)
    prepare(second)
    timezones = yfinance.cache.get_tz_cache()
    timezones.store("VOD.L", "Europe/London")
    assert timezones.lookup("VOD.L") == "Europe/London"
    assert len(list(second.glob("yahoo-*/tkr-tz.db"))) == 1


def test_an_event_that_makes_no_sense_is_left_out_and_costs_nothing_else() -> None:
    splits = {
        "1": {"date": 1_700_000_000, "numerator": 3, "denominator": 2},
        "2": {"date": 1_700_000_001, "numerator": 3, "denominator": 0},
        "3": {"date": None, "numerator": 3, "denominator": 2},
        "4": {"numerator": "a", "denominator": 2},
        "5": None,
    }
    dividends = {"1": {"date": 1_700_000_000, "amount": 0.5}, "2": {"date": 1_700_000_001, "amount": -1.0}}
    chart = {"events": {"splits": splits, "dividends": dividends}}
    moment = datetime.fromtimestamp(1_700_000_000, UTC)
    assert _events(chart, "splits") == {moment: 1.5}
    assert _events(chart, "dividends") == {moment: 0.5}
    assert _events({}, "splits") == {}
    assert _events({"events": None}, "splits") == {}
