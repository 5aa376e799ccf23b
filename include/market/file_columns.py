"""Which column of a file is which, by its name and, under several header rows, by its ticker.

Names are compared in small letters without punctuation, so ``<OPEN>`` and ``Open`` are the same. Where next:
``file_times.py`` and ``file_numbers.py`` read what is in the columns.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.contracts import PRICE_COLUMNS
from include.errors import DataContractError
from include.market.file_table import BarFile, quoted, title

_FIELDS: Final = {
    **{name: name for name in (*PRICE_COLUMNS, "volume", "ticker")},
    "vol": "volume",
    "symbol": "ticker",
}
_SHORT_FIELDS: Final = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "t": "time"}
_TIMES: Final = {
    *("ts", "time", "date", "datetime", "timestamp", "opentime", "openedat", "bartime", "starttime"),
    *("unix", "unixtime", "unixtimestamp", "epoch", "epochtime"),
}
_ZONE: Final = re.compile(r"[A-Za-z_]+(?:/[A-Za-z_]+)+|utc|gmt", re.IGNORECASE)
_LEVEL_NAMES: Final = {"", "price", "ticker", "attributes", "symbols", "index"}  # what pandas calls a header's rows
_SHOWN: Final = 8
_WANTED: Final = "Datetime (or Date and Time, Timestamp, ts), Open, High, Low, Close and, where known, Volume"


@dataclass(frozen=True)
class ChosenColumns:
    """Positions of columns in a file: one of times, or a date's and a clock time's; the four prices by name.

    ``ticker``: the column that names each row's ticker, where there is one. ``names``: what the file calls the columns
    that are read; ``ignored``: the others.
    """

    times: tuple[int, ...]
    prices: dict[str, int]
    volume: int | None
    ticker: int | None
    names: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def all(self) -> list[int]:
        """Every position that is read."""
        others = (self.volume, self.ticker)
        return [*self.times, *self.prices.values(), *(number for number in others if number is not None)]


def choose_columns(file: BarFile, ticker: str) -> ChosenColumns:
    """The columns that hold the ticker's bars.

    Raises:
        DataContractError: a column is missing, two may be meant, or the file has other tickers only.
    """
    level = _name_level(file)
    names = [_name(labels, level) for labels in file.labels]
    fields = [_field(name, has_short_names=True) for name in names]
    mine = _columns_of(file, ticker, level, fields)
    by_field: dict[str | None, list[int]] = defaultdict(list)
    for number in mine:
        by_field[fields[number]].append(number)
    places = {field: _only(file, field, by_field[field]) for field in (*PRICE_COLUMNS, "volume", "ticker")}
    _require_prices(places, names)
    times = _times(file, by_field["time"], names, fields)
    prices = {name: place for name, place in places.items() if name in PRICE_COLUMNS and place is not None}
    chosen = ChosenColumns(times, prices, places["volume"], places["ticker"], (), ())
    return replace(
        chosen,
        names=tuple(names[number] or "(no name)" for number in chosen.all),
        ignored=tuple(names[number] for number in mine if number not in chosen.all and names[number]),
    )


def _columns_of(file: BarFile, ticker: str, level: int | None, fields: Sequence[str | None]) -> list[int]:
    """Positions of the columns that belong to the ticker or to no ticker.

    Raises:
        DataContractError: the header names tickers, and this one is not among them.
    """
    tickers = [_ticker(labels, level) for labels in file.labels]
    found = {name for name, field in zip(tickers, fields, strict=True) if field in PRICE_COLUMNS}
    wanted = {_choose_ticker(found, ticker), ""}
    return [number for number, name in enumerate(tickers) if name in wanted]


def stated_zone(name: str) -> str | None:
    """The time zone that a column's name states, as an IANA name; UTC for a column that is called ``ts``."""
    if _plain(name) == "ts":
        return "UTC"
    text = _zone_text(name)
    return "UTC" if text.lower() in {"utc", "gmt"} else text or None


def in_words(names: Iterable[str]) -> str:
    """The names with commas between them, the first eight of many."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(quoted(name)[1:-1] for name in listed[:_SHOWN]) + more


def _name_level(file: BarFile) -> int | None:
    """Which of several header rows names the prices; None where there is one row only."""
    levels = len(file.labels[0])
    if levels == 1:
        return None
    for level in range(levels):
        if set(PRICE_COLUMNS) <= {_plain(labels[level]) for labels in file.labels}:
            return level
    return 0


def _name(labels: tuple[str, ...], level: int | None) -> str:
    """A column's name; where the row of names has none, a name of times in another row."""
    name = labels[level or 0]
    if level is None or _field(name, has_short_names=False):
        return name
    others = [label for label in labels if _field(label, has_short_names=False) == "time"]
    if others:
        return others[0]
    return "" if _plain(name) in _LEVEL_NAMES else name


def _ticker(labels: tuple[str, ...], level: int | None) -> str:
    """The ticker that a column under several header rows belongs to; "" for none."""
    if level is None or _plain(labels[level]) in _LEVEL_NAMES:
        return ""
    others = [label for number, label in enumerate(labels) if number != level and label]
    is_time = _field(labels[level], has_short_names=False) == "time"
    return others[0].upper() if others and not is_time else ""


def _choose_ticker(found: set[str], ticker: str) -> str:
    """The ticker whose columns are read.

    Raises:
        DataContractError: the header names tickers, and this one is not among them.
    """
    if not found or ticker.upper() in found:
        return ticker.upper()
    if found == {""}:
        return ""
    message = f"the header names {in_words(sorted(found))} and not {ticker}; name the file after the ticker in it"
    raise DataContractError(message)


def _only(file: BarFile, field: str, numbers: list[int]) -> int | None:
    """The one column of a field.

    Raises:
        DataContractError: there are several.
    """
    if len(numbers) > 1:
        message = f"{title(file, numbers[0])} and {title(file, numbers[1])} may both be the {field}; keep one"
        raise DataContractError(message)
    return numbers[0] if numbers else None


def _require_prices(places: dict[str, int | None], names: list[str]) -> None:
    """Checks that there are four prices.

    Raises:
        DataContractError: one is missing.
    """
    missing = [name for name in PRICE_COLUMNS if places[name] is None]
    if missing:
        is_adjusted = "adjclose" in {_plain(name) for name in names}
        found = in_words(filter(None, names)) or "none"
        hint = "; Adj Close is on another scale than the other prices" if is_adjusted else ""
        message = f"no column for {', '.join(missing)} among {found}; a file needs {_WANTED}{hint}"
        raise DataContractError(message)


def _times(file: BarFile, numbers: list[int], names: list[str], fields: list[str | None]) -> tuple[int, ...]:
    """The column of times, or those of a date and a clock time; a column without a name if no other can be it.

    Raises:
        DataContractError: there is none, or several may be meant.
    """
    if not numbers:
        numbers = [number for number, name in enumerate(names) if not name and fields[number] is None][:1]
    if not numbers:
        message = f"no column of times among {in_words(filter(None, names))}; a file needs {_WANTED}"
        raise DataContractError(message)
    plain = {_plain(_without_zone(names[number])): number for number in numbers}
    if len(numbers) == 2 and set(plain) == {"date", "time"}:
        return plain["date"], plain["time"]
    if len(numbers) > 1:
        message = f"{title(file, numbers[0])} and {title(file, numbers[1])} may both be the time; keep one"
        raise DataContractError(message)
    return (numbers[0],)


def _field(name: str, *, has_short_names: bool) -> str | None:
    """What a column of this name holds: a price, volume, ticker, time, or nothing that is read."""
    plain = _plain(name)
    short = _SHORT_FIELDS.get(plain) if has_short_names else None
    known = _FIELDS.get(plain, short)
    if known is None and plain and _plain(_without_zone(name)) in _TIMES | {""}:
        return "time"
    return known


def _without_zone(name: str) -> str:
    text = _zone_text(name)
    return name.replace(text, "", 1) if text else name


def _zone_text(name: str) -> str:
    """The part of a column's name that is a time zone; "" for none."""
    return next((text for text in _ZONE.findall(name) if _is_zone(text)), "")


@lru_cache(maxsize=256)
def _is_zone(text: str) -> bool:
    try:
        return bool(ZoneInfo(text.upper() if "/" not in text else text))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _plain(name: str) -> str:
    """The name in small letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
