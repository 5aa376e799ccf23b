"""Raw bars of one ticker from one file, CSV or Parquet, and a sentence on how the file was read.

The layout of our own is read as it stands, without a word: columns ts (UTC), open, high, low, close, volume. Any other
layout is read where it can mean one thing only, else refused with the column, the place and what to do.
A row twice is one bar; rows may come in any order. Where next: ``files.py``, which finds a ticker's file.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

from include.contracts import PRICE_COLUMNS
from include.errors import DataContractError
from include.market.file_columns import choose_columns, in_words
from include.market.file_numbers import read_numbers
from include.market.file_parquet import ParquetFile
from include.market.file_table import BarFile, title
from include.market.file_text import TextFile
from include.market.file_times import read_times
from include.market.file_zones import to_instants
from include.market.grid import DAY, HOUR

CANONICAL_COLUMNS: Final = ("ts", *PRICE_COLUMNS, "volume")

_NUMBERS: Final = (*PRICE_COLUMNS, "volume")
_YEARS: Final = (pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC"))
_FEWEST: Final = 4  # gaps between bars that show how long a bar is
_FEWEST_OF_HOURS: Final = 20  # a ticker that trades now and then may have no two hours in a row among fewer
_DAY_HOURS: Final = 20  # daily bars are 23 hours apart where clocks change
_TIMES_OF_DAY: Final = 2  # in UTC, of daily bars: clocks change twice a year


@dataclass(frozen=True)
class FileBars:
    """Rows of opened_at (UTC, microseconds), the prices and volume (NaN unknown), and how they were read.

    ``how`` is None for the canonical layout.
    """

    rows: pd.DataFrame
    how: str | None


def read_bars(path: Path, ticker: str) -> FileBars:
    """The ticker's bars in this file, all of them, in the file's order.

    Raises:
        DataContractError: the file cannot be read as hourly bars; the message lacks the file's name.
    """
    file = _open(path)
    canonical = _canonical(file)
    bars = FileBars(canonical, how=None) if canonical is not None else _any_layout(file, ticker)
    _require_hourly(bars.rows["opened_at"])
    return bars


def read_canonical(path: Path) -> pd.DataFrame | None:
    """The rows of a file in the canonical layout, bars of any length: opened_at (UTC), open, high, low, close, volume.

    None if it is in another layout.

    Raises:
        DataContractError: the file cannot be read; the message lacks its name.
    """
    return _canonical(_open(path))


def _open(path: Path) -> ParquetFile | TextFile:
    return ParquetFile(path) if path.suffix == ".parquet" else TextFile(path)


def _canonical(file: ParquetFile | TextFile) -> pd.DataFrame | None:
    """The rows of a file in the canonical layout; None if it is in another, or its values are written otherwise."""
    places = {name: number for number, (name, *_) in reversed(list(enumerate(file.labels)))}
    if len(file.labels[0]) > 1 or not set(CANONICAL_COLUMNS) <= set(places):
        return None
    try:
        if isinstance(file, TextFile):
            frame = pd.read_csv(io.BytesIO(file.data), low_memory=False)
        else:
            columns = file.read([places[name] for name in CANONICAL_COLUMNS])
            frame = pd.DataFrame({name: columns[places[name]].to_pandas() for name in CANONICAL_COLUMNS})
        if pd.api.types.is_numeric_dtype(frame["ts"]):
            return None
        times = frame["ts"]
        instants = pd.to_datetime(times, utc=True, format="ISO8601") if times.dtype.kind != "M" else times
        opened_at = pd.to_datetime(instants, utc=True).dt.as_unit("us")
        numbers = {name: pd.to_numeric(frame[name]).astype("float64") for name in _NUMBERS}
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return None
    is_readable = opened_at.between(*_YEARS).all()
    return pd.DataFrame({"opened_at": opened_at, **numbers}) if is_readable else None


def _any_layout(file: BarFile, ticker: str) -> FileBars:
    """The rows of a file that a person or another program has written, and how they were read.

    Raises:
        DataContractError: a column or a value has no meaning, or may have two.
    """
    chosen = choose_columns(file, ticker)
    values = file.read(chosen.all)
    times = read_times(file, chosen.times, values)
    instants, clock = to_instants(file, chosen.times, times, ticker)
    volume = {} if chosen.volume is None else {"volume": chosen.volume}
    numbers = read_numbers(file, {**chosen.prices, **volume}, values)
    frame = pd.DataFrame({"volume": np.nan, **numbers.values}, index=range(len(instants)))
    frame.insert(0, "opened_at", instants.as_unit("us"))
    others = 0
    if chosen.ticker is not None:
        is_wanted = _is_of(file, chosen.ticker, values[chosen.ticker], ticker)
        frame, others = frame[is_wanted], int((~is_wanted).sum())
    rows, cleaned = _clean(file, frame[["opened_at", *_NUMBERS]])
    words = [
        f"{len(rows):,} bars from the columns {in_words(chosen.names)}",
        " ".join(filter(None, (times.how, clock))),
        numbers.how,
        None if volume else "volume unknown",
        f"not read: {in_words(chosen.ignored)}" if chosen.ignored else None,
        f"{others:,} rows of other tickers left out" if others else None,
        *cleaned,
    ]
    return FileBars(rows.reset_index(drop=True), "; ".join(filter(None, words)))


def _is_of(file: BarFile, column: int, values: pa.Array, ticker: str) -> npt.NDArray[np.bool_]:
    """Which rows are the ticker's, where a column names each row's ticker.

    Raises:
        DataContractError: none is.
    """
    names = pc.utf8_upper(pc.utf8_trim_whitespace(pc.fill_null(pc.cast(values, pa.string()), "")))
    is_wanted: npt.NDArray[np.bool_] = pc.equal(names, ticker.upper()).to_numpy(zero_copy_only=False)
    if not is_wanted.any():
        found = in_words(sorted(filter(None, names.unique().to_pylist())))
        message = (
            f"{title(file, column)} holds {found or 'nothing'} and not {ticker}; name the file after the ticker in it"
        )
        raise DataContractError(message)
    return is_wanted


def _clean(file: BarFile, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows with a price, each bar once; and what was left out.

    Raises:
        DataContractError: no row has a price, or two rows of one time differ.
    """
    priced = frame.dropna(subset=list(PRICE_COLUMNS), how="all")
    if priced.empty:
        message = "no row has a price; write the bars again"
        raise DataContractError(message)
    rows = priced.drop_duplicates()
    again = rows.duplicated("opened_at")
    if again.any():
        time = rows["opened_at"].iloc[int(again.to_numpy().argmax())]
        places = rows.index[rows["opened_at"] == time]
        message = (
            f"{file.place(places[0])} and {file.place(places[1])} are both of {time:%Y-%m-%d %H:%M} UTC, with other "
            "values; remove the wrong one"
        )
        raise DataContractError(message)
    left_out = {"rows without a price": len(frame) - len(priced), "repeated rows": len(priced) - len(rows)}
    words = [f"{count:,} {what} left out" for what, count in left_out.items() if count]
    return rows, words if rows["opened_at"].is_monotonic_increasing else [*words, "sorted by time"]


def _require_hourly(opened_at: pd.Series[Any]) -> None:
    """Refuses bars that are longer or shorter than an hour, as far as their distances show it.

    Raises:
        DataContractError: all are a day apart or more, none is an hour from the next, or most are closer.
    """
    micros = np.unique(pd.DatetimeIndex(opened_at).as_unit("us").asi8)
    gaps = np.diff(micros) / HOUR
    if len(gaps) < _FEWEST:
        return
    closest, usual = float(gaps.min()), float(np.median(gaps))
    is_long = len(gaps) >= _FEWEST_OF_HOURS
    if closest >= _DAY_HOURS and (is_long or len(np.unique(micros % DAY)) <= _TIMES_OF_DAY):
        message = "the file holds one bar a day or fewer; hourly bars are needed"
    elif closest > 1 and is_long:
        message = f"no two bars are closer than {closest:g} hours; hourly bars are needed"
    elif usual < 1:
        message = f"most bars are {usual * 60:g} minutes apart; hourly bars are needed, so make one of each hour's"
    else:
        return
    raise DataContractError(message)
