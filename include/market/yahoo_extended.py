"""5-minute closes of regular and extended hours from Yahoo, one request a ticker.

A response is checked as one with hourly bars is: its symbol, time zone and currency, and when it was made. A close in
progress is left out, and so is one that the response is too old for. That there are none is no failure: a thin ticker
has no print for hours, and Yahoo lacks whole nights. Yahoo keeps 5-minute bars for 60 days; of older nights there is
nothing. This module does not judge prices (``extended_gate.py``). Where next: ``yahoo_client.py`` for one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import pandas as pd

from include.contracts import BarRequest, Split, TickerFailure, require_utc
from include.errors import BarsNotReadyError, HourcastError, RetryableError
from include.market.extended_closes import join_closes, known_closes
from include.market.source import ExtendedReport
from include.market.yahoo_client import LONGEST_CLOSES_DAYS, Answer, RangeRefusedError, YahooClient
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_identity import expected_of, require_same
from include.market.yahoo_retry import Repeats, RetryPolicy, request_all

_OLD: Final = timedelta(minutes=15)
"""An answer that was made so long before ``as_of`` comes from a cache; another one is requested."""
_AHEAD: Final = timedelta(hours=12)
"""A split takes effect when a session opens. Prices of that morning are on the new scale already."""


@dataclass
class _Kept:
    """What is kept of responses that lead to another request: the closes of old ones, and who was requested."""

    repeats: Repeats = field(default_factory=Repeats)
    old: dict[str, ExtendedReport] = field(default_factory=dict)


def fetch_closes(
    client: YahooClient,
    gate: RateLimitGate,
    policy: RetryPolicy,
    executor: Executor,
    requests: Sequence[BarRequest],
    as_of: datetime,
) -> ExtendedReport:
    """The closes asked for that were known at ``as_of``, and a failure for each ticker that Yahoo did not serve.

    If every response of a ticker is from a cache, the closes are returned that were complete when it was made.
    """
    moment = require_utc(as_of, "as_of")
    kept = _Kept()
    asks = {request.profile.ticker: partial(_fetch_one, client, request, moment, kept) for request in requests}
    served, errors = request_all(asks, policy, gate, executor)
    old = {ticker: kept.old[ticker] for ticker in errors if ticker in kept.old}
    reports = [*served.values(), *old.values()]
    return ExtendedReport(
        closes=join_closes([report.closes for report in reports]),
        failures=tuple(_failure(ticker, error) for ticker, error in errors.items() if ticker not in old),
        splits=tuple(split for report in reports for split in report.splits),
    )


def _fetch_one(client: YahooClient, request: BarRequest, as_of: datetime, kept: _Kept) -> ExtendedReport:
    """One ticker's known closes and splits.

    Raises:
        BarsNotReadyError: the response is old; its closes are kept.
        DataContractError: the response describes another ticker.
    """
    profile = request.profile
    since = max(require_utc(request.since, "since"), as_of - timedelta(days=LONGEST_CLOSES_DAYS))
    if since >= as_of:
        return ExtendedReport(closes=join_closes([]), failures=())
    # A cache finds responses by address. After an old response the address differs by a second.
    start = since - timedelta(seconds=1) if profile.ticker in kept.old else since
    try:
        answer = kept.repeats.send(
            profile.ticker,
            lambda is_repeat: client.five_minutes(profile.ticker, start, as_of, is_repeat=is_repeat),
        )
    except RangeRefusedError:
        return ExtendedReport(closes=join_closes([]), failures=())
    for name, expected in expected_of(profile, answer).items():
        require_same(name, expected, answer, profile.ticker)
    known = known_closes(answer.rows, request, as_of)
    delay = timedelta(minutes=profile.feed_delay_minutes)
    report = ExtendedReport(
        closes=known.loc[_is_complete(known["closed_at"], answer, delay, as_of)].reset_index(drop=True),
        failures=(),
        splits=tuple(
            Split(profile.ticker, at, factor)
            for at, factor in answer.splits.items()
            if at <= as_of + _AHEAD and factor != 1
        ),
    )
    made_at = answer.times.made_at
    if made_at is not None and made_at < as_of - _OLD:
        kept.old[profile.ticker] = report
        message = f"{profile.ticker}: Yahoo's answer was made at {made_at:%Y-%m-%d %H:%M} UTC; a later one is newer."
        raise BarsNotReadyError(message)
    return report


def _is_complete(closed_at: pd.Series[Any], answer: Answer, delay: timedelta, as_of: datetime) -> pd.Series[Any]:
    """Whether each close was complete when the answer was made, by its date; without one, by what it shows."""
    if answer.times.made_at is not None:
        return closed_at + delay <= answer.times.made_at
    return answer.times.complete(closed_at, delay, as_of)


def _failure(ticker: str, error: HourcastError) -> TickerFailure:
    reason = str(error)
    named = reason if reason.startswith(f"{ticker}:") else f"{ticker}: {reason}"
    return TickerFailure(ticker=ticker, reason=named, is_retryable=isinstance(error, RetryableError))
