"""The sessions of every calendar: those of exchange_calendars or of a week, with the rules of ``calendars.toml``.

Holidays are published for some years only. After the last of them sessions are assumed: every trading day of the week,
with the usual hours. ``Sessions.published`` is the last published day. Where next: ``grid.py`` cuts sessions into
bars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import DataContractError
from include.market.calendar_definitions import Definition, Hours
from include.market.calendar_library import DAY, FIRST_DAY, LAST_DAY, NOT_A_TIME, Micros, Sessions, library_sessions

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE

_USUAL_SESSIONS: Final = 250  # a year, of which the commonest hours are the usual ones
_TIMES: Final = ("opens", "closes", "pauses", "resumes")


def sessions_of(definition: Definition) -> Sessions:
    """The sessions of a calendar that is so defined, from 2015 to 2032.

    Raises:
        DataContractError: it starts from a calendar that does not exist, or has a session without hours.
    """
    sessions = _of_week(definition) if definition.library is None else _of_library(definition, definition.library)
    latest = sessions.closes
    for rule in definition.hours:
        sessions = _with_hours(sessions, rule, latest)
    sessions = _without(_with_days(sessions, definition.days), definition.closed)
    sessions = _with_possible_pauses(sessions)
    if (sessions.opens >= sessions.closes).any() or (sessions.opens == NOT_A_TIME).any():
        message = "A calendar has sessions that do not close after they open; correct its hours in the calendars file."
        raise DataContractError(message)
    return _unbroken(sessions) if definition.is_unbroken else sessions


def all_days() -> Micros:
    """The days since 1970 of all years that calendars span."""
    return pd.date_range(FIRST_DAY, LAST_DAY, unit="us").asi8 // DAY


def local_instants(days: Micros, minutes: int, timezone: str) -> Micros:
    """The instants at which the clocks of a zone show so many minutes after these days' midnight."""
    local = pd.DatetimeIndex((days * DAY + minutes * MINUTE).view("datetime64[us]"))
    return local.tz_localize(timezone).asi8.copy()


def _of_library(definition: Definition, library: str) -> Sessions:
    sessions = _extended(library_sessions(library))
    return replace(
        sessions,
        timezone=definition.timezone or sessions.timezone,
        published=sessions.published if definition.published is None else definition.published,
    )


def _of_week(definition: Definition) -> Sessions:
    """A session without times on every trading day of the week."""
    days = all_days()
    days = _trading_days(days[days >= (definition.since or 0)], definition.week)
    none = np.full(len(days), NOT_A_TIME)
    published = int(days[0]) - 1 if definition.published is None else definition.published
    return Sessions(days, none, none, none, none, definition.timezone or "UTC", definition.week, published)


def _extended(sessions: Sessions) -> Sessions:
    """The sessions with assumed ones after the last that the exchange has published, at the usual local times."""
    days = _trading_days(all_days(), sessions.week)
    days = days[days > max(int(sessions.days[-1]), sessions.published)]
    if not len(days):
        return sessions
    usual = {name: _usual_minutes(sessions, name) for name in _TIMES}
    more: dict[str, Micros] = {
        name: np.full(len(days), NOT_A_TIME) if at is None else local_instants(days, at, sessions.timezone)
        for name, at in usual.items()
    }
    columns: dict[str, Any] = {name: np.concatenate([getattr(sessions, name), more[name]]) for name in _TIMES}
    return replace(sessions, days=np.concatenate([sessions.days, days]), **columns)


def _usual_minutes(sessions: Sessions, name: str) -> int | None:
    """The commonest local time, in minutes after midnight, of the last sessions; None where they have none."""
    instants = getattr(sessions, name)[-_USUAL_SESSIONS:]
    instants = instants[instants != NOT_A_TIME]
    if not len(instants):
        return None
    local = _utc(instants).tz_convert(sessions.timezone)
    minutes, counts = np.unique(local.hour.to_numpy() * 60 + local.minute.to_numpy(), return_counts=True)
    return int(minutes[counts.argmax()])


def _with_hours(sessions: Sessions, rule: Hours, latest: Micros) -> Sessions:
    """The sessions with one rule's times on those that it is about; none ends after its ``latest`` close."""
    is_meant = sessions.days >= rule.first_day
    if rule.weekday is not None:
        is_meant &= (sessions.days + 3) % 7 == rule.weekday  # 1970-01-01 was a Thursday
    days, clock = sessions.days[is_meant], rule.clock or sessions.timezone
    times: dict[str, Any] = {name: getattr(sessions, name).copy() for name in _TIMES}
    if rule.opens is not None:
        times["opens"][is_meant] = local_instants(days, rule.opens, clock)
    if rule.closes is not None:
        closes, bounds = local_instants(days, rule.closes, clock), latest[is_meant]
        times["closes"][is_meant] = np.where(bounds == NOT_A_TIME, closes, np.minimum(bounds, closes))
    if rule.pause is not None:
        times["pauses"][is_meant] = local_instants(days, rule.pause[0], clock)
        times["resumes"][is_meant] = local_instants(days, rule.pause[1], clock)
    return replace(sessions, **times)


def _with_days(sessions: Sessions, days: Mapping[int, tuple[int | None, int | None]]) -> Sessions:
    """The sessions with the hours of single days, some of which were none before."""
    for day, hours in sorted(days.items()):
        place = int(np.searchsorted(sessions.days, day))
        is_session = place < len(sessions.days) and sessions.days[place] == day
        if not is_session:
            columns: dict[str, Any] = {name: np.insert(getattr(sessions, name), place, NOT_A_TIME) for name in _TIMES}
            sessions = replace(sessions, days=np.insert(sessions.days, place, day), **columns)
        for name, minutes in zip(("opens", "closes"), hours, strict=True):
            if minutes is not None:
                times = getattr(sessions, name).copy()
                times[place] = local_instants(np.array([day]), minutes, sessions.timezone)[0]
                sessions = replace(sessions, **{name: times})
    return sessions


def _without(sessions: Sessions, closed: frozenset[int]) -> Sessions:
    return _kept(sessions, ~np.isin(sessions.days, np.array(sorted(closed), dtype=np.int64)))


def _with_possible_pauses(sessions: Sessions) -> Sessions:
    """The sessions without the pauses that lie outside their hours."""
    is_inside = (sessions.opens < sessions.pauses) & (sessions.resumes < sessions.closes)
    return replace(
        sessions,
        pauses=np.where(is_inside, sessions.pauses, NOT_A_TIME),
        resumes=np.where(is_inside, sessions.resumes, NOT_A_TIME),
    )


def _unbroken(sessions: Sessions) -> Sessions:
    """The sessions as if trading resumed at the last full hour after the open that is not later than it does.

    A bar then opens there, as where hourly bars are counted from the open on. A pause within one bar is none.
    """
    resumes = sessions.opens + (sessions.resumes - sessions.opens) // HOUR * HOUR
    has_pause = (sessions.pauses != NOT_A_TIME) & (resumes >= sessions.pauses)
    return replace(
        sessions,
        pauses=np.where(has_pause, sessions.pauses, NOT_A_TIME),
        resumes=np.where(has_pause, resumes, NOT_A_TIME),
    )


def _kept(sessions: Sessions, is_kept: npt.NDArray[np.bool_]) -> Sessions:
    columns: dict[str, Any] = {name: getattr(sessions, name)[is_kept] for name in ("days", *_TIMES)}
    return replace(sessions, **columns)


def _trading_days(days: Micros, week: str) -> Micros:
    is_trading = np.array([digit == "1" for digit in week])
    trading: Micros = days[is_trading[(days + 3) % 7]]
    return trading


def _utc(instants: Micros) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(instants.view("datetime64[us]")).tz_localize("UTC")
