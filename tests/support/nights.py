"""A bar source for tests with extended hours: the simulated market with faults that a test switches on."""

from collections.abc import Sequence
from datetime import datetime

from include.contracts import BarRequest, TickerFailure
from include.market.source import ExtendedReport
from tests.support.market import FaultySource


class NightMarket(FaultySource):
    """Answers like ``FaultySource``, and has the simulated market's 5-minute closes.

    ``asleep``: the closes cannot be had, for the tickers with the given reason. ``quiet``: tickers without any close.
    ``prints``: the close at the given instant is multiplied. ``asked_at_night``: every ticker asked for, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asleep: dict[str, str] = {}
        self.quiet: set[str] = set()
        self.prints: dict[tuple[str, datetime], float] = {}
        self.asked_at_night: list[str] = []

    def fetch_extended(self, requests: Sequence[BarRequest], as_of: datetime) -> ExtendedReport:
        self.asked_at_night += [request.profile.ticker for request in requests]
        report = self._market.fetch_extended([r for r in requests if r.profile.ticker not in self.asleep], as_of)
        failures = [TickerFailure(t, why, is_retryable=True) for t, why in self.asleep.items()]
        closes = report.closes[~report.closes["ticker"].isin(self.quiet)].copy()
        for (ticker, closed_at), factor in self.prints.items():
            is_meant = (closes["ticker"] == ticker) & (closes["closed_at"] == closed_at)
            closes.loc[is_meant, "close"] *= factor
        return ExtendedReport(closes, (*failures, *report.failures), report.splits)
