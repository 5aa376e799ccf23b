"""What a file of bars is before its columns have a meaning, how large it may be, and how an error names a place in it.

``file_text.py`` opens CSV and ``file_parquet.py`` Parquet; both give a ``BarFile``. A file is held against the limits
before it is read, so that a small file that unfolds to billions of values costs an error and not the process.
Where next: ``file_bars.py`` makes bars of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError

MAX_FILE_BYTES: Final = 64 * 2**20
MAX_ROWS: Final = 1_000_000  # every hour of 114 years
MAX_COLUMNS: Final = 5_000  # eight columns of each of 600 tickers

_SHOWN: Final = 40  # characters of a value in an error

Labels = tuple[tuple[str, ...], ...]


class BarFile(Protocol):
    """An open file: its header, and its columns on request."""

    @property
    def labels(self) -> Labels:
        """The header's cells of each column, from the top row down; "" for an empty one."""

    @property
    def delimiter(self) -> str | None:
        """What stands between two fields; None in Parquet."""

    def read(self, wanted: Sequence[int]) -> dict[int, pa.Array]:
        """The values of the columns at these positions, all of one length; text as text, never as a category.

        Raises:
            DataContractError: the file cannot be read, or its rows are not as wide as its header.
        """

    def place(self, row: int) -> str:
        """Where the row with this number, from 0, stands in the file: ``line 7`` of CSV, ``row 7`` of Parquet."""


def title(file: BarFile, column: int) -> str:
    """The column's name in an error."""
    name = " ".join(label for label in file.labels[column] if label)
    return f"column {quoted(name)}" if name else f"column {column + 1}"


def bad_value(file: BarFile, column: int, row: int, value: str, reason: str) -> DataContractError:
    """The error for one value: its column, its place, the value itself, and why it cannot be used."""
    return DataContractError(f"{title(file, column)}, {file.place(row)}: {quoted(value)} {reason}")


def quoted(text: str) -> str:
    """The text in quotes, cut where it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def first_place(mask: npt.NDArray[np.bool_]) -> int | None:
    """The number of the first row that is true, from 0; None where no row is."""
    return int(mask.argmax()) if mask.any() else None


def require_size(path: Path) -> None:
    """Refuses a file that is empty or too large to be read.

    Raises:
        DataContractError: the file holds nothing, or more than MAX_FILE_BYTES.
    """
    size = path.stat().st_size
    if size == 0:
        message = "the file is empty; write it again"
        raise DataContractError(message)
    if size > MAX_FILE_BYTES:
        message = (
            f"the file has {size:,} bytes and at most {MAX_FILE_BYTES:,} are read; keep one ticker's hourly bars in it"
        )
        raise DataContractError(message)


def require_row_count(count: int) -> None:
    """Refuses a file without a row, or with too many.

    Raises:
        DataContractError: there is no row, or more than MAX_ROWS.
    """
    if count == 0:
        message = "the file has a header and no rows; write the bars below it"
        raise DataContractError(message)
    if count > MAX_ROWS:
        message = f"the file has {count:,} rows and at most {MAX_ROWS:,} are read; keep one ticker's hourly bars in it"
        raise DataContractError(message)


def require_column_count(count: int) -> None:
    """Refuses a file that is too wide.

    Raises:
        DataContractError: it has more than MAX_COLUMNS columns.
    """
    if count > MAX_COLUMNS:
        message = f"the file has {count:,} columns and at most {MAX_COLUMNS:,} are read; keep one ticker's bars in it"
        raise DataContractError(message)
