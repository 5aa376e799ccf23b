"""A Parquet file of bars: its limits are checked in its footer, then only the columns that are needed are read.

A few kilobytes of Parquet can stand for gigabytes: one value repeated a billion times, or a long text that every row
refers to. So rows and bytes are counted by the footer, and text is read as references to its distinct values.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError
from include.market.file_table import Labels, quoted, require_column_count, require_row_count, require_size

MAX_UNPACKED_BYTES: Final = 256 * 2**20
MAX_CHUNKS: Final = 20_000  # columns times row groups: each is looked at once
MAX_TEXT_BYTES: Final = 200  # of a value: times, numbers and tickers are shorter

_MAGIC: Final = b"PAR1"
_UNNAMED_INDEX: Final = "__index_level_"  # what pandas calls an index without a name
_FAILURES: Final = (OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, pa.ArrowException)


class ParquetFile:
    """A ``BarFile`` of Parquet, within the limits."""

    delimiter = None

    def __init__(self, path: Path) -> None:
        """Opens the file and reads its footer.

        Raises:
            DataContractError: it is no Parquet file, or a limit is passed.
        """
        require_size(path)
        with path.open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                message = "the file is not Parquet; write it again, or name it .csv if it is CSV"
                raise DataContractError(message)
        self._path = path
        try:
            footer = pq.read_metadata(path)
            self._schema = footer.schema.to_arrow_schema()
        except _FAILURES as error:
            raise _unreadable(error) from error
        require_column_count(footer.num_columns)
        self._prefixed = _require_limits(footer)
        labels = [_labels(name) for name in self._schema.names]
        levels = max(len(parts) for parts in labels)
        self.labels: Labels = tuple(parts + ("",) * (levels - len(parts)) for parts in labels)

    def read(self, wanted: Sequence[int]) -> dict[int, pa.Array]:
        """The values of the columns at these positions.

        Raises:
            DataContractError: a column is nested or holds long texts, or the file is damaged.
        """
        fields = {number: self._schema.field(number) for number in wanted}
        for field in fields.values():
            if pa.types.is_nested(field.type):
                message = f"column {quoted(field.name)} holds {field.type}; write one value a row"
                raise DataContractError(message)
            if field.name in self._prefixed:
                message = f"column {quoted(field.name)} is in the encoding DELTA_BYTE_ARRAY; write it again with pandas"
                raise DataContractError(message)
        texts = [field.name for field in fields.values() if _is_text(field.type)]
        try:
            with pq.ParquetFile(self._path, read_dictionary=texts) as file:
                table = file.read(columns=[field.name for field in fields.values()], use_threads=False)
            return {number: _values(table, field.name) for number, field in fields.items()}
        except _FAILURES as error:
            raise _unreadable(error) from error

    def place(self, row: int) -> str:
        """``row 1`` for the first."""
        return f"row {row + 1}"


def _labels(name: str) -> tuple[str, ...]:
    """A column's labels: pandas writes two header rows as ``('Close', 'AAPL')``, and an index without a name."""
    if name.startswith(_UNNAMED_INDEX):
        return ("",)
    try:
        parts = ast.literal_eval(name) if name.startswith("(") else (name,)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        parts = (name,)
    return tuple(str(part).strip() for part in parts) if isinstance(parts, tuple) else (name,)


def _require_limits(footer: pq.FileMetaData) -> set[str]:
    """Holds what the footer says of rows and bytes against the limits; the names of columns in DELTA_BYTE_ARRAY.

    That encoding writes a text as what it adds to the one before, so that its size on disk says nothing.

    Raises:
        DataContractError: a limit is passed.
    """
    if footer.num_row_groups * footer.num_columns > MAX_CHUNKS:
        message = f"the file has {footer.num_row_groups:,} row groups; write it again with pandas, which makes one"
        raise DataContractError(message)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(footer.num_columns)]
    require_row_count(sum(group.num_rows for group in groups))
    unpacked = sum(chunk.total_uncompressed_size for chunk in chunks)
    if unpacked > MAX_UNPACKED_BYTES:
        message = (
            f"the file unpacks to {unpacked:,} bytes and at most {MAX_UNPACKED_BYTES:,} are read; "
            "keep one ticker's hourly bars in it"
        )
        raise DataContractError(message)
    return {chunk.path_in_schema for chunk in chunks if "DELTA_BYTE_ARRAY" in chunk.encodings}


def _values(table: pa.Table, name: str) -> pa.Array:
    """One column as one array; text written out once no value is long.

    Raises:
        DataContractError: a value is longer than any time, number or ticker.
    """
    values = table.column(name).combine_chunks()
    if not pa.types.is_dictionary(values.type):
        return values
    longest = pc.max(pc.binary_length(values.dictionary)).as_py() if _is_text(values.type.value_type) else 0
    if (longest or 0) > MAX_TEXT_BYTES:
        message = f"column {quoted(name)} holds texts of {longest:,} bytes; write times as times and numbers as numbers"
        raise DataContractError(message)
    return values.dictionary_decode()


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    is_text: bool = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return is_text


def _unreadable(error: Exception) -> DataContractError:
    if isinstance(error, DataContractError):
        return error
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataContractError(f"the Parquet file is damaged ({reason}); write it again")
