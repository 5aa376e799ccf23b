"""Where the emulator's numbers come from: frames, a folder of Parquet files, or prices invented from a name."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import InvalidRequestError
from include.market.sessions import bar_grid, calendar_of, closed_at_of
from tests.yahoo.exchanges import exchange_of

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Event:
    """A dividend (``amount`` a share) or a split (``amount`` new shares for one old), from second ``at`` on."""

    at: int
    amount: float


@dataclass(frozen=True)
class Listing:
    """One ticker's whole truth, prices as traded: bars with opened and closed in seconds, and its events."""

    opened: npt.NDArray[np.int64]
    closed: npt.NDArray[np.int64]
    prices: npt.NDArray[np.float64]  # [n, 4] in the order of PRICES
    volume: npt.NDArray[np.float64]
    splits: tuple[Event, ...] = field(default=())
    dividends: tuple[Event, ...] = field(default=())


Provider = Callable[[str], Listing | None]
"""Tells a ticker's listing, None when there is no such ticker. Called from many threads."""


def listing_of(bars: pd.DataFrame) -> Listing:
    """The listing whose bars are the rows of a BarFrame."""
    return Listing(
        opened=_seconds(bars["opened_at"]),
        closed=_seconds(bars["closed_at"]),
        prices=bars[list(PRICES)].to_numpy(dtype=np.float64),
        volume=bars["volume"].to_numpy(dtype=np.float64),
    )


def frames(bars: Mapping[str, pd.DataFrame]) -> Provider:
    """A provider that knows the tickers of the given BarFrames."""
    listings = {ticker: listing_of(frame) for ticker, frame in bars.items()}
    return listings.get


def folder(path: Path) -> Provider:
    """A provider of ``TICKER.parquet`` files: column ``ts`` (UTC, the bar's open), open, high, low, close, volume."""

    @cache
    def read(ticker: str) -> Listing | None:
        name = ticker.replace("^", "IDX_").replace("=", "_")
        file = path / f"{name}.parquet"
        if not file.is_file():
            return None
        rows = pd.read_parquet(file)
        rows["opened_at"] = pd.to_datetime(rows["ts"], utc=True)
        rows["closed_at"] = closed_at_of(rows["opened_at"], calendar_of(ticker))
        return listing_of(rows.dropna(subset=["closed_at"]))

    return read


def invented(since: datetime, until: datetime, tickers: frozenset[str] | None = None) -> Provider:
    """A provider whose prices follow from a ticker's name: any ticker with known hours, or only the given ones."""

    @cache
    def make(ticker: str) -> Listing | None:
        if tickers is not None and ticker not in tickers:
            return None
        try:
            return listing_of(invented_bars(ticker, since, until))
        except InvalidRequestError:
            return None

    return make


def invented_bars(ticker: str, since: datetime, until: datetime) -> pd.DataFrame:
    """A BarFrame of one ticker on the grid that Yahoo has for it; a later ``until`` adds bars and changes none."""
    calendar = exchange_of(ticker).calendar or calendar_of(ticker)
    grid = bar_grid(calendar, since.astimezone(UTC), until.astimezone(UTC))
    level, steps, above, below, amounts = (
        np.random.default_rng((zlib.crc32(ticker.encode()), purpose)) for purpose in range(5)
    )
    close = np.round(level.uniform(20, 400) * np.exp(np.cumsum(steps.normal(0.0, 0.004, size=len(grid)))), 4)
    opened = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(above.normal(0.0, 0.002, size=len(grid))))
    low = np.minimum(opened, close) * (1 - np.abs(below.normal(0.0, 0.002, size=len(grid))))
    volume = np.floor(amounts.uniform(1e4, 1e6, size=len(grid)))
    return pd.DataFrame(
        {
            "ticker": ticker,
            "opened_at": grid["opened_at"],
            "closed_at": grid["closed_at"],
            "open": opened,
            "high": np.round(high, 4),
            "low": np.round(low, 4),
            "close": close,
            "volume": np.nan if ticker.endswith("=X") else volume,
        }
    )


def with_events(listing: Listing, splits: tuple[Event, ...] = (), dividends: tuple[Event, ...] = ()) -> Listing:
    """The same listing with events added."""
    return replace(listing, splits=(*listing.splits, *splits), dividends=(*listing.dividends, *dividends))


def moved_to_close(listing: Listing, slot_count: int) -> Listing:
    """The same listing with the last bar of sessions of so many bars opened at its close, as on Yahoo's half days."""
    is_last = np.append(listing.opened[1:] > listing.closed[:-1], True)
    sizes = np.diff(np.append(-1, np.flatnonzero(is_last)))
    moved = np.flatnonzero(is_last)[sizes == slot_count]
    opened = listing.opened.copy()
    opened[moved] = listing.closed[moved]
    return replace(listing, opened=opened)


def _seconds(times: pd.Series) -> npt.NDArray[np.int64]:
    return pd.DatetimeIndex(times).as_unit("s").asi8
