"""A bar source for tests: the simulated market, with faults and events that a test switches on ticker by ticker."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from include.contracts import PRICE_COLUMNS, BarRequest, Dividend, Split, TickerFailure, TickerProfile
from include.market.simulated import SimulatedSource
from include.market.source import FetchReport


def write_simulated_bars(folder: Path, names: Mapping[str, str], since: datetime, until: datetime) -> None:
    """A folder of Parquet files as research reads it: bars of simulated tickers, each under the name given for it."""
    source = SimulatedSource()
    profiles, _ = source.describe(list(names), until)
    for ticker, name in names.items():
        bars = source.fetch_bars([BarRequest(profiles[ticker], since)], until).bars.rename(columns={"opened_at": "ts"})
        bars[["ts", "open", "high", "low", "close", "volume"]].to_parquet(folder / f"{name}.parquet")


class FaultySource:
    """Answers like the simulated market, except for the tickers named in the attributes below.

    ``down``: cannot be reached. ``unknown``: the source has never heard of it. ``late``: bars that close after the
    given instant are not there yet. ``missing``: the bars that closed at these instants are not there, though later
    ones are. ``edits``: the close of the bar that closed at the given instant is another one. ``splits``: from an
    instant on every bar, old and new, is on another scale; ``is_announcing`` says whether the source names them.
    ``dividends`` are only named. ``steps``: bars that open from an instant on are on another scale, older ones are
    not. ``stretched``: the bar that closed at the given instant has so many times the range and the volume.
    ``currencies``: what responses name as the currency.
    """

    name = "simulated"

    def __init__(self) -> None:
        self._market = SimulatedSource()
        self.down: set[str] = set()
        self.unknown: set[str] = set()
        self.late: dict[str, datetime] = {}
        self.missing: dict[str, set[datetime]] = {}
        self.edits: dict[tuple[str, datetime], float] = {}
        self.splits: list[Split] = []
        self.is_announcing = True
        self.steps: list[Split] = []
        self.currencies: dict[str, str] = {}
        self.stretched: dict[tuple[str, datetime], float] = {}
        self.dividends: list[Dividend] = []
        self.asked: list[str] = []
        self.requests: list[BarRequest] = []

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        failures = self._failures(tickers)
        failed = {failure.ticker for failure in failures}
        profiles, more = self._market.describe([ticker for ticker in tickers if ticker not in failed], as_of)
        return profiles, [*failures, *more]

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        self.asked += [request.profile.ticker for request in requests]
        self.requests = list(requests)
        failures = self._failures([request.profile.ticker for request in requests])
        failed = {failure.ticker for failure in failures}
        report = self._market.fetch_bars([r for r in requests if r.profile.ticker not in failed], as_of)
        splits = [split for split in self.splits if split.effective_at <= as_of]
        return FetchReport(
            bars=self._spoil(report.bars, splits),
            failures=(*failures, *report.failures),
            splits=tuple(splits) if self.is_announcing else (),
            dividends=tuple(self.dividends),
            currencies=self.currencies,
        )

    def _failures(self, tickers: Sequence[str]) -> list[TickerFailure]:
        down = [TickerFailure(t, "the source cannot be reached", is_retryable=True) for t in tickers if t in self.down]
        gone = [TickerFailure(t, "no such ticker", is_retryable=False) for t in tickers if t in self.unknown]
        return [*down, *gone]

    def _spoil(self, bars: pd.DataFrame, splits: Sequence[Split]) -> pd.DataFrame:
        kept = bars.copy()
        for ticker, until in self.late.items():
            kept = kept[(kept["ticker"] != ticker) | (kept["closed_at"] <= until)]
        for ticker, instants in self.missing.items():
            kept = kept[(kept["ticker"] != ticker) | ~kept["closed_at"].isin(instants)]
        for split in splits:
            own = kept["ticker"] == split.ticker
            kept.loc[own, list(PRICE_COLUMNS)] /= split.factor
            kept.loc[own, "volume"] *= split.factor
        for step in self.steps:
            later = (kept["ticker"] == step.ticker) & (kept["opened_at"] >= step.effective_at)
            kept.loc[later, list(PRICE_COLUMNS)] /= step.factor
            kept.loc[later, "volume"] *= step.volume_factor
        for (ticker, closed_at), stretch in self.stretched.items():
            hit = (kept["ticker"] == ticker) & (kept["closed_at"] == closed_at)
            middle = np.sqrt(kept.loc[hit, "high"] * kept.loc[hit, "low"])
            for column in ("high", "low"):
                kept.loc[hit, column] = middle * (kept.loc[hit, column] / middle) ** stretch
            kept.loc[hit, "volume"] *= stretch
        for (ticker, closed_at), factor in self.edits.items():
            hit = (kept["ticker"] == ticker) & (kept["closed_at"] == closed_at)
            for column in ("open", "high", "low", "close"):
                kept.loc[hit, column] *= factor
        return kept.reset_index(drop=True)
