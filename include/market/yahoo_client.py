"""One ticker's hourly or 5-minute bars from yfinance, or one of Hourcast's errors.

yfinance 1.7.0 has three properties that this module works around. It caches failed responses until the process ends.
It reports most errors as "possibly delisted". It shares one session, crumb and cache among all threads. The module
knows no profiles, calendars or retries. Where next: ``yahoo.py``, the source; ``yahoo_session.py``, the session of
every request.
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
from typing import Any, Final, TextIO, TypeVar

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
from include.market.yahoo_age import AnswerTimes, times_of
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_session import Call, Pace, YahooSession

T = TypeVar("T")

LONGEST_HISTORY_DAYS: Final = 729
"""Yahoo refuses hourly bars older than 730 days, to the second; requests of exactly 730 days were refused as well."""
LONGEST_CLOSES_DAYS: Final = 59
"""Yahoo refuses 5-minute bars older than 60 days."""

_METADATA_NAMES: Final = ("symbol", "currency", "exchangeName", "exchangeTimezoneName", "instrumentType", "longName")
_CLIENT_FOLDER: Final = Path(yf.__file__).parent
_FOLDER_PREFIX: Final = "yahoo-"
_FOLDER_LIFE_SECONDS: Final = 24 * 3600.0


class RangeRefusedError(InvalidRequestError):
    """Yahoo does not serve bars that old."""


@dataclass(frozen=True)
class Answer:
    """Yahoo's response for one ticker.

    ``rows``: opened_at (UTC), open, high, low, close, volume, as served and in order, without rows that have no prices.
    ``metadata``: Yahoo's description of the ticker; None where it gave none. ``splits``: new units per old unit, and
    ``dividends``: amounts per unit; both by the instant at which they take effect, UTC. ``times``: when it was made.
    """

    rows: pd.DataFrame
    metadata: Mapping[str, str | None]
    splits: Mapping[datetime, float]
    dividends: Mapping[datetime, float]
    times: AnswerTimes


class YahooClient:
    """yfinance with ``YahooSession``, a cache folder of this process and Hourcast's errors. Thread-safe."""

    def __init__(
        self,
        pace: Pace,
        gate: RateLimitGate,
        timeout_seconds: float,
        cache_dir: Path,
        repeat_pace: Pace | None = None,
    ) -> None:
        self._gate = gate
        self._timeout_seconds = timeout_seconds
        self._session = YahooSession(pace, gate, timeout_seconds, repeat_pace)
        self._cache_dir = cache_dir

    def remember_timezones(self, timezones: Mapping[str, str]) -> None:
        """Stores the tickers' time zones in yfinance's cache, which saves one request for each ticker.

        One thread must call it before the first request, since it also opens the cache.

        Raises:
            SettingsError: the cache folder cannot be used.
        """
        _prepare_client(self._cache_dir)
        for ticker, timezone in timezones.items():
            get_tz_cache().store(ticker, timezone)

    def hourly(self, ticker: str, since: datetime, until: datetime, *, is_repeat: bool = False) -> Answer:
        """Yahoo's hourly bars with since <= opened_at < until. A repeated request lets first requests go before it.

        Raises:
            RateLimitedError, MarketUnavailableError: a later request may succeed.
            InvalidRequestError: the text is an ISIN, which yfinance would look up.
            UnknownTickerError: Yahoo does not know the ticker.
            DataContractError: the response has not the form of Yahoo's responses.
        """
        if is_isin(ticker):
            message = f"{ticker}: this is an ISIN; give the ticker as Yahoo spells it."
            raise InvalidRequestError(message)
        try:
            return self._request(ticker, {"interval": "1h", "start": since, "end": until}, until, is_repeat)
        except RangeRefusedError:  # ``until`` is long past: request the longest history that Yahoo still serves
            longest = {"interval": "1h", "period": f"{LONGEST_HISTORY_DAYS}d"}
            answer = self._request(ticker, longest, until, is_repeat)
            return replace(answer, rows=answer.rows[answer.rows["opened_at"] < until])

    def fetch_other(self, ticker: str, path: str, read: Callable[[Any], T]) -> tuple[T | None, Response | None]:
        """What ``read`` reads from yfinance's ``Ticker``, and the last response to a request under ``path``.

        For data that are no prices: requests for prices go first, and no refusal blocks them. The value is None if
        yfinance fails although Yahoo responded.

        Raises:
            MarketUnavailableError: no request was sent, or Yahoo did not respond.
        """
        YfData.cache_get.cache_clear()
        with self._session.call(is_repeat=True, path=path) as call:
            try:
                return read(yf.Ticker(ticker, session=self._session)), call.response
            except Exception as error:  # noqa: BLE001  # yfinance raises whatever its parsing runs into
                if call.response is not None:
                    return None, call.response
                translated = translate(error, ticker, None)
                raise translated from (None if translated is error else error)

    def five_minutes(self, ticker: str, since: datetime, until: datetime, *, is_repeat: bool = False) -> Answer:
        """Yahoo's 5-minute bars with since <= opened_at < until, those of extended hours included.

        Raises:
            RangeRefusedError: ``since`` is more than 60 days ago.
            HourcastError: as ``hourly``.
        """
        window = {"interval": "5m", "prepost": True, "start": since, "end": until}
        return self._request(ticker, window, until, is_repeat)

    def _request(self, ticker: str, window: Mapping[str, Any], until: datetime, is_repeat: bool) -> Answer:
        # yfinance caches responses for past windows, failures as well, until the process ends.
        YfData.cache_get.cache_clear()
        with self._session.call(is_repeat=is_repeat) as call:
            try:
                frame = yf.Ticker(ticker, session=self._session).history(
                    auto_adjust=False, actions=False, timeout=self._timeout_seconds, **window
                )
            except Exception as error:  # noqa: BLE001  # yfinance raises whatever its parsing runs into
                frame = self._nothing_or_raise(error, ticker, call)
            chart = _chart(call.response)
            return Answer(
                rows=_rows(frame),
                metadata=_metadata(chart),
                splits=_events(chart, "splits"),
                dividends=_events(chart, "dividends"),
                times=times_of(call.response.headers if call.response is not None else {}, chart, until),
            )

    def _nothing_or_raise(self, error: Exception, ticker: str, call: Call) -> pd.DataFrame:
        """An empty frame if Yahoo's response is sound and has no bars; else raises the translated error."""
        is_sound_response = isinstance(error, YFPricesMissingError) and call.status == 200
        if is_sound_response and getattr(error, "yahoo_reason", None) is None:
            return pd.DataFrame()
        translated = translate(error, ticker, call.status)
        is_new_refusal = isinstance(translated, RateLimitedError) and translated is not error
        if is_new_refusal and not self._gate.opens_in():
            translated = MarketUnavailableError(str(translated))  # other tickers are still served
        raise translated from (None if translated is error else error)


def translate(error: Exception, ticker: str, status: int | None) -> HourcastError:
    """Hourcast's error for one that yfinance raised; ``status`` is that of the last response with prices."""
    if isinstance(error, HourcastError):
        return error
    if isinstance(error, YFRateLimitError) or status == 429:
        return RateLimitedError(f"{ticker}: Yahoo asked us to slow down (429).")
    if isinstance(error, RequestException):
        return MarketUnavailableError(f"{ticker}: the request to Yahoo failed: {_first_line(error)}")
    if status == 404 and isinstance(error, YFTickerMissingError):
        return UnknownTickerError(f"{ticker}: Yahoo does not know it; check the spelling or whether it was delisted.")
    if status == 422 and "must be within the last" in str(error):
        return RangeRefusedError(f"{ticker}: Yahoo no longer gives bars that old: {_first_line(error)}")
    if status is not None and status >= 400:
        # yfinance's text is left out: it says "possibly delisted" for every cause.
        return MarketUnavailableError(f"{ticker}: Yahoo answered with status {status}.")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | YFDataException | YFTickerMissingError):
        return MarketUnavailableError(f"{ticker}: Yahoo's answer cannot be read ({type(error).__name__}).")
    if isinstance(error, DatabaseError | OSError):
        return MarketUnavailableError(f"{ticker}: the Yahoo client's own cache failed: {_first_line(error)}")
    return DataContractError(f"{ticker}: Yahoo's answer has not its usual form: {type(error).__name__} {error}")


def silence_client() -> None:
    """Silences the deprecation warnings that yfinance's use of pandas causes, dozens in each call.

    yfinance turns them on when it is imported, and ``catch_warnings`` elsewhere replaces the list of filters. So this
    is called before every round of requests, and the filter stays: ``catch_warnings`` must not be used around threads.
    pandas uses it nevertheless, and then sees every deprecation; a replaced ``showwarning`` does not print those.
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
    """Like ``warnings.showwarning``, but silent for deprecations within yfinance."""
    if not issubclass(category, DeprecationWarning) or not Path(filename).is_relative_to(_CLIENT_FOLDER):
        show(message, category, filename, lineno, file, line)


@cache
def _prepare_client(cache_dir: Path) -> None:
    """Gives yfinance a cache folder of this process, and lets it raise its errors. Done once for each setting."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=cache_dir))
    except OSError as error:
        message = f"{cache_dir} cannot be used as the cache folder ({error}); set HOURCAST_CACHE_DIR to one that can."
        raise SettingsError(message) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _remove_old_folders(cache_dir, folder.stat().st_mtime)
    yf.set_tz_cache_location(str(folder))
    timezones = get_tz_cache()
    # It would go on with the file of an earlier folder of this process, which may be gone.
    timezones.db, timezones.initialised, timezones.dummy = None, -1, False
    yf.config.debug.hide_exceptions = False
    logging.getLogger("yfinance").setLevel(logging.ERROR)  # it warns of every request without a cookie
    timezones.lookup("")  # opens the database before threads do: two threads at once have locked it


def _remove_old_folders(cache_dir: Path, now: float) -> None:
    """Removes the folders of processes that were killed; ``now`` in seconds, by the file system's clock."""
    for folder in cache_dir.glob(f"{_FOLDER_PREFIX}*"):
        try:
            is_old = now - folder.stat().st_mtime > _FOLDER_LIFE_SECONDS
        except FileNotFoundError:  # another process has removed it
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
    """The response's content as far as it can be read; yfinance drops the description when there are no bars."""
    try:
        chart = json.loads(response.content)["chart"]["result"][0] if response is not None else {}
    except (LookupError, TypeError, ValueError):
        chart = {}
    return _mapping(chart)


def _metadata(chart: Mapping[str, Any]) -> dict[str, str | None]:
    described = _mapping(chart.get("meta"))
    found = {name: described.get(name) for name in _METADATA_NAMES}
    return {name: value if isinstance(value, str) else None for name, value in found.items()}


def _events(chart: Mapping[str, Any], kind: str) -> dict[datetime, float]:
    """Events by the instant at which they take effect, without invalid ones; the bars do not depend on them."""
    found: dict[datetime, float] = {}
    for event in _mapping(_mapping(chart.get("events")).get(kind)).values():
        try:
            amount = event["amount"] if kind == "dividends" else event["numerator"] / event["denominator"]
            if 0 < amount < float("inf"):
                found[datetime.fromtimestamp(event["date"], UTC)] = float(amount)
        except (LookupError, TypeError, ValueError, ArithmeticError, OSError):
            continue
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text.removeprefix("Failed to perform, ").split(" See https://", 1)[0]
