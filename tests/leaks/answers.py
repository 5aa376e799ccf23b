"""The check of Yahoo's answers: what was not complete when an answer was made changes; what is believed stays."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from include.contracts import PRICE_COLUMNS, BarRequest
from include.market import yahoo_age
from include.market.source import FetchReport
from include.market.yahoo import YahooSource
from include.market.yahoo_client import Answer
from include.market.yahoo_gate import RateLimitGate
from include.market.yahoo_retry import RetryPolicy
from include.settings import MarketSettings
from tests.leaks.compare import first_difference
from tests.leaks.material import HOUR, TICKERS, Future, profiles, true_bars

OTHERS = {"symbol": "OTHER", "currency": "XXX", "exchangeTimezoneName": "Asia/Kolkata"}
"""What an answer says that belongs to another ticker."""


@dataclass
class OneAnswer:
    """A client that gives the same answer to every request."""

    answer: Answer

    def remember_timezones(self, timezones: Mapping[str, str]) -> None:
        """Nothing to remember."""

    def hourly(self, ticker: str, since: datetime, until: datetime, *, is_repeat: bool = False) -> Answer:
        return self.answer


@dataclass(frozen=True)
class Moment:
    """An answer made at ``made_at`` and received at ``as_of``, minutes after a bar of the ticker has closed.

    It holds the bars that opened at or after ``since``.
    """

    ticker: str
    since: datetime
    made_at: datetime
    as_of: datetime

    def headers(self, kind: str) -> dict[str, str]:
        """Those of a cache that keeps the server's date, of one that writes its own, or none."""
        date = {"date kept": self.made_at, "date rewritten": self.as_of}.get(kind)
        if date is None:
            return {}
        age = int((self.as_of - self.made_at).total_seconds())
        return {"Date": format_datetime(date, usegmt=True), "Age": str(age)}

    def believed(self, bars: pd.DataFrame, headers: Mapping[str, str], **other: str) -> FetchReport:
        """What the source hands over of an answer with these bars; ``other`` is what it says of its ticker."""
        profile = profiles()[self.ticker]
        shown = bars.loc[(bars["opened_at"] >= self.since) & (bars["opened_at"] < self.made_at)]
        seconds = [int(at.timestamp()) for at in (*shown["opened_at"], self.made_at)]
        chart = {"meta": {"regularMarketTime": seconds[-1]}, "timestamp": seconds}
        described = {"symbol": self.ticker, "currency": profile.currency, "exchangeTimezoneName": profile.timezone}
        source = _source()
        source._client = OneAnswer(  # type: ignore[assignment]
            Answer(
                rows=shown[["opened_at", *PRICE_COLUMNS, "volume"]].reset_index(drop=True),
                metadata=described | other,
                splits={},
                dividends={},
                times=yahoo_age.times_of(headers, chart, self.as_of),
            )
        )
        return source.fetch_bars([BarRequest(profile, self.since)], self.as_of)


def check_answers(seed: int) -> str | None:
    """Bars that an answer shows before they are complete, and those of another ticker, change nothing believed."""
    random = np.random.default_rng([seed, 7])
    ticker = TICKERS[seed % len(TICKERS)]
    bars = true_bars(ticker).dropna(subset=list(PRICE_COLUMNS))
    row = int(random.integers(60, len(bars) - 1))
    since = bars["opened_at"].iloc[row - 40].to_pydatetime()
    opened, closed, due = (bars[name].iloc[row].to_pydatetime() for name in ("opened_at", "closed_at", "told_at"))
    as_of = due + timedelta(seconds=int(random.integers(1, 1500)))
    made_at = closed + (due - closed) * float(random.uniform(0.0, 0.9))
    if random.random() < 0.5:
        made_at = opened + (closed - opened) * float(random.uniform(0.1, 0.95))
    old, fresh = Moment(ticker, since, made_at, as_of), Moment(ticker, since, as_of, as_of)
    for kind in ("date kept", "date rewritten", "no headers"):
        limit = "closed_at" if kind == "no headers" else "told_at"
        bent = Future(seed, made_at).bend_where(bars, (bars[limit] > made_at).to_numpy())
        found = _differs(f"{kind}: bar", old, bars, bent, old.headers(kind))
        if found:
            return found
    name = list(OTHERS)[seed % len(OTHERS)]
    bent = Future(seed, as_of - 8 * HOUR).bend(bars)
    return _differs(f"other {name}: bar", fresh, bars, bent, fresh.headers("date kept"), **{name: OTHERS[name]})


def _differs(
    what: str, moment: Moment, bars: pd.DataFrame, bent: pd.DataFrame, headers: Mapping[str, str], **other: str
) -> str | None:
    return first_difference(what, *(moment.believed(own, headers, **other).bars for own in (bars, bent)))


@cache
def _source() -> YahooSource:
    settings = MarketSettings(cache_dir=Path(tempfile.gettempdir()))
    policy = RetryPolicy(tries=1, attempts=1, pause_seconds=0.0)
    return YahooSource(settings, pace=lambda: 0.0, policy=policy, gate=RateLimitGate())
