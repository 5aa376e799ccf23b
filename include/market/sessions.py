"""The calendar of every ticker, and what is known in advance of each of its bars.

No prices, no sources, no clock. Where next: ``grid.py`` cuts trading hours into bars, ``quality.py`` compares bars with
them.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from include.contracts import ANNOUNCEMENT_COLUMNS, HORIZON_COUNT, require_utc
from include.errors import DataContractError
from include.market.announcements import announced
from include.market.exchanges import delay_of, exchange_of, given_calendar
from include.market.grid import DAY, HOUR, MINUTE, NOT_A_TIME, Grid, Micros, grid_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_CALENDARS: Final[Mapping[str, str]] = {}
_LOG: Final = logging.getLogger(__name__)


def calendar_of(ticker: str, given: Mapping[str, str] = _NO_CALENDARS) -> str:
    """The name of the calendar that a ticker trades by, found from Yahoo's spelling; ``given`` ones come first.

    Raises:
        InvalidRequestError: the hours of the ticker's exchange are not known.
    """
    return given_calendar(ticker, given) or exchange_of(ticker).calendars[0]


def timezone_of(calendar: str) -> str:
    """The IANA time zone of a calendar's sessions.

    Raises:
        DataContractError: there is no such calendar.
    """
    return grid_of(calendar).timezone


def feed_delay_minutes(calendar: str) -> int:
    """Minutes after a bar's end until its last value can be known.

    2 where Yahoo quotes in real time (New York, currencies and crypto); else 20, or Yahoo's delay where it is longer.
    """
    return delay_of(calendar)


def bar_grid(calendar: str, since: datetime, until: datetime) -> pd.DataFrame:
    """The calendar's bars with since <= opened_at < until, one row a bar, in order.

    Columns: opened_at, closed_at (UTC), bar_number (the same in every call), session_date (a naive
    midnight of the exchange's date), slot, slot_count, minutes_to_close, is_session_first.

    Raises:
        DataContractError: no such calendar, or a naive datetime.
    """
    grid = grid_of(calendar)
    bounds = [_micros(since, "since"), _micros(until, "until")]
    first, end = np.searchsorted(grid.opened, bounds)
    numbers = np.arange(first, max(first, end))
    frame = pd.DataFrame({"opened_at": _utc(grid.opened[numbers]), "closed_at": _utc(grid.closed[numbers])})
    known = _known_in_advance(grid, numbers)
    names = ("bar_number", "session_date", "slot", "slot_count", "minutes_to_close", "is_session_first")
    return frame.assign(**{name: known[name] for name in names})


def annotate(bars: pd.DataFrame, calendar: str) -> pd.DataFrame:
    """One ticker's bars with what is known of them in advance: SLOT_COLUMNS, ANNOUNCEMENT_COLUMNS and two more.

    These are ``session_date`` (naive midnight) and ``weekday`` (0 Monday, of session_date).

    Raises:
        DataContractError: a bar is not on the calendar's grid, or its time is naive.
    """
    grid = grid_of(calendar)
    numbers = _bar_numbers(bars["opened_at"], grid)
    if (numbers < 0).any():
        stray = bars.loc[numbers < 0, "opened_at"]
        message = (
            f"{len(stray)} of {len(bars)} bars are not on the grid of {calendar}, the first opened at {stray.iloc[0]}; "
            "the quality gate should have rejected them. Check the ticker's calendar."
        )
        raise DataContractError(message)
    last = len(grid.slot) - 1
    ahead = {
        f"next_slot_{horizon}": grid.slot[np.minimum(numbers + horizon, last)]
        for horizon in range(1, HORIZON_COUNT + 1)
    }
    hours = {
        name: (grid.closed[np.minimum(numbers + horizon, last)] - grid.closed[numbers]) / HOUR
        for name, horizon in (("hours_to_next", 1), ("hours_to_last", HORIZON_COUNT))
    }
    due = dict(zip(ANNOUNCEMENT_COLUMNS, _announced_ahead(grid, numbers).T, strict=True))
    weekday = (grid.session_day[numbers] + 3) % 7  # 1970-01-01 was a Thursday
    columns = _known_in_advance(grid, numbers) | hours | ahead | due | {"weekday": weekday}
    given = {str(name): values for name, values in bars.items()}
    return pd.DataFrame(given | columns, index=bars.index)  # at once: ``assign`` takes five times as long


def bar_numbers(opened_at: pd.Series[Any], calendar: str) -> Micros:
    """The ``bar_number`` of the bars that open at these instants, as ``bar_grid`` has it; -1 for what is off the grid.

    Raises:
        DataContractError: no such calendar, or the times are naive.
    """
    return _bar_numbers(opened_at, grid_of(calendar))


def longest_session(calendar: str) -> int:
    """Bars of the calendar's longest session.

    Raises:
        DataContractError: there is no such calendar.
    """
    return int(grid_of(calendar).slot_count.max())


def closed_at_of(opened_at: pd.Series[Any], calendar: str) -> pd.Series[Any]:
    """When the bars that open at these instants close, UTC, with the same index; NaT for what is off the grid.

    Raises:
        DataContractError: no such calendar, or the times are naive.
    """
    grid = grid_of(calendar)
    numbers = _bar_numbers(opened_at, grid)
    closed = np.where(numbers >= 0, grid.closed[numbers], NOT_A_TIME)
    return pd.Series(_utc(closed), index=opened_at.index, name="closed_at")


def last_closed(
    calendar: str, as_of: datetime, delay_minutes: int, unserved: Container[tuple[int, int]] = ()
) -> datetime | None:
    """When the newest bar closed whose end plus the feed's delay is not after ``as_of``; None before the first bar.

    ``unserved``: (bars of the session, slot) of bars that are not waited for, as ``closings.unserved_closings`` has it.
    """
    grid = grid_of(calendar)
    known = _micros(as_of, "as_of") - delay_minutes * MINUTE
    count = int(np.searchsorted(grid.closed, known, side="right"))
    while count and (int(grid.slot_count[count - 1]), int(grid.slot[count - 1])) in unserved:
        count -= 1
    return _datetime(grid.closed[count - 1]) if count else None


def missed_sessions(calendar: str, newest_closed_at: datetime, as_of: datetime, delay_minutes: int) -> int:
    """How many whole sessions have passed since a bar closed: opened after it, ended (delay included) by ``as_of``."""
    grid = grid_of(calendar)
    known = _micros(as_of, "as_of") - delay_minutes * MINUTE
    first, end = np.searchsorted(grid.opened, [_micros(newest_closed_at, "newest_closed_at"), known])
    return int(((grid.slot[first:end] == 0) & (grid.session_closed[first:end] <= known)).sum())


def next_closes(calendar: str, after: datetime, count: int) -> list[datetime]:
    """The next ``count`` closes of bars strictly after ``after``: the targets of horizons 1..count.

    Those of assumed sessions count; a warning in the log says so once a process.

    Raises:
        DataContractError: the calendar does not reach that far ahead.
    """
    grid = grid_of(calendar)
    first = int(np.searchsorted(grid.closed, _micros(after, "after"), side="right"))
    found = grid.closed[first : first + count]
    if len(found) < count:
        end = _datetime(grid.closed[-1])
        message = f"Calendar {calendar} ends at {end:%Y-%m-%d}; install a version of Hourcast that reaches further."
        raise DataContractError(message)
    if grid.session_day[first + count - 1] > grid.published:
        _warn_of_assumed_sessions(calendar)
    return [_datetime(value) for value in found]


def published_until(calendar: str) -> date:
    """The last day whose holidays are known; later sessions are assumed from the week and the usual hours.

    Raises:
        DataContractError: there is no such calendar.
    """
    return (_EPOCH + timedelta(days=grid_of(calendar).published)).date()


def assumption(calendar: str, at: datetime) -> str | None:
    """A sentence for people where the sessions of this instant are assumed; None where they are published.

    Raises:
        DataContractError: no such calendar, or a naive datetime.
    """
    end = published_until(calendar)
    if require_utc(at, "at").date() <= end:
        return None
    return (
        f"The holidays of calendar {calendar} are known until {end}. Later sessions are assumed: every trading day of "
        "the week with the usual hours. Add holidays with HOURCAST_CALENDARS_FILE or install a newer "
        "exchange_calendars."
    )


@lru_cache(maxsize=128)
def _warn_of_assumed_sessions(calendar: str) -> None:
    """Says so in the log, once a process."""
    _LOG.warning("%s", assumption(calendar, datetime.max.replace(tzinfo=UTC)))


def _known_in_advance(grid: Grid, numbers: Micros) -> dict[str, Any]:
    """What is known in advance of the bars with these numbers, apart from the bars that follow."""
    return {
        "bar_number": numbers,
        "slot": grid.slot[numbers],
        "slot_count": grid.slot_count[numbers],
        "minutes_to_close": (grid.session_closed[numbers] - grid.closed[numbers]) // MINUTE,
        "is_session_first": grid.slot[numbers] == 0,
        "session_date": pd.DatetimeIndex((grid.session_day[numbers] * DAY).view("datetime64[us]")),
    }


def _announced_ahead(grid: Grid, numbers: Micros) -> Micros:
    """The ``Announcement`` due during each of the H bars after the bars with these numbers. [n] -> [n, H]."""
    last = len(grid.closed) - 1
    first, end = int(numbers.min(initial=last)), int(numbers.max(initial=0)) + HORIZON_COUNT
    closes = grid.closed[np.minimum(np.arange(first, end + 1), last)]
    due = announced(closes[:-1], closes[1:])
    return np.asarray(due[(numbers - first)[:, np.newaxis] + np.arange(HORIZON_COUNT)], dtype=np.int64)


def _bar_numbers(opened_at: pd.Series[Any], grid: Grid) -> Micros:
    """Positions in the grid of the bars that open at these instants; -1 for none."""
    if opened_at.empty:
        return np.empty(0, dtype=np.int64)
    index = pd.DatetimeIndex(opened_at)
    if index.tz is None:
        message = "opened_at has no time zone; give UTC."
        raise DataContractError(message)
    wanted = index.as_unit("us").asi8
    found = np.minimum(np.searchsorted(grid.opened, wanted), len(grid.opened) - 1)
    return np.where(grid.opened[found] == wanted, found, -1)


def _utc(values: Micros) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(values.view("datetime64[us]")).tz_localize("UTC")


def _micros(value: datetime, name: str) -> int:
    return (require_utc(value, name) - _EPOCH) // timedelta(microseconds=1)


def _datetime(value: np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(value))
