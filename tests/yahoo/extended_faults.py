"""What goes wrong with Yahoo's 5-minute bars of extended hours, as users of the client have reported it.

The kinds change an answer with 5-minute bars and leave every other answer as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Document = dict[str, Any]

BAD_PRINT = 1.29


def _clocks(result: Document) -> list[str]:
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    return [f"{datetime.fromtimestamp(second, UTC).astimezone(zone):%H:%M}" for second in result["timestamp"]]


def _quote(result: Document) -> dict[str, list[Any]]:
    return result["indicators"]["quote"][0]


def _keep(result: Document, is_kept: Sequence[bool]) -> None:
    for column in [result["timestamp"], *_quote(result).values()]:
        column[:] = [value for value, keep in zip(column, is_kept, strict=True) if keep]


def _regular(result: Document) -> list[bool]:
    periods = [day[0] for day in result["meta"]["tradingPeriods"]["regular"]]
    return [any(day["start"] <= second < day["end"] for day in periods) for second in result["timestamp"]]


def _no_extended_hours(result: Document) -> None:
    """ranaroussi/yfinance#720: whole days without any extended hours."""
    _keep(result, _regular(result))


def _no_last_hour(result: Document) -> None:
    """ranaroussi/yfinance#1466: before a change of clocks the last hour of the evening is missing."""
    _keep(result, [not "19:00" <= clock < "20:00" for clock in _clocks(result)])


def _none_before_open(result: Document) -> None:
    """ranaroussi/yfinance#1757: the last three bars before the open are missing."""
    _keep(result, [clock not in {"09:15", "09:20", "09:25"} for clock in _clocks(result)])


def _repeated_close(result: Document) -> None:
    """ranaroussi/yfinance#1005: a last row repeats the session's close; its time is that of the newest trade."""
    closes = [value for value, regular in zip(_quote(result)["close"], _regular(result), strict=True) if regular]
    result["timestamp"].append(result["timestamp"][-1] + 61)
    for name, column in _quote(result).items():
        column.append(0 if name == "volume" else closes[-1])


def _bad_prints(result: Document) -> None:
    """Every fourth and the bar after it, from 16:40 to 17:55, close 29 % too high; highs and lows are wrong too."""
    quote = _quote(result)
    for position, clock in enumerate(_clocks(result)):
        if "16:40" <= clock < "17:55" and int(clock[3:]) % 20 < 10:
            quote["close"][position] *= BAD_PRINT
            quote["high"][position] *= 2
            quote["low"][position] /= 2


EXTENDED_KINDS: dict[str, Callable[[Document], None]] = {
    "no-extended-hours": _no_extended_hours,
    "no-last-hour": _no_last_hour,
    "none-before-open": _none_before_open,
    "repeated-close": _repeated_close,
    "bad-prints": _bad_prints,
}
"""Each gets one result of the chart document with 5-minute bars."""
