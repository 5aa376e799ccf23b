"""The nights between sessions, and the instants at which a night's forecasts are refreshed.

Which calendars have extended hours, and when their forecasts are refreshed, is data (``calendars.toml`` and an
operator's file). No prices, no sources, no clock. Where next: ``believed.py`` makes one price of a night's closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import require_utc
from include.market.calendar_definitions import (
    ExtendedHours,
    calendars_file,
    definition_of,
)
from include.market.grid import MINUTE, Micros, grid_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = _EPOCH.date()
_HOUR_MINUTES: Final = 60


@dataclass(frozen=True)
class Night:
    """A refresh of a night: the stretch between two sessions, seen from one of its refreshes.

    ``closed_at``: when the session before it closed, by the calendar; ``opens_at``: when the next one opens;
    ``starts_at``: closes after this instant count, the session's close in the evening and the opening of the extended
    hours in the morning. All UTC. ``clock_minutes``: local minutes after midnight of the refresh. ``entry``: the
    refresh's time in the calendar's list, as "08:00". ``calm_at``: from which instant (UTC) on single prints of the
    evening can be trusted; None in the morning, and where they always can.
    """

    calendar: str
    closed_at: datetime
    opens_at: datetime
    starts_at: datetime
    is_evening: bool
    clock_minutes: int
    entry: str
    calm_at: datetime | None


@dataclass(frozen=True)
class _Sessions:
    """A calendar's sessions in order: days since 1970, opens and closes in microseconds since 1970."""

    days: Micros
    opens: Micros
    closes: Micros
    timezone: ZoneInfo


def night_of(calendar: str, as_of: datetime, limit: int) -> Night | None:
    """The refresh that ``as_of`` falls in; None for none, among the ``limit`` refreshes that gain most.

    A refresh lasts until its clock hour ends, the next refresh begins or the session opens. In the evening a session
    of that local day must have ended; in the morning one of that local day must not have opened.

    Raises:
        DataContractError: ``as_of`` is naive.
    """
    return _night_of(calendar, require_utc(as_of, "as_of"), limit, calendars_file())


def refreshes_between(calendar: str, since: datetime, until: datetime, limit: int, minute: int) -> list[datetime]:
    """The instants since <= t <= until (UTC) of all refreshes, in order.

    A refresh on the hour is at this ``minute`` of it, when the hourly run is; any other is at its listed time.

    Raises:
        DataContractError: a naive datetime.
    """
    first, last = require_utc(since, "since"), require_utc(until, "until")
    extended = definition_of(calendar, calendars_file()).extended
    if extended is None:
        return []
    sessions = _sessions_of(calendar)
    days = [(moment.astimezone(sessions.timezone).date() - _FIRST_DAY).days for moment in (first, last)]
    begin, end = np.searchsorted(sessions.days, [days[0], days[1] + 1])
    found = [
        _run_at(_instant(int(day), entry, sessions.timezone), entry, minute)
        for day in sessions.days[begin:end]
        for entry in extended.refreshes[: max(limit, 0)]
    ]
    return sorted(at for at in found if first <= at <= last and night_of(calendar, at, limit) is not None)


def kinds_of(opened_at: pd.Series[Any], length: timedelta, calendar: str) -> npt.NDArray[np.str_]:
    """By bar of this length, "regular", "extended" or "outside": in a session, in its day's extended hours, or in none.

    ``opened_at``: UTC. A bar that is partly in a session, or on a day without one, is outside.

    Raises:
        DataContractError: there is no such calendar.
    """
    sessions, extended = _sessions_of(calendar), definition_of(calendar, calendars_file()).extended
    index = pd.DatetimeIndex(opened_at).as_unit("us")
    local = index.tz_convert(sessions.timezone)
    days = local.tz_localize(None).normalize().asi8 // (24 * 60 * MINUTE)
    place = np.minimum(np.searchsorted(sessions.days, days), len(sessions.days) - 1)
    opened, closed = index.asi8, index.asi8 + length // timedelta(microseconds=1)
    opens, closes = sessions.opens[place], sessions.closes[place]
    is_session = sessions.days[place] == days
    kinds = np.full(len(index), "outside", dtype="U8")
    if extended is not None:
        begins = (local.hour * _HOUR_MINUTES + local.minute).to_numpy()
        is_between = (begins >= extended.opens) & (begins + length // timedelta(minutes=1) <= extended.closes)
        kinds[is_session & is_between & ((closed <= opens) | (opened >= closes))] = "extended"
    kinds[is_session & (opened >= opens) & (closed <= closes)] = "regular"
    return kinds


@lru_cache(maxsize=4096)
def _night_of(calendar: str, as_of: datetime, limit: int, path: Path | None) -> Night | None:
    extended = definition_of(calendar, path).extended
    if extended is None:
        return None
    sessions = _sessions_of(calendar)
    local = as_of.astimezone(sessions.timezone)
    entry = _entry_at(extended, local.time(), limit)
    day = (local.date() - _FIRST_DAY).days
    place = int(np.searchsorted(sessions.days, day))
    if entry is None or place == len(sessions.days) or sessions.days[place] != day:
        return None
    opens, closes = _datetime(sessions.opens[place]), _datetime(sessions.closes[place])
    is_evening = as_of >= closes
    other = place + 1 if is_evening else place - 1
    if opens <= as_of < closes or not 0 <= other < len(sessions.days):
        return None
    calm = extended.calm_from if is_evening else None
    return Night(
        calendar=calendar,
        closed_at=closes if is_evening else _datetime(sessions.closes[other]),
        opens_at=_datetime(sessions.opens[other]) if is_evening else opens,
        starts_at=closes if is_evening else _instant(day, extended.opens, sessions.timezone),
        is_evening=is_evening,
        clock_minutes=local.hour * _HOUR_MINUTES + local.minute,
        entry=f"{entry // _HOUR_MINUTES:02}:{entry % _HOUR_MINUTES:02}",
        calm_at=None if calm is None else _instant(day, calm, sessions.timezone),
    )


def _entry_at(extended: ExtendedHours, clock: time, limit: int) -> int | None:
    """The newest of the refreshes that gain most that has begun in the clock's hour, in minutes after midnight."""
    minutes = clock.hour * _HOUR_MINUTES + clock.minute
    hour = clock.hour * _HOUR_MINUTES
    return max((entry for entry in extended.refreshes[: max(limit, 0)] if hour <= entry <= minutes), default=None)


def _run_at(entry_at: datetime, entry: int, minute: int) -> datetime:
    """When a refresh that begins at ``entry_at`` is made: if that is a full hour, with the next run of every hour."""
    if entry % _HOUR_MINUTES:
        return entry_at
    return entry_at + timedelta(minutes=(minute - entry_at.minute) % _HOUR_MINUTES)


def _sessions_of(calendar: str) -> _Sessions:
    grid = grid_of(calendar)
    firsts = np.flatnonzero(grid.slot == 0)
    return _Sessions(
        days=grid.session_day[firsts],
        opens=grid.opened[firsts],
        closes=grid.session_closed[firsts],
        timezone=ZoneInfo(grid.timezone),
    )


def _instant(day: int, minutes: int, timezone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the zone's clocks show so many minutes after midnight of a day since 1970."""
    midnight = datetime.combine(_FIRST_DAY + timedelta(days=day), time(), tzinfo=timezone)
    return (midnight + timedelta(minutes=minutes)).astimezone(UTC)


def _datetime(micros: np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(micros))
