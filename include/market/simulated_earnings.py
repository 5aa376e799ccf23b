"""The days on which the companies of the simulated market report: four times a year, the same in every process.

A report does not move the company's prices: the bars are those of a market without reports, byte for byte, since what
was stored and forecast from them must stay. So simulated reports show how dates are handled, not what they are worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from include.contracts import TickerProfile, require_utc
from include.earnings import EarningsDate, ReportTiming
from include.market.grid import NEW_YORK
from include.market.source import SIMULATED, EarningsReport

KNOWN_BEFORE: Final = timedelta(days=21)
"""How long before its day a report is known."""

_YEARS_BACK: Final = 3
_SEASON_DAYS: Final = 28  # from the middle of January, April, July and October on
_AFTER_CLOSE: Final = 0.6  # share of companies


def simulated_reports(profiles: Sequence[TickerProfile], as_of: datetime) -> EarningsReport:
    """The reports of three years before ``as_of`` (UTC) to the end of the next year; crypto has none.

    Days that become known after ``as_of`` are among them: each has its ``known_at``.
    """
    year = require_utc(as_of, "as_of").year
    years = range(year - _YEARS_BACK, year + 2)
    companies = frozenset(profile.ticker for profile in profiles if profile.calendar == NEW_YORK)
    tickers = frozenset(profile.ticker for profile in profiles)
    dates = tuple(item for ticker in sorted(companies) for item in _reports(ticker, years))
    return EarningsReport(dates, tickers, without_reports=tickers - companies, past_of=tickers)


def _reports(ticker: str, years: Collection[int]) -> Iterator[EarningsDate]:
    is_after_close = _share(f"{ticker} side") < _AFTER_CLOSE
    timing = ReportTiming.AFTER_CLOSE if is_after_close else ReportTiming.BEFORE_OPEN
    for year in years:
        for month in (1, 4, 7, 10):
            day = date(year, month, 15) + timedelta(days=int(_SEASON_DAYS * _share(f"{ticker} {year} {month}")))
            day -= timedelta(days=max(0, day.weekday() - 3))  # from Friday to Sunday: on Thursday
            known_at = datetime.combine(day - KNOWN_BEFORE, time(0), UTC)
            yield EarningsDate(ticker, day, timing, is_confirmed=True, source=SIMULATED, known_at=known_at)


def _share(text: str) -> float:
    """A number from 0 to below 1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48
