"""The bars of a calendar, cut from its sessions into arrays: what ``sessions.py`` looks things up in.

A bar opens every 60 minutes from the session's open, and anew after a pause at noon; the last one is cut at the close
(New York 09:30..15:30, the last 30 minutes long; 12:30..13:00 on half days). Yahoo cuts some exchanges differently.
``calendars.toml`` follows it, because a forecast for a bar that never comes can never be scored:

* Warsaw has one more bar, the closing auction, opened at the session's close (498 of 498 recorded sessions);
* Seoul's last bar is 14:00..15:00, since Yahoo reports 15:00 as the end and its client drops what follows;
* a calendar whose name ends in ``-unbroken`` counts its hours from the open on, through the pause;
* currencies have no bars on Sunday evening: the week goes from Monday 00:00 London to Friday 17:00 New York (133 of
  133 recorded weeks; Friday's flat stub after 17:00 is off the grid). A currency's session is the London day.

New York's half days keep their fourth bar, 12:30..13:00, although Yahoo never serves it: other vendors have it, and
``closings.py`` says that it is not waited for. A grid spans fixed years, so that a bar's number depends neither on the
call nor on today's date. Times are whole microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from include.market.calendar_definitions import calendars_file, definition_of
from include.market.calendar_library import DAY, NOT_A_TIME, Micros
from include.market.calendars import HOUR, MINUTE, all_days, local_instants, sessions_of

__all__ = ["DAY", "HOUR", "MINUTE", "NOT_A_TIME", "Grid", "Micros", "grid_of"]

ALWAYS_OPEN: Final = "24/7"
CURRENCIES: Final = "FX"
NEW_YORK: Final = "XNYS"


@dataclass(frozen=True)
class Grid:
    """Every bar of a calendar as arrays of one length, in order; a bar's number is its position.

    ``published``: the last day, since 1970, whose holidays are known; sessions after it are assumed.
    """

    opened: Micros
    closed: Micros
    session_day: Micros  # days since 1970
    session_closed: Micros
    slot: Micros
    slot_count: Micros
    timezone: str
    published: int = 2**31


def grid_of(calendar: str) -> Grid:
    """All bars of a calendar, made once a process and calendars file.

    Raises:
        DataContractError: there is no such calendar.
    """
    return _grid_of(calendar, calendars_file())


@lru_cache(maxsize=128)
def _grid_of(calendar: str, path: Path | None) -> Grid:
    make = _SPECIAL_PERIODS.get(calendar)
    periods = _exchange_periods(calendar, path) if make is None else make()
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
        published=periods.published,
    )


@dataclass(frozen=True)
class _Periods:
    """Uninterrupted stretches of trading and the session day of each: in order, never overlapping."""

    starts: Micros
    ends: Micros
    session_days: Micros
    timezone: str
    published: int


def _exchange_periods(calendar: str, path: Path | None) -> _Periods:
    """An exchange's periods: a session, or its two halves around the pause, and the auction after it."""
    definition = definition_of(calendar, path)
    sessions = sessions_of(definition)
    has_pause = sessions.pauses != NOT_A_TIME
    parts = [
        (sessions.opens, np.where(has_pause, sessions.pauses, sessions.closes), sessions.days),
        (sessions.resumes[has_pause], sessions.closes[has_pause], sessions.days[has_pause]),
    ]
    if definition.auction_minutes:
        parts.append((sessions.closes, sessions.closes + definition.auction_minutes * MINUTE, sessions.days))
    starts, ends, owners = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(starts)
    return _Periods(starts[order], ends[order], owners[order], sessions.timezone, sessions.published)


def _always_open_periods() -> _Periods:
    """One period a UTC day."""
    days = all_days()
    return _Periods(days * DAY, (days + 1) * DAY, days, "UTC", int(days[-1]))


def _currency_periods() -> _Periods:
    """One period a London day from Monday to Friday; Friday's ends at 17:00 New York."""
    days = all_days()
    last = int(days[-1])
    days = days[(days + 3) % 7 < 5]
    ends = local_instants(days + 1, 0, "Europe/London")
    is_friday = (days + 3) % 7 == 4
    ends[is_friday] = local_instants(days[is_friday], 17 * 60, "America/New_York")
    return _Periods(local_instants(days, 0, "Europe/London"), ends, days, "Europe/London", last)


_SPECIAL_PERIODS: Final[dict[str, Callable[[], _Periods]]] = {
    ALWAYS_OPEN: _always_open_periods,
    CURRENCIES: _currency_periods,
}
