"""The sessions that exchange_calendars knows, as arrays; the one module that imports it.

Version 4.13.2 fails with pandas 3.1 in two places: Orthodox Easter, and weeks that change (Tel Aviv's). Both are mended
here. Sessions end with the last day for which the exchange has published its holidays.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import exchange_calendars  # type: ignore[import-untyped]  # ships no types
import numpy as np
import numpy.typing as npt
import pandas as pd
from exchange_calendars.exchange_calendar_xtae import XTAEExchangeCalendar  # type: ignore[import-untyped]  # no types
from exchange_calendars.pandas_extensions.offsets import OrthodoxEaster  # type: ignore[import-untyped]  # no types
from pandas.tseries.holiday import AbstractHolidayCalendar

from include.errors import DataContractError

FIRST_DAY: Final = "2015-01-01"
LAST_DAY: Final = "2032-12-31"
"""Days between which sessions are asked for: fixed, so that a bar's number never depends on today."""
NOT_A_TIME: Final = np.iinfo(np.int64).min  # what pandas makes NaT of
DAY: Final = 24 * 3600 * 1_000_000

Micros = npt.NDArray[np.int64]

# pandas 3.1 calls _add_datetime of an offset where earlier versions called _apply.
OrthodoxEaster._add_datetime = OrthodoxEaster._apply  # noqa: SLF001  # of the library, which has not changed it yet


@dataclass(frozen=True)
class Sessions:
    """A calendar's sessions, oldest first, as arrays of one length.

    ``days`` are days since 1970, the others instants in microseconds since 1970, UTC; ``pauses`` and ``resumes`` are
    NOT_A_TIME for a session without a pause. ``week``: seven digits from Monday, 1 for a trading day. ``published``:
    the last day whose holidays are known.
    """

    days: Micros
    opens: Micros
    closes: Micros
    pauses: Micros
    resumes: Micros
    timezone: str
    week: str
    published: int


@lru_cache(maxsize=128)
def library_sessions(calendar: str) -> Sessions:
    """The sessions of a calendar of exchange_calendars, from 2015 to the end of what its exchange has published.

    Made once a process: it takes up to 2 s (Seoul). Do not change its arrays.

    Raises:
        DataContractError: there is no such calendar.
    """
    with warnings.catch_warnings(), _holidays_of_few_years():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's own, of what pandas 4 will change
        if calendar == XTAEExchangeCalendar.name:
            return _tel_aviv()
        exchange = _exchange(calendar)
        return _arrays(exchange.schedule, exchange)


@contextmanager
def _holidays_of_few_years() -> Iterator[None]:
    """Lets the library compute the holidays of these years instead of those from 1970 to 2200: 2.6 times faster."""
    years = AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date
    AbstractHolidayCalendar.start_date = pd.Timestamp(FIRST_DAY) - pd.DateOffset(years=1)
    AbstractHolidayCalendar.end_date = pd.Timestamp(LAST_DAY) + pd.DateOffset(years=1)
    try:
        yield
    finally:
        AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date = years


def _exchange(calendar: str) -> exchange_calendars.ExchangeCalendar:
    """The exchange's calendar, cut to the years that the exchange has published."""
    try:
        return exchange_calendars.get_calendar(calendar, start=FIRST_DAY, end=LAST_DAY)
    except exchange_calendars.errors.InvalidCalendarName as error:
        message = f"There is no calendar {calendar!r}; use one that calendar_of returns."
        raise DataContractError(message) from error
    except ValueError:  # some exchanges publish their holidays a year at a time
        probe = exchange_calendars.get_calendar(calendar, start="2024-01-02", end="2024-03-01")
        first, last = pd.Timestamp(FIRST_DAY), pd.Timestamp(LAST_DAY)
        first, last = max(first, probe.bound_min() or first), min(last, probe.bound_max() or last)
        return exchange_calendars.get_calendar(calendar, start=first, end=last)


class _SundayToThursday(XTAEExchangeCalendar):  # type: ignore[misc]  # the library ships no types
    """Tel Aviv's week until 4 January 2026."""

    weekmask = "1111001"
    special_weekmasks = ()


class _MondayToFriday(XTAEExchangeCalendar):  # type: ignore[misc]  # the library ships no types
    """Tel Aviv's week since 5 January 2026."""

    special_weekmasks = ()


def _tel_aviv() -> Sessions:
    """Both weeks of Tel Aviv, one after the other: the library's way to join them fails with pandas 3.1."""
    earlier = _SundayToThursday(start=FIRST_DAY, end="2026-01-04")
    later = _MondayToFriday(start="2026-01-05", end=LAST_DAY)
    return _arrays(pd.concat([earlier.schedule, later.schedule]), later)


def _arrays(schedule: pd.DataFrame, exchange: exchange_calendars.ExchangeCalendar) -> Sessions:
    last = min(pd.Timestamp(LAST_DAY), exchange.bound_max() or pd.Timestamp(LAST_DAY))
    return Sessions(
        days=pd.DatetimeIndex(schedule.index).as_unit("us").asi8 // DAY,
        opens=_instants(schedule["open"]),
        closes=_instants(schedule["close"]),
        pauses=_instants(schedule["break_start"]),
        resumes=_instants(schedule["break_end"]),
        timezone=str(exchange.tz),
        week=exchange.weekmask,
        published=(last - pd.Timestamp(0)).days,
    )


def _instants(times: pd.Series[Any]) -> Micros:
    return pd.DatetimeIndex(times).as_unit("us").asi8
