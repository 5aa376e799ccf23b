"""Two tickers' true bars, a source that shows more than it should, and futures to bend them with.

Everything true is computed once, before any leak is planted: a leak in the product cannot bend the yardstick.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from include.contracts import PRICE_COLUMNS, BarRequest, Dividend, TickerFailure, TickerProfile
from include.market import source
from include.market.simulated import SimulatedSource
from include.market.source import FetchReport

ONBOARDED_AT = datetime.fromisoformat("2025-03-31T15:35:00+00:00")
"""A Monday, 11:35 in New York, three weeks after its clocks went forward."""
HOUR = timedelta(hours=1)
TICKERS = ("NOVA-USD.SIM", "ALFA.SIM")
LATER_TICKER = "LATER-USD.SIM"
"""One that is onboarded only in the future."""
HISTORY_DAYS = {"NOVA-USD.SIM": 20, "ALFA.SIM": 90, LATER_TICKER: 20}
SPLIT = 4.0
SHOWN_AHEAD = timedelta(hours=30)
"""How much of the future the source shows; Yahoo shows the bar in progress."""


@cache
def profiles() -> dict[str, TickerProfile]:
    found, _ = SimulatedSource().describe([*TICKERS, LATER_TICKER], ONBOARDED_AT)
    return found


@cache
def true_bars(ticker: str) -> pd.DataFrame:
    """The ticker's bars, its history and a week beyond, with the instant ``told_at`` at which each can be known."""
    profile = profiles()[ticker]
    since = ONBOARDED_AT - timedelta(days=HISTORY_DAYS[ticker])
    until = ONBOARDED_AT + timedelta(days=7)
    bars = SimulatedSource().fetch_bars([BarRequest(profile, since)], until).bars
    return bars.assign(told_at=bars["closed_at"] + timedelta(minutes=profile.feed_delay_minutes))


def paid(ticker: str, place: int) -> Dividend:
    """A dividend; the first bar without it is counted from the first one after the onboarding."""
    bar = true_bars(ticker).iloc[int((true_bars(ticker)["told_at"] <= ONBOARDED_AT).sum()) + place]
    return Dividend(ticker, bar["opened_at"].to_pydatetime(), 0.02 * bar["open"])


@dataclass(frozen=True)
class Future:
    """What may become of the bars that nobody can know at ``cut``: the same for the same seed."""

    seed: int
    cut: datetime
    has_split: bool = False

    def random(self, what: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one draw does not move another."""
        return np.random.default_rng([self.seed, zlib.crc32(what.encode())])

    def bend(self, bars: pd.DataFrame) -> pd.DataFrame:
        """The bars with everything later than ``cut`` changed: moved, their volume lost or grown, gone, or rubbish."""
        return self.bend_where(bars, (bars["told_at"] > self.cut).to_numpy())

    def bend_where(self, bars: pd.DataFrame, is_late: np.ndarray) -> pd.DataFrame:
        """The bars with those changed that are marked."""
        random = self.random(f"bars {bars['ticker'].iloc[0]}")
        count = len(bars)
        level, jag = np.cumsum(random.normal(0.0, 0.002, count)), random.normal(0.001, 0.004, count)
        bent = bars.copy()
        factor = np.where(is_late, np.exp(level + jag), 1.0)
        for name in PRICE_COLUMNS:
            bent[name] = bent[name].to_numpy() * factor
        luck = random.random(count)
        bent["volume"] = np.where(is_late, np.where(luck < 0.3, np.nan, bars["volume"] * 2.0 + 7.0), bars["volume"])
        is_rubbish = is_late & (luck > 0.9)
        bent.loc[is_rubbish, "high"] = np.where(luck > 0.95, np.nan, 1e-3)[is_rubbish]
        is_gone = is_late & (random.random(count) < 0.15)
        return bent.loc[~is_gone].reset_index(drop=True)

    def revise(self, bars: pd.DataFrame) -> pd.DataFrame:
        """The bars as a source shows them later: all on a new scale after a split, or some recent ones corrected."""
        if self.has_split:
            scaled = {name: bars[name] / SPLIT for name in PRICE_COLUMNS}
            return bars.assign(**scaled, volume=bars["volume"] * SPLIT)
        random = self.random(f"revisions {bars['ticker'].iloc[0]}")
        is_recent = ((bars["told_at"] <= self.cut) & (bars["told_at"] > self.cut - timedelta(days=4))).to_numpy()
        chosen = is_recent & (random.random(len(bars)) < 0.3)
        chosen |= is_recent & (np.arange(len(bars)) == np.flatnonzero(is_recent)[-1])
        factor = np.where(chosen, np.exp(random.normal(0.001, 0.004, len(bars))), 1.0)
        return bars.assign(**{name: bars[name] * factor for name in PRICE_COLUMNS})


class ShowingSource:
    """The simulated market without its honesty: it shows the bar in progress and bars beyond, and corrects old ones.

    Without a future, what it shows is the truth. With one, later bars are bent; calls as of an instant after the cut
    also find old bars revised.
    """

    name = "simulated"

    def __init__(self, future: Future | None = None) -> None:
        self.future = future

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        return SimulatedSource().describe(tickers, as_of)

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        parts = [self._shown(request, as_of) for request in requests]
        dividends = [item for request in requests for item in self._told(request.profile.ticker, as_of)]
        return FetchReport(bars=source.join_bars(parts), failures=(), dividends=tuple(dividends))

    def _told(self, ticker: str, as_of: datetime) -> list[Dividend]:
        """Dividends of the day: one of its past, one that the first hour tells, and one that only the future tells."""
        told = [paid(ticker, -3), *([paid(ticker, 0)] if as_of > ONBOARDED_AT else [])]
        if self.future is None or as_of <= self.future.cut:
            return told
        scale = SPLIT if self.future.has_split else 1.0
        return [replace(item, amount=item.amount / scale) for item in (*told, paid(ticker, 1))]

    def _shown(self, request: BarRequest, as_of: datetime) -> pd.DataFrame:
        ticker = request.profile.ticker
        bars = true_bars(ticker)
        if self.future is not None:
            bars = self.future.bend(bars)
            bars = self.future.revise(bars) if as_of > self.future.cut else bars
        is_shown = (bars["opened_at"] >= request.since) & (bars["opened_at"] < as_of + SHOWN_AHEAD)
        raw = bars.loc[is_shown, ["opened_at", *PRICE_COLUMNS, "volume"]]
        return source.make_bars(ticker, request.profile.calendar, raw.fillna({"volume": 0.0}))
