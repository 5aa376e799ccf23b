"""The protocol of bar sources, and the form in which every source returns its bars.

A source returns bars or a failure for each ticker; a bad ticker is never an exception. It returns no bar that was not
known at ``as_of``. It does not check prices: ``quality.py`` does. Where next: ``sources.py`` opens the sources.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from include.contracts import (
    BAR_COLUMNS,
    PRICE_COLUMNS,
    TICKER_PATTERN,
    BarRequest,
    Dividend,
    Split,
    TickerFailure,
    TickerProfile,
)
from include.earnings import EarningsDate
from include.errors import InvalidRequestError
from include.market.sessions import closed_at_of

YAHOO: Final = "yahoo"
FILES: Final = "files"
SIMULATED: Final = "simulated"
SOURCE_NAMES: Final = (YAHOO, FILES, SIMULATED)
SIMULATED_SUFFIX: Final = ".SIM"

_TICKER: Final = re.compile(TICKER_PATTERN)


@dataclass(frozen=True)
class FetchReport:
    """A source's response: the bars of the tickers that it served, and a failure for each of the others.

    ``splits`` and ``dividends`` are those of the requested time; a source without such data gives none. ``refused``
    are the bars of responses that describe another ticker, with a column ``reason``. ``made_at`` has the tickers whose
    responses were old and stayed so, with the instant (UTC) at which the newest of them was made. ``currencies`` has
    the tickers whose response names another unit of their currency: pounds in place of pence.
    """

    bars: pd.DataFrame
    failures: tuple[TickerFailure, ...]
    splits: tuple[Split, ...] = ()
    dividends: tuple[Dividend, ...] = ()
    refused: pd.DataFrame = field(default_factory=pd.DataFrame)
    made_at: Mapping[str, datetime] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExtendedReport:
    """A source's 5-minute closes: those of regular and of extended hours, and a failure for each ticker without.

    ``closes``: ticker, opened_at, closed_at (UTC) and close, as served and in order; a row stands on no other grid than
    that of five minutes. ``splits``: as in ``FetchReport``.
    """

    closes: pd.DataFrame
    failures: tuple[TickerFailure, ...]
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True)
class EarningsReport:
    """What a source says of companies' reports: past ones and those to come, and a failure for each ticker without.

    A ticker that the source answered for is in ``answered``, also if it names no day: then no report is expected.
    ``without_reports`` are those of them that never report. ``made_at`` has the tickers whose responses say when they
    were made (UTC). ``past_of`` are the tickers whose past reports are included.
    """

    dates: tuple[EarningsDate, ...]
    answered: frozenset[str]
    failures: tuple[TickerFailure, ...] = ()
    without_reports: frozenset[str] = frozenset()
    made_at: Mapping[str, datetime] = field(default_factory=dict)
    past_of: frozenset[str] = frozenset()


class BarSource(Protocol):
    """A source of bars. A tracked ticker has exactly one source, which is never exchanged for another."""

    @property
    def name(self) -> str:
        """One of SOURCE_NAMES, stored with every ticker and forecast."""

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        """The profiles of the tickers that the source knows, and a failure for each of the others.

        The failure is retryable if the source is down, and not retryable if the source does not know the ticker.
        """

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        """The bars that open at or after each request's ``since`` and were known at ``as_of``.

        Known means: closed_at + feed delay <= as_of. A problem with a ticker is a failure, not an exception.
        """


@runtime_checkable
class ExtendedSource(Protocol):
    """A source that has 5-minute closes of extended hours; the others are blind at night."""

    def fetch_extended(self, requests: Sequence[BarRequest], as_of: datetime) -> ExtendedReport:
        """The 5-minute closes that open at or after each request's ``since`` and were known at ``as_of``.

        Known means: closed_at + feed delay <= as_of. A problem with a ticker is a failure, not an exception.
        """


@runtime_checkable
class EarningsSource(Protocol):
    """A source that names the days of companies' reports; for tickers of the others no report is expected."""

    @property
    def is_earnings_costly(self) -> bool:
        """Whether each ticker costs a request, so that one a day is enough."""

    def fetch_earnings(
        self, profiles: Sequence[TickerProfile], as_of: datetime, with_past: Collection[str] = ()
    ) -> EarningsReport:
        """The reports that the source names at ``as_of``; of the tickers in ``with_past`` the past ones too.

        A source may know when each day became known, and then also names those that become known later. A problem with
        a ticker is a failure, not an exception.
        """


def normalise_ticker(text: str) -> str:
    """The text as a ticker: trimmed and in capitals.

    Raises:
        InvalidRequestError: the text cannot be a ticker.
    """
    ticker = text.strip().upper()
    if not text.isascii() or not _TICKER.fullmatch(ticker):  # the capital of "ß" is "SS", another ticker
        message = (
            f"{text!r} cannot be a ticker: write at most 24 letters, digits, '.', '-', '=' or '&', "
            "as Yahoo spells it (AAPL, ^GSPC, 2330.TW, BTC-USD, EURUSD=X)."
        )
        raise InvalidRequestError(message)
    return ticker


def source_of(ticker: str, requested: str | None) -> str:
    """The name of a ticker's source: simulated for .SIM, else the requested one, else Yahoo.

    Raises:
        InvalidRequestError: there is no such source, or it cannot have this ticker.
    """
    if requested and requested not in SOURCE_NAMES:
        message = f"{requested!r} is not a source; choose one of {', '.join(SOURCE_NAMES)}."
        raise InvalidRequestError(message)
    is_simulated = ticker.endswith(SIMULATED_SUFFIX)
    if requested and is_simulated != (requested == SIMULATED):
        message = f"{ticker}: the source {requested!r} cannot have it; {SIMULATED} has exactly the tickers in .SIM."
        raise InvalidRequestError(message)
    return SIMULATED if is_simulated else requested or YAHOO


def make_bars(ticker: str, calendar: str, raw: pd.DataFrame) -> pd.DataFrame:
    """One ticker's BarFrame from raw rows (opened_at in UTC, open, high, low, close, volume), ordered by time.

    ``closed_at`` comes from the calendar. A row that is not on the calendar's grid gets a full hour; the quality checks
    reject it later. A volume that is not a positive number is unknown and becomes NaN: sources write 0 for it.
    """
    bars = raw.sort_values("opened_at", kind="stable", ignore_index=True)
    opened_at = pd.to_datetime(bars["opened_at"], utc=True).dt.as_unit("us")
    volume = bars["volume"].astype("float64")
    columns = {
        "ticker": pd.Series(ticker, index=bars.index, dtype="str"),
        "opened_at": opened_at,
        "closed_at": closed_at_of(opened_at, calendar).fillna(opened_at + pd.Timedelta(hours=1)),
        **{name: bars[name].astype("float64") for name in PRICE_COLUMNS},
        "volume": volume.where((volume > 0) & np.isfinite(volume)),
    }
    return pd.DataFrame(columns)[list(BAR_COLUMNS)]


def join_bars(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The BarFrames of several tickers as one, ordered by ticker and time."""
    filled = [part for part in parts if not part.empty]
    if not filled:
        return _no_bars()
    return pd.concat(filled, ignore_index=True).sort_values(["ticker", "opened_at"], kind="stable", ignore_index=True)


def known_bars(bars: pd.DataFrame, request: BarRequest, as_of: datetime) -> pd.DataFrame:
    """Those of one ticker's bars that were requested and were known at ``as_of``."""
    delay = pd.Timedelta(minutes=request.profile.feed_delay_minutes)
    is_wanted = (bars["opened_at"] >= request.since) & (bars["closed_at"] + delay <= as_of)
    return bars.loc[is_wanted].reset_index(drop=True)


def _no_bars() -> pd.DataFrame:
    times = pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
    columns: dict[str, object] = {"ticker": pd.Series([], dtype="str"), "opened_at": times, "closed_at": times}
    columns.update({name: pd.Series([], dtype="float64") for name in (*PRICE_COLUMNS, "volume")})
    return pd.DataFrame(columns)
