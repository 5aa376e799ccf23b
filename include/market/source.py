"""What a bar source is, and the form in which every source hands over its bars.

A source answers for tickers one by one: a bad ticker is a failure value beside its neighbours' bars, never an
exception. It hands over no bar that was not known at ``as_of``, but it does not judge prices: that is
``quality.py``'s part. Where next: ``sources.py`` opens those that exist.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np
import pandas as pd

from include.contracts import (
    BAR_COLUMNS,
    PRICE_COLUMNS,
    BarRequest,
    Dividend,
    Split,
    TickerFailure,
    TickerProfile,
)
from include.errors import InvalidRequestError
from include.market.sessions import closed_at_of

YAHOO: Final = "yahoo"
FILES: Final = "files"
SIMULATED: Final = "simulated"
SOURCE_NAMES: Final = (YAHOO, FILES, SIMULATED)
SIMULATED_SUFFIX: Final = ".SIM"

_TICKER: Final = re.compile(r"\^?[A-Z0-9][A-Z0-9.&=-]{0,23}")


@dataclass(frozen=True)
class FetchReport:
    """What a source gave: a BarFrame of every ticker that went well, and why the others did not.

    ``splits`` and ``dividends``: what it said of them over the time asked for; a source that knows of none gives none.
    """

    bars: pd.DataFrame
    failures: tuple[TickerFailure, ...]
    splits: tuple[Split, ...] = ()
    dividends: tuple[Dividend, ...] = ()


class BarSource(Protocol):
    """Where bars come from. A tracked ticker has exactly one source, and it is never swapped."""

    @property
    def name(self) -> str:
        """One of SOURCE_NAMES, stored with every ticker and forecast."""

    def describe(self, tickers: Sequence[str], as_of: datetime) -> tuple[dict[str, TickerProfile], list[TickerFailure]]:
        """The profiles of the tickers that the source knows, and why it has none of the others.

        A ticker that the source does not know is a failure that is not retryable; a source that is down, one that is.
        """

    def fetch_bars(self, requests: Sequence[BarRequest], as_of: datetime) -> FetchReport:
        """The bars that open at or after each request's ``since`` and were known at ``as_of``.

        Known means closed_at + feed delay <= as_of. Never raises because of a ticker.
        """


def normalise_ticker(text: str) -> str:
    """The ticker a person meant: trimmed and in capitals.

    Raises:
        InvalidRequestError: the text cannot be a ticker.
    """
    ticker = text.strip().upper()
    if not _TICKER.fullmatch(ticker):
        message = (
            f"{text!r} cannot be a ticker: write at most 24 letters, digits, '.', '-', '=' or '&', "
            "as Yahoo spells it (AAPL, ^GSPC, 2330.TW, BTC-USD, EURUSD=X)."
        )
        raise InvalidRequestError(message)
    return ticker


def source_of(ticker: str, requested: str | None) -> str:
    """The name of the one source a ticker belongs to: simulated for .SIM, else what was requested, else Yahoo.

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

    ``closed_at`` comes from the calendar. A row off its grid gets a full hour, so that the quality gate can name it.
    A volume that is not a positive number means unknown and becomes NaN: sources write 0 for it.
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
    """Those of one ticker's bars that were asked for and were known at ``as_of``."""
    delay = pd.Timedelta(minutes=request.profile.feed_delay_minutes)
    is_wanted = (bars["opened_at"] >= request.since) & (bars["closed_at"] + delay <= as_of)
    return bars.loc[is_wanted].reset_index(drop=True)


def _no_bars() -> pd.DataFrame:
    times = pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
    columns: dict[str, object] = {"ticker": pd.Series([], dtype="str"), "opened_at": times, "closed_at": times}
    columns.update({name: pd.Series([], dtype="float64") for name in (*PRICE_COLUMNS, "volume")})
    return pd.DataFrame(columns)
