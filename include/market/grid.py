"""The bars of a calendar, cut from its trading hours into arrays: what ``sessions.py`` looks things up in.

A bar opens every 60 minutes from the session's open, and anew after a lunch break; the last one is cut at the close
(New York 09:30..15:30, the last 30 minutes long; 12:30..13:00 on half days). Where Yahoo's grid is known to differ from
the exchange's hours, Yahoo's is followed, because a forecast for a bar that never comes can never be scored:

* Warsaw has one more bar, the closing auction, opened at the session's close (498 of 498 recorded sessions);
* Seoul's last bar is 14:00..15:00, since Yahoo reports 15:00 as the end and its client drops what follows;
* currencies have no bars on Sunday evening: the week goes from Monday 00:00 London to Friday 17:00 New York (133 of
  133 recorded weeks; Friday's flat stub after 17:00 is off the grid). A currency's session is the London day.

New York's half days keep their fourth bar, 12:30..13:00, although Yahoo's client drops it: other vendors have it.
A grid spans fixed years, so that a bar's number depends neither on the call nor on today's date. Times are whole
microseconds since 1970, UTC.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import exchange_calendars  # type: ignore[import-untyped]  # ships no types
import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import DataContractError

ALWAYS_OPEN: Final = "24/7"
CURRENCIES: Final = "FX"
NEW_YORK: Final = "XNYS"

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_FIRST_DAY: Final = "2015-01-01"
_LAST_DAY: Final = "2032-12-31"
NOT_A_TIME: Final = np.iinfo(np.int64).min  # what pandas makes NaT of
_WARSAW_AUCTION: Final = 5 * MINUTE  # trading at the closing price ends five minutes after the session

Micros = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Every bar of a calendar as arrays of one length, in order; a bar's number is its position."""

    opened: Micros
    closed: Micros
    session_day: Micros  # days since 1970
    session_closed: Micros
    slot: Micros
    slot_count: Micros
    timezone: str


@lru_cache(maxsize=64)
def grid_of(calendar: str) -> Grid:
    """All bars of a calendar, made once a process.

    Raises:
        DataContractError: there is no such calendar.
    """
    periods = _SPECIAL_PERIODS.get(calendar, lambda: _exchange_periods(calendar))()
    counts = -(-(periods.ends - periods.starts) // HOUR)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    opened = np.repeat(periods.starts, counts) + place * HOUR
    closed = np.minimum(opened + HOUR, np.repeat(periods.ends, counts))
    session_day = np.repeat(periods.session_days, counts)
    _, firsts, members, sizes = np.unique(session_day, return_index=True, return_inverse=True, return_counts=True)
    return Grid(
        opened=opened,
        closed=closed,
        session_day=session_day,
        session_closed=closed[firsts + sizes - 1][members],
        slot=np.arange(len(opened)) - firsts[members],
        slot_count=sizes[members],
        timezone=periods.timezone,
    )


@dataclass(frozen=True)
class _Periods:
    """Uninterrupted stretches of trading and the session day of each: in order, never overlapping."""

    starts: Micros
    ends: Micros
    session_days: Micros
    timezone: str


def _exchange_periods(calendar: str) -> _Periods:
    """An exchange's periods: a session, or its two halves around the lunch break."""
    exchange = _exchange(calendar)
    schedule = exchange.schedule
    days = pd.DatetimeIndex(schedule.index).as_unit("us").asi8 // DAY
    opens, closes = _instants(schedule["open"]), _instants(schedule["close"])
    if calendar == "XKRX":
        closes = np.minimum(closes, _local_hour(days, 15, "Asia/Seoul"))
    pauses, resumes = _instants(schedule["break_start"]), _instants(schedule["break_end"])
    has_break = pauses != NOT_A_TIME
    parts = [
        (opens, np.where(has_break, pauses, closes), days),
        (resumes[has_break], closes[has_break], days[has_break]),
    ]
    if calendar == "XWAR":
        parts.append((closes, closes + _WARSAW_AUCTION, days))
    starts, ends, owners = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(starts)
    return _Periods(starts[order], ends[order], owners[order], str(exchange.tz))


def _always_open_periods() -> _Periods:
    """One period a UTC day."""
    days = _all_days()
    return _Periods(days * DAY, (days + 1) * DAY, days, "UTC")


def _currency_periods() -> _Periods:
    """One period a London day from Monday to Friday; Friday's ends at 17:00 New York."""
    days = _all_days()
    days = days[(days + 3) % 7 < 5]
    ends = _local_hour(days + 1, 0, "Europe/London")
    is_friday = (days + 3) % 7 == 4
    ends[is_friday] = _local_hour(days[is_friday], 17, "America/New_York")
    return _Periods(_local_hour(days, 0, "Europe/London"), ends, days, "Europe/London")


_SPECIAL_PERIODS: Final[dict[str, Callable[[], _Periods]]] = {
    ALWAYS_OPEN: _always_open_periods,
    CURRENCIES: _currency_periods,
}


def _exchange(calendar: str) -> exchange_calendars.ExchangeCalendar:
    """The exchange's calendar, cut to the years that the exchange has published."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's own, of what pandas 4 will change
        try:
            return exchange_calendars.get_calendar(calendar, start=_FIRST_DAY, end=_LAST_DAY)
        except exchange_calendars.errors.InvalidCalendarName as error:
            message = f"There is no calendar {calendar!r}; use one that calendar_of returns."
            raise DataContractError(message) from error
        except ValueError:  # some exchanges publish their holidays a year at a time
            probe = exchange_calendars.get_calendar(calendar, start="2024-01-02", end="2024-03-01")
            first, last = pd.Timestamp(_FIRST_DAY), pd.Timestamp(_LAST_DAY)
            first, last = max(first, probe.bound_min() or first), min(last, probe.bound_max() or last)
            return exchange_calendars.get_calendar(calendar, start=first, end=last)


def _instants(times: pd.Series[Any]) -> Micros:
    return pd.DatetimeIndex(times).as_unit("us").asi8


def _all_days() -> Micros:
    return pd.date_range(_FIRST_DAY, _LAST_DAY, unit="us").asi8 // DAY


def _local_hour(days: Micros, hour: int, timezone: str) -> Micros:
    """The instants at which these days' local clocks show the full ``hour``."""
    local = pd.DatetimeIndex((days * DAY + hour * HOUR).view("datetime64[us]"))
    return local.tz_localize(timezone).asi8.copy()
