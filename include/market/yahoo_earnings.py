"""Days of companies' reports from Yahoo: those to come from its calendar, past ones from its page of earnings dates.

Both come through the unmodified yfinance client, after all requests for prices, and a refusal blocks no request for
prices. Yahoo's minute is not believed: of a day to come only the day is used, and the clock of a past
report gives its side of the session only. Days are read from the response itself, because yfinance turns instants into
days of this machine's time zone. Where next: ``yahoo_client.py`` for one call.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
from curl_cffi.requests import Response

from include.contracts import TickerFailure, TickerProfile, require_utc
from include.earnings import EarningsDate, ReportTiming
from include.errors import HourcastError, MarketUnavailableError, RateLimitedError, RetryableError
from include.market.grid import ALWAYS_OPEN, CURRENCIES
from include.market.sessions import bar_grid
from include.market.source import YAHOO, EarningsReport
from include.market.yahoo_age import times_of
from include.market.yahoo_client import YahooClient
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy, request_all

CALENDAR_PATH: Final = "/v10/finance/quoteSummary/"
PAGE_PATH: Final = "/calendar/earnings"

_TRIES: Final = 2
_REFUSALS: Final = 3
"""Refused tickers (status 429) after which no more are requested in the same call."""
_FARTHEST: Final = timedelta(days=400)
_LONGEST_RANGE: Final = 31  # days; a longer one says nothing
_NOT_A_COMPANY: Final = re.compile(r"\^.*|.*=[A-Z]")


@dataclass(frozen=True)
class _OneTicker:
    """The reports of one ticker, and when Yahoo's response was made (UTC); ``has_past``: past ones are included."""

    dates: tuple[EarningsDate, ...]
    made_at: datetime
    has_reports: bool = True
    has_past: bool = False


class _Refusals:
    """The tickers of one call that Yahoo has refused; thread-safe."""

    def __init__(self) -> None:
        self._tickers: set[str] = set()
        self._lock = threading.Lock()

    def require_few(self, ticker: str) -> None:
        """Raises RateLimitedError if too many were refused."""
        with self._lock:
            is_refused = len(self._tickers) >= _REFUSALS
        if is_refused:
            message = f"{ticker}: Yahoo refuses requests about reports (429); the next day tries again."
            raise RateLimitedError(message)

    def note(self, ticker: str) -> None:
        """Notes a refused ticker."""
        with self._lock:
            self._tickers.add(ticker)


def may_report(profile: TickerProfile) -> bool:
    """Whether the ticker may be a company: no currency, no crypto, no index, no future."""
    is_other = profile.calendar in {ALWAYS_OPEN, CURRENCIES} or _NOT_A_COMPANY.fullmatch(profile.ticker)
    return not is_other


def fetch_reports(
    client: YahooClient,
    gate: RateLimitGate,
    policy: RetryPolicy,
    executor: Executor,
    profiles: Sequence[TickerProfile],
    as_of: datetime,
    with_past: Collection[str],
) -> EarningsReport:
    """The reports that Yahoo names, known from ``as_of`` (UTC) or from when its response was made.

    Costs one request a ticker, and another one for each of ``with_past``; none for what cannot be a company.
    """
    moment = require_utc(as_of, "as_of")
    others = frozenset(profile.ticker for profile in profiles if not may_report(profile))
    refusals = _Refusals()
    requests = {
        profile.ticker: partial(
            _fetch_one, client, refusals, profile, moment, is_past_wanted=profile.ticker in with_past
        )
        for profile in profiles
        if profile.ticker not in others
    }
    found, errors = request_all(requests, replace(policy, tries=_TRIES, attempts=_TRIES), gate, executor)
    return EarningsReport(
        dates=tuple(item for each in found.values() for item in each.dates),
        answered=others | found.keys(),
        failures=tuple(
            TickerFailure(ticker, str(error), isinstance(error, RetryableError)) for ticker, error in errors.items()
        ),
        without_reports=others | {ticker for ticker, each in found.items() if not each.has_reports},
        made_at={ticker: each.made_at for ticker, each in found.items()},
        past_of=frozenset(ticker for ticker, each in found.items() if each.has_past),
    )


def _fetch_one(
    client: YahooClient, refusals: _Refusals, profile: TickerProfile, as_of: datetime, *, is_past_wanted: bool
) -> _OneTicker:
    """The reports that Yahoo names for one ticker. Without the past ones, those to come count all the same.

    Raises:
        MarketUnavailableError: Yahoo gave no response that can be read.
    """
    refusals.require_few(profile.ticker)
    _, response = client.fetch_other(profile.ticker, CALENDAR_PATH, lambda ticker: ticker.calendar)
    if response is not None and response.status_code == 404:
        return _OneTicker((), _made_at(response, profile.ticker), has_reports=False, has_past=is_past_wanted)
    served = _served(response, profile.ticker, refusals)
    made_at = _made_at(served, profile.ticker)
    coming = _coming(served, profile, max(as_of, made_at))
    try:
        past = _past(client, refusals, profile, max(as_of, made_at)) if is_past_wanted else ()
    except HourcastError:
        return _OneTicker(coming, made_at)
    return _OneTicker((*past, *coming), made_at, has_past=is_past_wanted)


def _served(response: Response | None, ticker: str, refusals: _Refusals) -> Response:
    """The response, if it is one.

    Raises:
        RateLimitedError: Yahoo refused the request.
        MarketUnavailableError: it gave no response, or an error.
    """
    status = None if response is None else response.status_code
    if status == 429:
        refusals.note(ticker)
        message = f"{ticker}: Yahoo refused a request about its reports (429)."
        raise RateLimitedError(message)
    if response is None or status != 200:
        message = f"{ticker}: Yahoo answered a request about its reports with status {status}."
        raise MarketUnavailableError(message)
    return response


def _made_at(response: Response, ticker: str) -> datetime:
    """When the response was made, UTC.

    Raises:
        MarketUnavailableError: it has no readable date.
    """
    made_at = times_of(response.headers, {}, datetime.max.replace(tzinfo=UTC)).made_at
    if made_at is None:
        message = f"{ticker}: Yahoo's answer about its reports has no readable date."
        raise MarketUnavailableError(message)
    return made_at


def _coming(response: Response, profile: TickerProfile, known_at: datetime) -> tuple[EarningsDate, ...]:
    """The days of the next report, from ``known_at`` on known: one, or each of a range.

    Raises:
        MarketUnavailableError: the response has not the form of Yahoo's calendar.
    """
    zone = ZoneInfo(profile.timezone)
    try:
        events = json.loads(response.content)["quoteSummary"]["result"][0]["calendarEvents"]
        earnings: Mapping[str, Any] = events.get("earnings") or {}
        days = sorted({_day_of(_instant(value), zone) for value in earnings.get("earningsDate") or ()})
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        message = f"{profile.ticker}: Yahoo's answer about its reports cannot be read ({type(error).__name__})."
        raise MarketUnavailableError(message) from error
    is_confirmed = len(days) == 1 and earnings.get("isEarningsDateEstimate") is False
    today = known_at.astimezone(zone).date()
    return tuple(
        EarningsDate(profile.ticker, day, ReportTiming.UNKNOWN, is_confirmed, YAHOO, known_at)
        for day in _days_between(days)
        if today <= day <= today + _FARTHEST
    )


def _days_between(days: Sequence[date]) -> list[date]:
    """Every day from the first to the last; none where they are too far apart to say anything."""
    length = (days[-1] - days[0]).days if days else -1
    return [days[0] + timedelta(days=number) for number in range(length + 1)] if length < _LONGEST_RANGE else []


def _instant(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{value!r} is no instant"
        raise TypeError(message)
    return datetime.fromtimestamp(value, UTC)


def _day_of(at: datetime, zone: ZoneInfo) -> date:
    """The report's day on the exchange's clock. Midnight of UTC stands for a day whose time Yahoo does not know."""
    return at.date() if at.time() == time(0) else at.astimezone(zone).date()


def _past(
    client: YahooClient, refusals: _Refusals, profile: TickerProfile, known_at: datetime
) -> tuple[EarningsDate, ...]:
    """The company's past reports, each known from the end (UTC) of its day on.

    Raises:
        MarketUnavailableError: Yahoo gave no page that can be read, or another company's.
    """
    frame, response = client.fetch_other(profile.ticker, PAGE_PATH, lambda ticker: ticker.get_earnings_dates())
    page = _served(response, profile.ticker, refusals)
    is_named = re.search(rf">\s*{re.escape(escape(profile.ticker))}\s*<", page.text)
    if frame is None or "Reported EPS" not in frame or not is_named:
        message = f"{profile.ticker}: Yahoo's page of earnings dates cannot be read, or is another company's."
        raise MarketUnavailableError(message)
    reported = pd.DatetimeIndex(frame.index[frame["Reported EPS"].notna()]).tz_convert("UTC").to_pydatetime()
    dates = (_reported(profile, at, timing) for at, timing in _with_timing(profile, sorted(set(reported))))
    return tuple(item for item in dates if item.known_at <= known_at)


def _reported(profile: TickerProfile, at: datetime, timing: ReportTiming) -> EarningsDate:
    day = _day_of(at, ZoneInfo(profile.timezone))
    day_after = datetime.combine(day + timedelta(days=1), time(0), UTC)
    return EarningsDate(profile.ticker, day, timing, is_confirmed=True, source=YAHOO, known_at=day_after)


def _with_timing(profile: TickerProfile, instants: Sequence[datetime]) -> Iterator[tuple[datetime, ReportTiming]]:
    """Each instant with its side of the session; unknown within a session, and at a midnight."""
    if not instants:
        return
    grid = bar_grid(profile.calendar, instants[0] - timedelta(days=2), instants[-1] + timedelta(days=2))
    days = pd.DatetimeIndex(grid["session_date"]).date
    opens = dict(reversed(list(zip(days, pd.DatetimeIndex(grid["opened_at"]).to_pydatetime(), strict=True))))
    closes = dict(zip(days, pd.DatetimeIndex(grid["closed_at"]).to_pydatetime(), strict=True))
    zone = ZoneInfo(profile.timezone)
    for at in instants:
        day = _day_of(at, zone)
        timing = ReportTiming.UNKNOWN
        if day in opens and time(0) not in {at.time(), at.astimezone(zone).time()}:
            timing = ReportTiming.BEFORE_OPEN if at < opens[day] else timing
            timing = ReportTiming.AFTER_CLOSE if at >= closes[day] else timing
        yield at, timing
