"""Bars and profiles from Yahoo, through the unmodified yfinance client.

What was asked and what came are held against each other for every ticker: its symbol, currency and time zone, and
whether there should have been bars by our own calendar. A bar in progress is left out: by that calendar, and by when
the response was made. This module does not judge prices (``quality.py``) nor decide what is requested (``pipeline``).
Where next: ``yahoo_client.py`` for one call, ``yahoo_retry.py`` for many, ``yahoo_session.py`` for pace and limits,
``yahoo_age.py`` for old responses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import pandas as pd

from include.contracts import BarRequest, Dividend, Split, TickerFailure, TickerProfile, require_utc
from include.errors import (
    BarsNotReadyError,
    DataContractError,
    HourcastError,
    RetryableError,
    UnknownTickerError,
)
from include.market.exchanges import parse_calendars
from include.market.sessions import bar_grid, last_closed, published_until
from include.market.source import YAHOO, EarningsReport, ExtendedReport, FetchReport, join_bars, known_bars, make_bars
from include.market.yahoo_calendar import calendar_and_delay, likely_timezone
from include.market.yahoo_client import LONGEST_HISTORY_DAYS, Answer, YahooClient, silence_client
from include.market.yahoo_earnings import fetch_reports
from include.market.yahoo_extended import fetch_closes
from include.market.yahoo_gate import RateLimitGate, process_gate
from include.market.yahoo_identity import REFUSED_AS, expected_of, other_unit, require_same
from include.market.yahoo_retry import Repeats, RetryPolicy, request_all
from include.market.yahoo_session import Pace, is_reachable, process_pacer
from include.settings import MarketSettings

__all__ = ["YahooSource", "is_reachable"]

T = TypeVar("T")

_THREADS: Final = 4  # so that a few hanging tickers do not hold up the others; the pace is kept all the same
_FAR_AHEAD: Final = timedelta(days=1)
"""Bars in progress are left out without a word, also when a late retry sees newer ones; a bar from further ahead than
this is a mistake of Yahoo's, handed over so that the quality gate can write it down."""
_DESCRIBE_DAYS: Final = 10  # longer than any exchange's holidays


@dataclass
class _Kept:
    """What is kept of responses that lead to another request.

    ``old``: by ticker, the newest response that was made too early. ``refused``: by ticker and reason, the bars of a
    response that describes another ticker. ``repeats``: the tickers of which a request was sent.
    """

    repeats: Repeats = field(default_factory=Repeats)
    old: dict[str, FetchReport] = field(default_factory=dict)
    refused: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)


class YahooSource:
    """The bar source `yahoo`.

    ``pace`` is called before every request and returns when it may be made, from several threads at once; without it
    the sources of this process share ``yahoo_requests_per_second``. ``repeat_pace`` is called instead for a ticker that
    was requested before in the same call.
    """

    name = YAHOO

    def __init__(
        self,
        settings: MarketSettings,
        pace: Pace | None = None,
        policy: RetryPolicy | None = None,
        gate: RateLimitGate | None = None,
        repeat_pace: Pace | None = None,
    ) -> None:
        self._calendars = parse_calendars(settings.suffix_calendars)
        self._policy = policy or RetryPolicy()
        self._gate = gate or process_gate()
        own_pace = pace or process_pacer(settings.yahoo_requests_per_second)
        self._client = YahooClient(
            own_pace, self._gate, settings.yahoo_timeout_seconds, settings.cache_dir, repeat_pace
        )
        # Kept as long as the source: every thread that ends would leave database connections behind in the client.
        self._executor = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix=YAHOO)

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        """The profiles of the tickers that Yahoo knows and has hourly bars of, and why it has none of the others.

        Costs one request a ticker.
        """
        moment = require_utc(as_of, "as_of")
        guesses: dict[str, str] = {}
        errors: dict[str, HourcastError] = {}
        for ticker in tickers:
            try:
                guesses[ticker] = likely_timezone(ticker, self._calendars)
            except HourcastError as error:
                errors[ticker] = error
        asks = {ticker: partial(self._describe_one, ticker, moment) for ticker in guesses}
        answers, failed = self._request_all(asks, guesses)
        errors |= failed
        profiles: dict[str, TickerProfile] = {}
        for ticker, answer in answers.items():
            try:
                profiles[ticker] = self._profile(ticker, answer, moment)
            except HourcastError as error:
                errors[ticker] = error
        return profiles, [_failure(ticker, errors[ticker]) for ticker in tickers if ticker in errors]

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        """The bars asked for that were known at ``as_of``, and why the other tickers have none.

        Costs one request a ticker, up to three times three when it fails. Never raises because of a ticker. If every
        response of a ticker was made before its newest due bar was complete, its older bars are returned.
        """
        moment = require_utc(as_of, "as_of")
        kept = _Kept()
        asks = {request.profile.ticker: partial(self._fetch_one, request, moment, kept) for request in requests}
        timezones = {request.profile.ticker: request.profile.timezone for request in requests}
        answers, errors = self._request_all(asks, timezones)
        old = {ticker: kept.old[ticker] for ticker in errors if ticker in kept.old}
        failures = [_failure(ticker, error) for ticker, error in errors.items() if ticker not in old]
        return _joined([*answers.values(), *old.values()], failures, join_bars(list(kept.refused.values())))

    @property
    def is_earnings_costly(self) -> bool:
        """True: each ticker costs a request."""
        return True

    def fetch_earnings(
        self, profiles: Sequence[TickerProfile], as_of: datetime, with_past: Collection[str] = ()
    ) -> EarningsReport:
        """What Yahoo says of the tickers' reports, and why it says nothing of the others. See ``yahoo_earnings.py``."""
        silence_client()
        self._client.remember_timezones({profile.ticker: profile.timezone for profile in profiles})
        return fetch_reports(self._client, self._gate, self._policy, self._executor, profiles, as_of, with_past)

    def fetch_extended(self, requests: Sequence[BarRequest], as_of: datetime) -> ExtendedReport:
        """The 5-minute closes asked for that were known at ``as_of``, and why the other tickers have none.

        Costs one request a ticker. See ``yahoo_extended.py``.
        """
        silence_client()
        self._client.remember_timezones({request.profile.ticker: request.profile.timezone for request in requests})
        return fetch_closes(self._client, self._gate, self._policy, self._executor, requests, as_of)

    def _request_all(
        self, asks: Mapping[str, Callable[[], T]], timezones: Mapping[str, str]
    ) -> tuple[dict[str, T], dict[str, HourcastError]]:
        silence_client()
        self._client.remember_timezones(timezones)
        return request_all(asks, self._policy, self._gate, self._executor)

    def _describe_one(self, ticker: str, as_of: datetime) -> Answer:
        answer = self._client.hourly(ticker, as_of - timedelta(days=_DESCRIBE_DAYS), as_of)
        require_same("symbol", ticker, answer, ticker)
        if answer.rows.empty:
            message = (
                f"{ticker}: Yahoo knows it but has no hourly bars of it in {_DESCRIBE_DAYS} days; it cannot be tracked."
            )
            raise UnknownTickerError(message)
        return answer

    def _profile(self, ticker: str, answer: Answer, as_of: datetime) -> TickerProfile:
        """The profile from an answer. Not for use in threads: it may make a calendar, which catches warnings."""
        code, timezone = answer.metadata["exchangeName"], answer.metadata["exchangeTimezoneName"]
        opened_at = answer.rows["opened_at"]
        calendar, delay_minutes = calendar_and_delay(ticker, code, timezone, opened_at, self._calendars, as_of)
        return TickerProfile(
            ticker=ticker,
            source=YAHOO,
            calendar=calendar,
            timezone=str(timezone),
            currency=answer.metadata["currency"],
            name=answer.metadata["longName"],
            feed_delay_minutes=delay_minutes,
        )

    def _fetch_one(self, request: BarRequest, as_of: datetime, kept: _Kept) -> FetchReport:
        """One ticker's known bars, splits and dividends; what a failure leaves is added to ``kept``.

        Raises:
            BarsNotReadyError: by the calendar there should be bars, and none came; or the response is too old.
            DataContractError: the response describes another ticker.
        """
        profile = request.profile
        since = max(require_utc(request.since, "since"), as_of - timedelta(days=LONGEST_HISTORY_DAYS))
        if since >= as_of:
            return FetchReport(bars=join_bars([]), failures=())
        # A cache finds responses by address. After an old response the address differs by a second.
        start = since - timedelta(seconds=1) if profile.ticker in kept.old else since
        answer = kept.repeats.send(
            profile.ticker,
            lambda is_repeat: self._client.hourly(profile.ticker, start, as_of, is_repeat=is_repeat),
        )
        served = make_bars(profile.ticker, profile.calendar, answer.rows)
        known = known_bars(served, request, as_of)
        if known.empty:
            _require_none_due(profile, since, as_of)
            return FetchReport(bars=known, failures=())
        _require_same_ticker(profile, answer, known, kept)
        delay = timedelta(minutes=profile.feed_delay_minutes)
        complete = known.loc[answer.times.complete(known["closed_at"], delay, as_of)]
        report = FetchReport(
            bars=join_bars([complete, served[served["opened_at"] > as_of + _FAR_AHEAD]]),
            failures=(),
            splits=tuple(
                Split(profile.ticker, at, factor) for at, factor in answer.splits.items() if at <= as_of and factor != 1
            ),
            dividends=tuple(
                Dividend(profile.ticker, at, amount) for at, amount in answer.dividends.items() if at <= as_of
            ),
            currencies=other_unit(profile, answer),
        )
        _require_recent(profile, answer, report, as_of, kept)
        return report


def _require_same_ticker(profile: TickerProfile, answer: Answer, known: pd.DataFrame, kept: _Kept) -> None:
    """Refuses an answer that describes another ticker, and keeps its bars with the reason.

    Raises:
        MarketUnavailableError, DataContractError: as ``require_same``.
    """
    for name, expected in expected_of(profile, answer).items():
        try:
            require_same(name, expected, answer, profile.ticker)
        except DataContractError:
            kept.refused[profile.ticker, REFUSED_AS[name]] = known.assign(reason=REFUSED_AS[name])
            raise


def _require_recent(profile: TickerProfile, answer: Answer, report: FetchReport, as_of: datetime, kept: _Kept) -> None:
    """Refuses an answer that was made before the newest due bar was complete, and keeps its older bars.

    Raises:
        BarsNotReadyError: a later answer may have the bar.
    """
    due = last_closed(profile.calendar, as_of, profile.feed_delay_minutes)
    if due is None:
        return
    delay = timedelta(minutes=profile.feed_delay_minutes)
    if answer.times.complete(pd.Series([pd.Timestamp(due)]), delay, as_of).all():
        return
    kept.old[profile.ticker] = replace(report, made_at={profile.ticker: answer.times.latest(as_of)})
    message = (
        f"{profile.ticker}: Yahoo's answer was made before the bar that closed at {due:%Y-%m-%d %H:%M} UTC "
        "was complete; a later one should have it."
    )
    raise BarsNotReadyError(message)


def _require_none_due(profile: TickerProfile, since: datetime, as_of: datetime) -> None:
    """Refuses an answer without bars where bars were due. An assumed session may be a holiday, so none is due there.

    Raises:
        BarsNotReadyError: a bar of a published session is due.
    """
    delay = pd.Timedelta(minutes=profile.feed_delay_minutes)
    bars = bar_grid(profile.calendar, since, as_of)
    is_published = bars["session_date"] <= pd.Timestamp(published_until(profile.calendar))
    due = bars.loc[is_published & (bars["closed_at"] + delay <= as_of), "closed_at"]
    if not due.empty:
        message = (
            f"{profile.ticker}: Yahoo answered with no bar, where {profile.calendar} had {len(due)}, "
            f"the newest closed at {due.iloc[-1]:%Y-%m-%d %H:%M} UTC; it should come with a later try."
        )
        raise BarsNotReadyError(message)


def _joined(reports: Sequence[FetchReport], failures: Sequence[TickerFailure], refused: pd.DataFrame) -> FetchReport:
    """One report from those of single tickers."""
    return FetchReport(
        bars=join_bars([report.bars for report in reports]),
        failures=tuple(failures),
        splits=tuple(split for report in reports for split in report.splits),
        dividends=tuple(dividend for report in reports for dividend in report.dividends),
        refused=refused,
        made_at={ticker: at for report in reports for ticker, at in report.made_at.items()},
        currencies={ticker: currency for report in reports for ticker, currency in report.currencies.items()},
    )


def _failure(ticker: str, error: HourcastError) -> TickerFailure:
    reason = str(error)
    named = reason if reason.startswith(f"{ticker}:") else f"{ticker}: {reason}"
    return TickerFailure(ticker=ticker, reason=named, is_retryable=isinstance(error, RetryableError))
