"""The numbers of a file: typed ones as they are, and text with a decimal point or comma and marks between thousands.

One way of writing holds for a whole file. It is found from values that can be read in one way only (``146.47``,
``1,234.50``, ``0,5``); a file in which every such value can be read in two ways (``1,234``) is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError
from include.market.file_table import BarFile, bad_value, first_place, title

_MISSING: Final = ("", "nan", "NaN", "NAN", "null", "NULL", "None", "NA", "N/A", "n/a", "#N/A", "<NA>", "-")
_SPACES: Final = " '\u2019\u00a0\u202f"  # between thousands in Switzerland, France and elsewhere
_EXPONENT: Final = r"([eE][-+]?\d+)?$"
_SPACED: Final = rf"[1-9]\d{{0,2}}([{_SPACES}]\d{{3}})+"
_POINT: Final = rf"^[-+]?((\d+|[1-9]\d{{0,2}}(,\d{{3}})+|{_SPACED})(\.\d*)?|\.\d+){_EXPONENT}"
_COMMA: Final = rf"^[-+]?((\d+|[1-9]\d{{0,2}}(\.\d{{3}})+|{_SPACED})(,\d+)?|,\d+){_EXPONENT}"

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ReadNumbers:
    """Columns of float64 by name, NaN where the file has none; ``how`` says how text was read, None for plainly."""

    values: dict[str, npt.NDArray[np.float64]]
    how: str | None


@dataclass(frozen=True)
class _Text:
    """A column of text: trimmed, and null where it is missing."""

    column: int
    values: pa.Array

    def matches(self, pattern: str) -> _Mask:
        """Which values are written like this; False for missing ones."""
        found = pc.fill_null(pc.match_substring_regex(self.values, pattern), fill_value=False)
        mask: _Mask = found.to_numpy(zero_copy_only=False)
        return mask

    def error(self, file: BarFile, row: int, reason: str) -> DataContractError:
        """The error for the value in this row."""
        return bad_value(file, self.column, row, self.values[row].as_py(), reason)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def read_numbers(file: BarFile, columns: dict[str, int], values: dict[int, pa.Array]) -> ReadNumbers:
    """The named columns as numbers.

    Raises:
        DataContractError: a value is no number, can be read in two ways, or contradicts the others.
    """
    texts = {name: _trimmed(column, values[column]) for name, column in columns.items() if is_text(values[column].type)}
    has_comma = _has_decimal_comma(file, list(texts.values()))
    mark = rf"[{'.' if has_comma else ','}{_SPACES}]"
    has_marks = any(text.matches(mark).any() for text in texts.values())
    numbers = {name: _plain(text.values, mark) for name, text in texts.items()}
    numbers |= {name: _typed(file, column, values[column]) for name, column in columns.items() if name not in texts}
    words = ["a decimal comma"] * has_comma + ["marks between thousands"] * has_marks
    return ReadNumbers(numbers, f"numbers with {' and '.join(words)}" if words else None)


def _trimmed(column: int, values: pa.Array) -> _Text:
    """Text without spaces around it."""
    trimmed = pc.utf8_trim_whitespace(pc.cast(values, pa.string()))
    is_missing = pc.is_in(trimmed, value_set=pa.array(_MISSING))
    return _Text(column, pc.if_else(is_missing, pa.scalar(None, pa.string()), trimmed))


def _typed(file: BarFile, column: int, values: pa.Array) -> npt.NDArray[np.float64]:
    """A Parquet column of numbers.

    Raises:
        DataContractError: it holds something else.
    """
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        message = f"{title(file, column)} holds {kind}; write numbers"
        raise DataContractError(message)
    return _floats(values)


def _has_decimal_comma(file: BarFile, texts: Sequence[_Text]) -> bool:
    """Whether the file's decimals stand behind a comma.

    Raises:
        DataContractError: a value is no number, both ways occur, or each value can be read in both.
    """
    point_example: tuple[_Text, int] | None = None
    comma_example: tuple[_Text, int] | None = None
    open_example: tuple[_Text, int] | None = None
    for text in texts:
        is_point, is_comma = text.matches(_POINT), text.matches(_COMMA)
        bad = first_place(~is_point & ~is_comma & text.values.is_valid().to_numpy(zero_copy_only=False))
        if bad is not None:
            raise text.error(file, bad, "is no number; correct it, or leave it empty")
        point_example = point_example or _example(text, is_point & ~is_comma)
        comma_example = comma_example or _example(text, is_comma & ~is_point)
        # A point before three digits is a decimal point where commas stand between the fields.
        open_example = open_example or _example(text, text.matches("," if file.delimiter in {",", None} else "[.,]"))
    if point_example and comma_example:
        (point, row), (comma, other) = point_example, comma_example
        reason = f"has a decimal comma, but {point.values[row].as_py()} on {file.place(row)} a point; write all alike"
        raise comma.error(file, other, reason)
    if open_example and not point_example and not comma_example:
        text, row = open_example
        reason = "can be read as thousands or as decimals; put ',' between fields and '.' before decimals"
        raise text.error(file, row, reason)
    return comma_example is not None


def _example(text: _Text, mask: _Mask) -> tuple[_Text, int] | None:
    row = first_place(mask)
    return None if row is None else (text, row)


def _plain(values: pa.Array, mark: str) -> npt.NDArray[np.float64]:
    """Text as numbers, without the marks between thousands."""
    bare = pc.replace_substring_regex(values, mark, "")
    return _floats(pc.replace_substring(bare, ",", "."))


def _floats(values: pa.Array) -> npt.NDArray[np.float64]:
    """Values as float64, null as NaN."""
    numbers: npt.NDArray[np.float64] = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers
