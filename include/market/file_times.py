"""The times of a file: typed, epoch numbers, or text in the usual forms, as microseconds since 1970.

What can be read in two ways is refused: ``01/02/2025`` unless a day above 12 shows the order, and numbers that are no
epoch. Times without a zone are left as the clock's time: ``file_zones.py`` finds whose clock it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

from include.errors import DataContractError
from include.market.file_numbers import is_text
from include.market.file_table import BarFile, bad_value, first_place, title
from include.market.grid import DAY, HOUR, MINUTE, Micros

_DAILY: Final = "holds dates without a time, so the bars are daily or longer; hourly bars are needed"

_SECOND: Final = MINUTE // 60
_EARLIEST_YEAR: Final = 1990
_LAST_YEAR: Final = 2100  # not included
_FIRST: Final = 631_152_000 * _SECOND  # 1990-01-01
_END: Final = 4_102_444_800 * _SECOND  # 2100-01-01
_LARGEST_OFFSET: Final = 14 * HOUR
_EPOCH_UNITS: Final = {"seconds": 1_000_000.0, "milliseconds": 1_000.0, "microseconds": 1.0, "nanoseconds": 0.001}
_EPOCH: Final = r"^(\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(\.0+)?$"
_SPACE: Final = "[\\s\u00a0\u202f]"
_CLOCK: Final = (
    r"(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
    rf"(?:{_SPACE}*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_DATE: Final = (
    r"(?:(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})"
    r"|(?P<y2>\d{4})(?P<m2>\d{2})(?P<d2>\d{2})"
    r"|(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y3>\d{4}))"
)
_OFFSET: Final = r"(?P<zone>[Zz]|UTC|GMT|[-+]\d{2}(?::?\d{2})?)"
_TIME: Final = rf"^{_DATE}(?:(?:T|,?{_SPACE}+){_CLOCK}{_SPACE}*{_OFFSET}?)?$"
_EXAMPLE: Final = "2025-05-28 13:30:00+00:00"
_SHOWN: Final = 4  # UTC offsets

_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ReadTimes:
    """Microseconds since 1970: in UTC where ``has_zone``, else of a clock whose zone the values do not show.

    ``how`` says in what form they stand in the file.
    """

    micros: Micros
    has_zone: bool
    how: str


def read_times(file: BarFile, columns: tuple[int, ...], values: dict[int, pa.Array]) -> ReadTimes:
    """The times in one column, or in a column of dates and one of clock times.

    Raises:
        DataContractError: a value is missing, no time, or can be read in two ways; or there are dates only.
    """
    if len(columns) == 2:
        date, clock = (_as_text(file, column, values[column]) for column in columns)
        return _text_times(file, columns[0], pc.binary_join_element_wise(date, clock, " "))
    column = columns[0]
    times = values[column]
    _require_all(file, column, times)
    kind = times.type
    if is_text(kind):
        trimmed = pc.utf8_trim_whitespace(pc.cast(times, pa.string()))
        if pc.all(pc.match_substring_regex(trimmed, _EPOCH)).as_py():
            return _epoch(file, column, pc.cast(trimmed, pa.float64()))
        return _text_times(file, column, trimmed)
    if pa.types.is_timestamp(kind):
        micros = pc.cast(pc.cast(times, pa.timestamp("us", kind.tz), safe=False), pa.int64()).to_numpy()
        row = first_place((micros < _FIRST) | (micros >= _END))
        if row is not None:
            shown = str(np.datetime64(int(micros[row]), "us"))
            raise bad_value(file, column, row, shown, "is outside the years 1990 to 2099; correct it")
        return ReadTimes(micros, kind.tz is not None, f"times in {kind.tz}" if kind.tz else "times")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _epoch(file, column, times)
    held = _DAILY if pa.types.is_date(kind) else f"holds {kind}"
    message = f"{title(file, column)} {held}; write times, for example {_EXAMPLE}"
    raise DataContractError(message)


def _as_text(file: BarFile, column: int, values: pa.Array) -> pa.Array:
    """Dates or clock times as text.

    Raises:
        DataContractError: a value is missing, or the column holds something else.
    """
    _require_all(file, column, values)
    kind = values.type
    if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_time(kind)):
        message = f"{title(file, column)} holds {kind}; write one column of times, for example {_EXAMPLE}"
        raise DataContractError(message)
    return pc.utf8_trim_whitespace(pc.cast(values, pa.string()))


def _require_all(file: BarFile, column: int, values: pa.Array) -> None:
    """Checks that every row has a time.

    Raises:
        DataContractError: one has none.
    """
    is_empty = values.is_null(nan_is_null=True)
    if is_text(values.type):
        is_empty = pc.or_(is_empty, pc.equal(pc.fill_null(pc.utf8_trim_whitespace(values), ""), ""))
    row = first_place(_mask(is_empty))
    if row is not None:
        message = (
            f"{title(file, column)} is empty on {file.place(row)}; write the bar's opening time, or remove the row"
        )
        raise DataContractError(message)


def _epoch(file: BarFile, column: int, values: pa.Array) -> ReadTimes:
    """Seconds since 1970, or thousandths, millionths or billionths of them, all of one unit.

    Raises:
        DataContractError: the first number is no time from 1990 to 2100 in any unit, or another none in its unit.
    """
    numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    unit = next((unit for unit, size in _EPOCH_UNITS.items() if _FIRST <= numbers[0] * size < _END), None)
    micros = numbers * _EPOCH_UNITS[unit or "seconds"]
    row = first_place(~((micros >= _FIRST) & (micros < _END)))
    if row is not None:
        reason = f"is no number of {unit or 'seconds, milliseconds, microseconds or nanoseconds'} since 1970"
        raise bad_value(file, column, row, str(values[row].as_py()), f"{reason}; write times, for example {_EXAMPLE}")
    return ReadTimes(np.rint(micros).astype(np.int64), has_zone=True, how=f"times in {unit} since 1970")


def _text_times(file: BarFile, column: int, text: pa.Array) -> ReadTimes:
    """Text of one date order, with a UTC offset on every row or on none.

    Raises:
        DataContractError: a value is no such time.
    """
    parts = pc.extract_regex(text, _TIME)

    def refuse(mask: _Mask, reason: str) -> None:
        row = first_place(mask)
        if row is not None:
            raise bad_value(file, column, row, text[row].as_py(), reason)

    refuse(_mask(parts.is_null()), f"is no time; write times, for example {_EXAMPLE}")
    if not _has(parts, "hour").any():
        message = f"{title(file, column)} {_DAILY}; write times, for example {_EXAMPLE}"
        raise DataContractError(message)
    day_first = _is_day_first(parts, refuse)
    micros, is_real = _clock_time(parts, is_day_first=day_first)
    offset = _offset(parts)
    is_real &= np.abs(offset) <= _LARGEST_OFFSET
    refuse(~is_real, "is no day and time of the years 1990 to 2099; correct it")
    has_zone = _has(parts, "zone")
    if has_zone.any():
        refuse(~has_zone, "has no time zone, but other rows have one; write it on every row")
    order = {True: " (the day first)", False: " (the month first)", None: ""}[day_first]
    offsets = sorted(set(parts.field("zone").unique().to_pylist()) - {""})
    how = f"times{order}" + (f" with the UTC offset {' or '.join(offsets[:_SHOWN])}" if offsets else "")
    return ReadTimes(micros - offset, bool(has_zone.any()), how)


def _is_day_first(parts: pa.StructArray, refuse: Callable[[_Mask, str], None]) -> bool | None:
    """The order of dates like 01/02/2025, from a day above 12; None where every date starts with its year.

    Raises:
        DataContractError: no day is above 12, or some dates have one order and some the other.
    """
    is_meant = _has(parts, "a")
    is_day_first, is_month_first = is_meant & (_number(parts, "a") > 12), is_meant & (_number(parts, "b") > 12)
    if is_day_first.any():
        refuse(is_month_first, "has the month first, but other rows the day; write the year first in all")
    elif not is_month_first.any():
        refuse(is_meant, "may have the day or the month first; write the year first, for example 2025-05-28")
    return bool(is_day_first.any()) if is_meant.any() else None


def _clock_time(parts: pa.StructArray, *, is_day_first: bool | None) -> tuple[Micros, _Mask]:
    """Microseconds from 1970-01-01 00:00 by the clock that was read, and whether there is such a day and time."""
    first, second = ("b", "a") if is_day_first else ("a", "b")
    year = _sum(parts, "y1", "y2", "y3")
    month = _sum(parts, "m1", "m2", first)
    day = _sum(parts, "d1", "d2", second)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    hour, minute, second_of = (_number(parts, name) for name in ("hour", "minute", "second"))
    half = pc.utf8_lower(parts.field("half"))
    has_half = _has(parts, "half")
    is_clock = np.where(has_half, (hour >= 1) & (hour <= 12), hour <= 23) & (minute <= 59) & (second_of <= 59)
    hour = np.where(has_half, hour % 12 + 12 * _mask(pc.equal(half, "p")), hour)
    fraction = pc.cast(pc.utf8_slice_codeunits(pc.utf8_rpad(parts.field("fraction"), 6, "0"), 0, 6), pa.int64())
    micros = dates.astype(np.int64) * DAY + hour * HOUR + minute * MINUTE + second_of * _SECOND + fraction.to_numpy()
    is_date = (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("datetime64[M]") == months)
    return micros, is_date & is_clock & (year >= _EARLIEST_YEAR) & (year < _LAST_YEAR)


def _offset(parts: pa.StructArray) -> Micros:
    """East of Greenwich, in microseconds; 0 where no offset is written."""
    zone = pc.replace_substring(parts.field("zone"), ":", "")
    is_written = pc.match_substring_regex(zone, r"^[-+]")
    digits = pc.if_else(is_written, pc.utf8_rpad(pc.utf8_slice_codeunits(zone, 1, 5), 4, "0"), "0")
    number = pc.cast(digits, pa.int64()).to_numpy()
    size = number // 100 * HOUR + number % 100 * MINUTE
    offset: Micros = np.where(_mask(pc.starts_with(zone, "-")), -size, size)
    return offset


def _has(parts: pa.StructArray, name: str) -> _Mask:
    return _mask(pc.not_equal(parts.field(name), ""))


def _sum(parts: pa.StructArray, *names: str) -> Micros:
    """The number in whichever of the parts is written."""
    return np.asarray(sum(_number(parts, name) for name in names), dtype=np.int64)


def _number(parts: pa.StructArray, name: str) -> Micros:
    """A part as a number, 0 where it is not written."""
    text = parts.field(name)
    number: Micros = pc.cast(pc.if_else(pc.equal(text, ""), "0", text), pa.int64()).to_numpy()
    return number


def _mask(values: pa.Array) -> _Mask:
    mask: _Mask = values.to_numpy(zero_copy_only=False)
    return mask
