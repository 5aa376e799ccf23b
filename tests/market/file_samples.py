"""Bars written in the ways in which people have them, and how the tests read them back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.errors import DataContractError
from include.market.file_bars import FileBars, read_bars
from include.market.sessions import bar_grid

START = datetime(2025, 2, 3, tzinfo=UTC)  # clocks change on 9 March in New York and on 30 March in London
END = datetime(2025, 5, 3, tzinfo=UTC)


def canonical(calendar: str = "XNYS") -> pd.DataFrame:
    """Bars in the project's own layout over all of a calendar's bars from START to END."""
    opened_at = bar_grid(calendar, START, END)["opened_at"]
    close = 1234.5 + np.sin(np.arange(len(opened_at)) / 7.0).round(4) * 300
    volume = 1_000_000.0 + np.arange(len(opened_at))
    return pd.DataFrame(
        {"ts": opened_at, "open": close - 0.25, "high": close + 1, "low": close - 1, "close": close, "volume": volume}
    )


def history(rows: pd.DataFrame, zone: str = "America/New_York") -> pd.DataFrame:
    """The same bars as yfinance's ``Ticker.history`` gives them."""
    frame = rows.drop(columns="ts").rename(columns=str.capitalize).assign(Dividends=0.0)
    frame["Stock Splits"] = 0.0
    return frame.set_index(pd.DatetimeIndex(rows["ts"], name="Datetime").tz_convert(zone))


def download(parts: dict[str, pd.DataFrame], group_by: str = "column") -> pd.DataFrame:
    """Several tickers' bars as yfinance's ``download`` gives them."""
    frame = pd.concat(parts, axis=1, names=["Ticker", "Price"], sort=True)
    return frame if group_by == "ticker" else frame.swaplevel(axis=1).sort_index(axis=1)


def clock_times(rows: pd.DataFrame, zone: str, form: str = "%Y-%m-%d %H:%M:%S", name: str = "Date") -> pd.DataFrame:
    """The same bars with their times as a zone's clocks show them, without the zone."""
    times = rows["ts"].dt.tz_convert(zone).dt.strftime(form)
    return rows.assign(ts=times).rename(columns={"ts": name})


def write(folder: Path, content: str | bytes | pd.DataFrame, ticker: str = "AAPL") -> Path:
    """The path of a new file: Parquet of a frame, else CSV."""
    path = folder / f"{ticker}.{'parquet' if isinstance(content, pd.DataFrame) else 'csv'}"
    if isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes | pd.DataFrame, ticker: str = "AAPL") -> FileBars:
    """The file's bars, ordered by time."""
    bars = read_bars(write(folder, content, ticker), ticker)
    return FileBars(bars.rows.sort_values("opened_at", ignore_index=True), bars.how)


def how(bars: FileBars) -> str:
    """The sentence on how a file was read that is not in the canonical layout."""
    assert bars.how is not None
    return bars.how


def refusal(folder: Path, content: str | bytes | pd.DataFrame, ticker: str = "AAPL") -> str:
    """Why the file is refused."""
    with pytest.raises(DataContractError) as caught:
        read(folder, content, ticker)
    return str(caught.value)


def assert_same(bars: FileBars, rows: pd.DataFrame) -> None:
    """Checks that these bars were read, to the bit."""
    expected = rows.rename(columns={"ts": "opened_at"}).reset_index(drop=True)
    pd.testing.assert_frame_equal(bars.rows, expected, check_exact=True)
