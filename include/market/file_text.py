"""A CSV file of bars: what it is written in, where its header ends, and its columns as text.

It refuses what only has the name of a CSV file: a web page, JSON, a packed or binary file. It refuses to know what the
columns mean: ``file_columns.py``.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
from pyarrow import csv as arrow_csv

from include.errors import DataContractError
from include.market.file_table import Labels, quoted, require_column_count, require_row_count, require_size

MAX_LINE_CHARACTERS: Final = 2**20

_DELIMITERS: Final = (",", ";", "\t", "|")
_MOST_HEADER_ROWS: Final = 3  # what yfinance's download writes
_EMPTY_LINE: Final = ' \t,;|"'  # Excel leaves such lines below a table
_VALUE: Final = re.compile(r"[-+]?\d[\d.,' ]*([eE][-+]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")  # a number or a time
_OTHER_FORMATS: Final[dict[bytes, str]] = {
    b"\x1f\x8b": "is packed with gzip; unpack it",
    b"PK\x03\x04": "is a zip archive or an Excel workbook; save it as CSV",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; save it as CSV",
    b"PAR1": "is Parquet; name it .parquet",
    b"BZh": "is packed with bzip2; unpack it",
    b"\xfd7zXZ": "is packed with xz; unpack it",
    b"\x28\xb5\x2f\xfd": "is packed with zstd; unpack it",
    b"%PDF": "is a PDF document; download the bars as CSV",
}
_PAGE: Final = "is a web page or XML and holds no CSV; download it again, or save the table as CSV"
_OTHER_TEXTS: Final = {
    **dict.fromkeys(("<!", "<?", "<html", "<head", "<body", "<table", "<div"), _PAGE),
    **dict.fromkeys(("{", "["), "is JSON; save it as CSV"),
}


class TextFile:
    """A ``BarFile`` of CSV, within the limits. Lines without any value are left out."""

    def __init__(self, path: Path) -> None:
        """Reads the file and finds its delimiter and its header.

        Raises:
            DataContractError: it is empty, too large, no CSV, or has no header or no rows.
        """
        require_size(path)
        self.data = path.read_bytes()
        lines = _lines(_text(self.data))
        self.delimiter: str = _delimiter(lines)
        header = _header(lines, self.delimiter)
        rows = lines[len(header) :]
        require_row_count(len(rows))
        width = max(len(cells) for cells in header)
        require_column_count(width)
        padded = [[*cells, *[""] * (width - len(cells))] for cells in header]
        self.labels: Labels = tuple(zip(*padded, strict=True))
        self._numbers = np.array([number for number, _ in rows], dtype=np.int64)
        self._rows = [line for _, line in rows]

    def read(self, wanted: Sequence[int]) -> dict[int, pa.Array]:
        """The text of the columns at these positions, as it stands in the file.

        Raises:
            DataContractError: a row has another number of fields than the header.
        """
        wrong: list[str] = []

        def refuse(row: arrow_csv.InvalidRow) -> str:
            wrong.append(f"{self.place((row.number or 1) - 1)} has {row.actual_columns} fields")
            return "skip"

        names = [str(number) for number in range(len(self.labels))]
        data = "\n".join(self._rows).encode()
        try:
            table = arrow_csv.read_csv(
                io.BytesIO(data),
                arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
                arrow_csv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=refuse),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[str(number) for number in wanted],
                    strings_can_be_null=False,
                ),
            )
        except (ValueError, pa.ArrowException) as error:
            message = f"the CSV cannot be taken apart ({error}); write it again"
            raise DataContractError(message) from error
        if wrong:
            message = f"{wrong[0]}, the header has {len(names)}; correct it, and quote what holds a {self.delimiter!r}"
            raise DataContractError(message)
        if table.num_rows != len(self._rows):
            message = "a quoted text runs over several lines; write each bar on one line"
            raise DataContractError(message)
        return {number: table.column(str(number)).combine_chunks() for number in wanted}

    def place(self, row: int) -> str:
        """``line 2`` for the first row below a header of one line."""
        return f"line {self._numbers[row]}"


def _text(data: bytes) -> str:
    """The file as text, without a byte order mark.

    Raises:
        DataContractError: it is another format, or not in UTF-8 (or UTF-16 with its mark).
    """
    for magic, reason in _OTHER_FORMATS.items():
        if data.startswith(magic):
            message = f"the file {reason}"
            raise DataContractError(message)
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the file is not text in UTF-8 (byte {error.start:,}); save it as CSV in UTF-8"
        raise DataContractError(message) from error
    if "\0" in text:
        message = "the file is binary and not text; save it as CSV in UTF-8"
        raise DataContractError(message)
    start = text.lstrip()[:16].lower()
    for opening, reason in _OTHER_TEXTS.items():
        if start.startswith(opening):
            message = f"the file {reason}"
            raise DataContractError(message)
    return text


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that hold something, each with its number in the file from 1.

    Raises:
        DataContractError: no line does, or one is too long.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip(_EMPTY_LINE)]
    if not filled:
        message = "the file is empty; write it again"
        raise DataContractError(message)
    longest = max(len(line) for _, line in filled)
    if longest > MAX_LINE_CHARACTERS:
        message = f"a line has {longest:,} characters and at most {MAX_LINE_CHARACTERS:,} are read; is it CSV?"
        raise DataContractError(message)
    return filled


def _delimiter(lines: list[tuple[int, str]]) -> str:
    """The delimiter that the first line has most of; a line ``sep=;``, which Excel reads, is taken away.

    Raises:
        DataContractError: the first line has none.
    """
    stated = re.fullmatch(r"sep=([,;\t|])", lines[0][1].strip(' "'))
    if stated and len(lines) > 1:
        lines.pop(0)
        return stated[1]
    number, first = lines[0]
    found = max(_DELIMITERS, key=first.count)
    if found not in first:
        message = f"line {number}: {quoted(first)} is no header of columns between commas; save the bars as CSV"
        raise DataContractError(message)
    return found


def _header(lines: list[tuple[int, str]], delimiter: str) -> list[list[str]]:
    """The cells of the first lines, up to three, in which no cell is a number or a time.

    Raises:
        DataContractError: the first line holds values already.
    """
    header: list[list[str]] = []
    for _, line in lines[:_MOST_HEADER_ROWS]:
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
        except csv.Error as error:
            message = f"the header cannot be taken apart ({error}); write it again"
            raise DataContractError(message) from error
        if any(_VALUE.fullmatch(cell) for cell in cells):
            break
        header.append(cells)
    if not header:
        message = (
            f"line {lines[0][0]}: {quoted(lines[0][1])} holds values where the header should be; "
            "write ts,open,high,low,close,volume above it"
        )
        raise DataContractError(message)
    return header
