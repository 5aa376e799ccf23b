"""PostgreSQL's binary COPY format, to and from data frames: exact to the bit, and fast.

A float32 is read back as the float32 that was stored, and a million rows take a second where the text format takes a
minute. Pure functions of frames and bytes. All columns except the ticker have a fixed width, so that the rows of one
ticker are one structured array. ``engine.py`` sends and receives the bytes.

Source: PostgreSQL documentation, COPY, section Binary Format.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import DataContractError

Kinds = Mapping[str, str]
"""Column -> kind: ``time`` (timestamptz), ``f8`` (double precision), ``f4`` (real), ``i4`` (integer)."""

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER = _SIGNATURE + bytes(8)
_TRAILER = b"\xff\xff"
_FORMATS = {"time": ">i8", "f8": ">f8", "f4": ">f4", "i4": ">i4"}
_EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
"""PostgreSQL stores a timestamp as microseconds since this instant."""


def encode(frame: pd.DataFrame, kinds: Kinds, nullable: Collection[str] = ()) -> bytes:
    """The rows as bytes of a binary COPY: the ticker, then the columns of ``kinds`` in their order.

    NaN in a column of ``nullable`` (of kind ``f8`` or ``f4``) becomes null.

    Raises:
        DataContractError: a column is missing, or a time is naive or unknown.
    """
    arrays = {column: _to_wire(frame, column, kind) for column, kind in kinds.items()}
    parts: list[bytes | memoryview] = [_HEADER]
    blanks: dict[int, npt.NDArray[Any]] = {}  # one for each length of a ticker: a row's layout is slow to make
    for ticker, rows in frame.groupby("ticker", sort=False).indices.items():
        name = str(ticker).encode()
        if len(name) not in blanks:
            blanks[len(name)] = _blank_row(len(name), kinds)
        blank = blanks[len(name)]
        blank["ticker"] = name
        records = np.frombuffer(bytearray(blank.tobytes()) * len(rows), dtype=blank.dtype)
        is_one_block = rows[-1] - rows[0] == len(rows) - 1
        place = slice(rows[0], rows[-1] + 1) if is_one_block else rows  # a slice is not copied
        for column, values in arrays.items():
            records[column] = values[place]
        parts.append(_with_nulls(records, nullable))
    return b"".join([*parts, _TRAILER])


def _blank_row(ticker_width: int, kinds: Kinds) -> npt.NDArray[Any]:
    """A row in which only the values are still to be filled in: the ticker and the columns of ``kinds``. [1]."""
    row: npt.NDArray[Any] = np.zeros(1, dtype=_layout(f"S{ticker_width}", kinds))
    row["field_count"] = len(kinds) + 1
    row["width_ticker"] = ticker_width
    for column in kinds:
        row[f"width_{column}"] = row[column].itemsize
    return row


def decode(data: bytes, tickers: Sequence[str], kinds: Kinds) -> pd.DataFrame:
    """The frame of a binary COPY whose rows are a position in ``tickers`` (from 1) and the columns of ``kinds``.

    Times are ``datetime64[us, UTC]``, ``i4`` becomes int64.

    Raises:
        DataContractError: the bytes are no such rows, or a value is null.
    """
    layout = _layout(">i4", kinds)
    body = data[len(_HEADER) : -len(_TRAILER)]
    if not data.startswith(_SIGNATURE) or len(body) % layout.itemsize:
        message = f"Postgres sent {len(data)} bytes that are not rows of {', '.join(kinds)} without nulls."
        raise DataContractError(message)
    records = np.frombuffer(body, dtype=layout)
    names = pd.array(list(tickers), dtype="str")
    columns: dict[str, Any] = {"ticker": names.take(records["ticker"].astype(np.int64) - 1)}
    for column, kind in kinds.items():
        columns[column] = _from_wire(records[column], kind)
    return pd.DataFrame(columns)


def _with_nulls(records: npt.NDArray[Any], nullable: Collection[str]) -> memoryview:
    """The bytes of rows, in which a null has the width -1 and no value."""
    every_byte = records.view(np.uint8)
    missing = {column: np.isnan(records[column]) for column in nullable}
    if not any(is_null.any() for is_null in missing.values()):
        return every_byte.data
    is_sent = np.ones((len(records), records.dtype.itemsize), dtype=np.uint8)
    sent = is_sent.view(records.dtype)[:, 0]  # the same fields, so that a field that is set to 0 is not sent
    for column, is_null in missing.items():
        records[f"width_{column}"][is_null] = -1
        sent[column][is_null] = 0
    return every_byte.reshape(is_sent.shape)[is_sent.view(np.bool_)].data


def _layout(ticker: str, kinds: Kinds) -> np.dtype[Any]:
    """The layout of one row: the number of fields, then the width and the value of each."""
    fields: list[tuple[str, str]] = [("field_count", ">i2"), ("width_ticker", ">i4"), ("ticker", ticker)]
    for column, kind in kinds.items():
        fields += [(f"width_{column}", ">i4"), (column, _FORMATS[kind])]
    return np.dtype(fields)


def _to_wire(frame: pd.DataFrame, column: str, kind: str) -> npt.NDArray[Any]:
    if column not in frame.columns:
        message = f"The column {column!r} is missing; there are {', '.join(map(str, frame.columns))}."
        raise DataContractError(message)
    values = frame[column]
    if kind != "time":
        return values.to_numpy(dtype=_FORMATS[kind])
    if not isinstance(values.dtype, pd.DatetimeTZDtype) or values.isna().any():
        message = f"The column {column!r} must hold aware times and no gap; it is {values.dtype}."
        raise DataContractError(message)
    moments = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    microseconds: npt.NDArray[Any] = (moments - _EPOCH).astype(np.int64)
    return microseconds.astype(_FORMATS["time"])


def _from_wire(values: npt.NDArray[Any], kind: str) -> pd.DatetimeIndex | npt.NDArray[Any]:
    if kind == "time":
        moments = _EPOCH + values.astype(np.int64).astype("timedelta64[us]")
        return pd.DatetimeIndex(moments).tz_localize("UTC")
    return values.astype(np.int64 if kind == "i4" else values.dtype.newbyteorder("="))
