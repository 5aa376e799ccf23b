"""One ticker's hourly bars from the real yfinance client, or an error of our tree.

The client fails in its own ways (checked against 1.7.0): it keeps bad answers in a memo for the life of the process,
hides what went wrong behind "possibly delisted", and shares one session, crumb and cache among all threads. This module
turns those habits off or round. It refuses to know profiles, calendars and retries.
Where next: ``yahoo.py``, the source; ``yahoo_session.py``, through which every request passes.
"""

from __future__ import annotations

import atexit
import json
import logging
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TextIO

import pandas as pd
import yfinance as yf  # type: ignore[import-untyped]  # ships no types
from curl_cffi.requests import Response
from curl_cffi.requests.exceptions import RequestException
from peewee import DatabaseError
from yfinance.cache import get_tz_cache  # type: ignore[import-untyped]  # ships no types
from yfinance.data import YfData  # type: ignore[import-untyped]  # ships no types
from yfinance.exceptions import (  # type: ignore[import-untyped]  # ships no types
    YFDataException,
    YFPricesMissingError,
    YFRateLimitError,
    YFTickerMissingError,
)
from yfinance.utils import is_isin  # type: ignore[import-untyped]  # ships no types

from include.errors import (
    DataContractError,
    HourcastError,
    InvalidRequestError,
    MarketUnavailableError,
    RateLimitedError,
    SettingsError,
    UnknownTickerError,
)
from include.market.yahoo_session import Call, Pace, RateLimitGate, YahooSession

LONGEST_HISTORY_DAYS: Final = 729
"""Yahoo refuses hourly bars older than 730 days, to the second, and public code saw refusals at exactly 730."""

_METADATA_NAMES: Final = ("symbol", "currency", "exchangeName", "exchangeTimezoneName", "instrumentType", "longName")
_CLIENT_FOLDER: Final = Path(yf.__file__).parent
_FOLDER_PREFIX: Final = "yahoo-"
_FOLDER_LIFE_SECONDS: Final = 24 * 3600.0


class RangeRefusedError(InvalidRequestError):
    """Yahoo does not give bars that old any more."""


@dataclass(frozen=True)
class Answer:
    """What Yahoo said of one ticker.

    ``rows``: opened_at (UTC), open, high, low, close, volume, as served and in order; rows without prices left out.
    ``metadata``: Yahoo's description of the ticker; empty values where it gave none.
    ``splits``: new units for one old, ``dividends``: amounts a unit; both by when they take effect, UTC.
    """

    rows: pd.DataFrame
    metadata: Mapping[str, str | None]
    splits: Mapping[datetime, float]
    dividends: Mapping[datetime, float]


class YahooClient:
    """The yfinance client with our session, our cache folder, and our errors. Safe to use from several threads."""

    def __init__(self, pace: Pace, gate: RateLimitGate, timeout_seconds: float, cache_dir: Path) -> None:
        self._gate = gate
        self._timeout_seconds = timeout_seconds
        self._session = YahooSession(pace, gate, timeout_seconds)
        self._cache_dir = cache_dir

    def remember_timezones(self, timezones: Mapping[str, str]) -> None:
        """Tells the client the tickers' time zones, which it would else ask Yahoo for: half of a process's requests.

        To be called before the first question, by one thread: it also opens the client's cache.

        Raises:
            SettingsError: the cache folder cannot be used.
        """
        _prepare_client(self._cache_dir)
        for ticker, timezone in timezones.items():
            get_tz_cache().store(ticker, timezone)

    def hourly(self, ticker: str, since: datetime, until: datetime) -> Answer:
        """Yahoo's hourly bars with since <= opened_at < until.

        Raises:
            RateLimitedError, MarketUnavailableError: worth another try later.
            InvalidRequestError: the text is not a ticker but an ISIN, which the client would look up.
            UnknownTickerError: Yahoo does not know the ticker.
            DataContractError: the answer is not of the form that Yahoo's answers have.
        """
        if is_isin(ticker):
            message = f"{ticker}: this is an ISIN; give the ticker as Yahoo spells it."
            raise InvalidRequestError(message)
        try:
            return self._ask(ticker, {"start": since, "end": until})
        except RangeRefusedError:  # ``until`` is long past: what is still given is all that can be had
            answer = self._ask(ticker, {"period": f"{LONGEST_HISTORY_DAYS}d"})
            return replace(answer, rows=answer.rows[answer.rows["opened_at"] < until])

    def _ask(self, ticker: str, window: Mapping[str, Any]) -> Answer:
        # The client's memo of past windows keeps failures too, for the life of the process.
        YfData.cache_get.cache_clear()
        with self._session.call() as call:
            try:
                frame = yf.Ticker(ticker, session=self._session).history(
                    interval="1h", auto_adjust=False, actions=False, timeout=self._timeout_seconds, **window
                )
            except Exception as error:  # noqa: BLE001  # the client raises whatever its parsing stumbles over
                frame = self._nothing_or_raise(error, ticker, call)
            chart = _chart(call.response)
            return Answer(_rows(frame), _metadata(chart), _events(chart, "splits"), _events(chart, "dividends"))

    def _nothing_or_raise(self, error: Exception, ticker: str, call: Call) -> pd.DataFrame:
        """An empty frame when Yahoo answered in good order that it has no bars; else raises the error as ours."""
        is_good_answer = isinstance(error, YFPricesMissingError) and call.status == 200
        if is_good_answer and getattr(error, "yahoo_reason", None) is None:
            return pd.DataFrame()
        translated = translate(error, ticker, call.status)
        is_new_refusal = isinstance(translated, RateLimitedError) and translated is not error
        if is_new_refusal and not self._gate.note_refusal(ticker):
            translated = MarketUnavailableError(str(translated))  # this ticker's alone, as far as can be told
        raise translated from (None if translated is error else error)


def translate(error: Exception, ticker: str, status: int | None) -> HourcastError:
    """The error of our tree for what the client raised; ``status`` is that of the last answer about prices."""
    if isinstance(error, HourcastError):
        return error
    if isinstance(error, YFRateLimitError) or status == 429:
        return RateLimitedError(f"{ticker}: Yahoo asked us to slow down (429).")
    if isinstance(error, RequestException):
        return MarketUnavailableError(f"{ticker}: the request to Yahoo failed: {_first_line(error)}")
    if status == 404 and isinstance(error, YFTickerMissingError):
        return UnknownTickerError(f"{ticker}: Yahoo does not know it; check the spelling or whether it was delisted.")
    if status == 422 and "730 days" in str(error):
        return RangeRefusedError(f"{ticker}: Yahoo no longer gives hourly bars that old: {_first_line(error)}")
    if status is not None and status >= 400:
        # The client's own words are left out: it says "possibly delisted" whatever went wrong.
        return MarketUnavailableError(f"{ticker}: Yahoo answered with status {status}.")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | YFDataException | YFTickerMissingError):
        return MarketUnavailableError(f"{ticker}: Yahoo's answer cannot be read ({type(error).__name__}).")
    if isinstance(error, DatabaseError | OSError):
        return MarketUnavailableError(f"{ticker}: the Yahoo client's own cache failed: {_first_line(error)}")
    return DataContractError(f"{ticker}: Yahoo's answer has not its usual form: {type(error).__name__} {error}")


def silence_client() -> None:
    """Silences the deprecation warnings of yfinance's own use of pandas, dozens a call, wherever they would be heard.

    yfinance turns them on when it is imported, and whoever caught warnings since has a list of filters of their own, so
    this looks before every round of calls. In place and for good: ``catch_warnings`` must not be used around threads.
    pandas does so all the same, and hears every deprecation meanwhile; what gets past the filters is not shown.
    """
    is_silent = ("ignore", None, DeprecationWarning, re.compile("yfinance"), 0)
    if is_silent not in warnings.filters:
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="yfinance")
    show = warnings.showwarning
    if not isinstance(show, partial) or show.func is not _show_unless_of_client:
        warnings.showwarning = partial(_show_unless_of_client, show)


def _show_unless_of_client(
    show: Callable[..., None],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What ``warnings.showwarning`` does; nothing where yfinance uses what is deprecated."""
    if not issubclass(category, DeprecationWarning) or not Path(filename).is_relative_to(_CLIENT_FOLDER):
        show(message, category, filename, lineno, file, line)


@cache
def _prepare_client(cache_dir: Path) -> None:
    """Gives the client a cache folder of this process alone, and makes it raise what went wrong. Once a process."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=cache_dir))
    except OSError as error:
        message = f"{cache_dir} cannot be used as the cache folder ({error}); set HOURCAST_CACHE_DIR to one that can."
        raise SettingsError(message) from error
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    _remove_old_folders(cache_dir, own.stat().st_mtime)
    yf.set_tz_cache_location(str(own))
    yf.config.debug.hide_exceptions = False
    logging.getLogger("yfinance").setLevel(logging.ERROR)  # it warns at every request that goes without a cookie
    get_tz_cache().lookup("")  # opens the database before threads do: two at once have locked each other out


def _remove_old_folders(cache_dir: Path, now: float) -> None:
    """Removes what processes that were killed have left behind; ``now`` in seconds, by the file system's clock."""
    for folder in cache_dir.glob(f"{_FOLDER_PREFIX}*"):
        try:
            is_old = now - folder.stat().st_mtime > _FOLDER_LIFE_SECONDS
        except FileNotFoundError:  # another process was quicker
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    names = ["open", "high", "low", "close", "volume"]
    if frame.empty:
        nothing = {name: pd.Series([], dtype="float64") for name in names}
        return pd.DataFrame({"opened_at": pd.DatetimeIndex([], dtype="datetime64[us, UTC]"), **nothing})
    index = pd.DatetimeIndex(frame.index).tz_convert("UTC").as_unit("us")
    rows = pd.DataFrame({name: frame[name.capitalize()].to_numpy(dtype="float64") for name in names})
    rows.insert(0, "opened_at", index)
    return rows.dropna(subset=names[:4], ignore_index=True)


def _chart(response: Response | None) -> Mapping[str, Any]:
    """The answer itself, as far as it can be read: the client fails on its description when there are no bars."""
    try:
        chart = json.loads(response.content)["chart"]["result"][0] if response is not None else {}
    except (LookupError, TypeError, ValueError):
        chart = {}
    return chart if isinstance(chart, dict) else {}


def _metadata(chart: Mapping[str, Any]) -> dict[str, str | None]:
    described = chart.get("meta") or {}
    return {name: described.get(name) for name in _METADATA_NAMES}


def _events(chart: Mapping[str, Any], kind: str) -> dict[datetime, float]:
    """Events by when they take effect; one that makes no sense is left out, the bars do not depend on it."""
    found: dict[datetime, float] = {}
    for event in ((chart.get("events") or {}).get(kind) or {}).values():
        try:
            amount = event["amount"] if kind == "dividends" else event["numerator"] / event["denominator"]
            if 0 < amount < float("inf"):
                found[datetime.fromtimestamp(event["date"], UTC)] = float(amount)
        except (LookupError, TypeError, ValueError, ArithmeticError):
            continue
    return found


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text.removeprefix("Failed to perform, ").split(" See https://", 1)[0]
