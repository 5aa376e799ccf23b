"""A bar source for tests: the simulated market, with faults and events that a test switches on ticker by ticker."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from include.contracts import BarRequest, TickerFailure, TickerProfile
from include.market.simulated import SimulatedSource
from include.market.source import FetchReport


class FaultySource:
    """Answers like the simulated market, except for the tickers named in the attributes below.

    ``down``: cannot be reached. ``unknown``: the source has never heard of it. ``late``: bars that close after the
    given instant are not there yet. ``missing``: the bars that closed at these instants are not there, though later
    ones are. ``edits``: the close of the bar that closed at the given instant is another one.
    """

    name = "simulated"

    def __init__(self) -> None:
        self._market = SimulatedSource()
        self.down: set[str] = set()
        self.unknown: set[str] = set()
        self.late: dict[str, datetime] = {}
        self.missing: dict[str, set[datetime]] = {}
        self.edits: dict[tuple[str, datetime], float] = {}
        self.asked: list[str] = []

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        failures = self._failures(tickers)
        failed = {failure.ticker for failure in failures}
        profiles, more = self._market.describe([ticker for ticker in tickers if ticker not in failed], as_of)
        return profiles, [*failures, *more]

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        self.asked += [request.profile.ticker for request in requests]
        failures = self._failures([request.profile.ticker for request in requests])
        failed = {failure.ticker for failure in failures}
        report = self._market.fetch_bars([r for r in requests if r.profile.ticker not in failed], as_of)
        return FetchReport(bars=self._spoil(report.bars), failures=(*failures, *report.failures))

    def _failures(self, tickers: Sequence[str]) -> list[TickerFailure]:
        down = [TickerFailure(t, "the source cannot be reached", is_retryable=True) for t in tickers if t in self.down]
        gone = [TickerFailure(t, "no such ticker", is_retryable=False) for t in tickers if t in self.unknown]
        return [*down, *gone]

    def _spoil(self, bars: pd.DataFrame) -> pd.DataFrame:
        kept = bars.copy()
        for ticker, until in self.late.items():
            kept = kept[(kept["ticker"] != ticker) | (kept["closed_at"] <= until)]
        for ticker, instants in self.missing.items():
            kept = kept[(kept["ticker"] != ticker) | ~kept["closed_at"].isin(instants)]
        for (ticker, closed_at), factor in self.edits.items():
            hit = (kept["ticker"] == ticker) & (kept["closed_at"] == closed_at)
            for column in ("open", "high", "low", "close"):
                kept.loc[hit, column] *= factor
        return kept.reset_index(drop=True)
