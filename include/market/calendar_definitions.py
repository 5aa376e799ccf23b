"""The rules for trading hours in ``calendars.toml`` and in an operator's file of the same form.

The head of ``calendars.toml`` explains the keys. Where next: ``calendars.py`` makes sessions by these rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from include.errors import SettingsError
from include.market.operator_tables import read_tables

_FILE: Final = Path(__file__).with_name("calendars.toml")
_FIRST_DAY: Final = date(1970, 1, 1)
_CONTENT: Final = "trading calendars"
_KEYS: Final = frozenset(
    {
        *("like", "timezone", "week", "since", "published", "hours", "closed", "days"),
        *("auction_minutes", "is_unbroken", "yahoo_lacks", "extended"),
    }
)
_EXTENDED_KEYS: Final = frozenset({"opens", "closes", "calm_from", "refreshes"})
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True)
class Hours:
    """Times for a calendar's sessions, in minutes after local midnight; None leaves what was there.

    ``first_day`` counts days since 1970. ``weekday``: only these sessions, 0 Monday. ``clock``: the zone of the times,
    None for the calendar's. A session that exchange_calendars closes earlier than ``closes`` stays as it is.
    """

    first_day: int
    weekday: int | None
    opens: int | None
    closes: int | None
    pause: tuple[int, int] | None
    clock: str | None


@dataclass(frozen=True)
class ExtendedHours:
    """When a calendar's tickers trade outside its sessions, in minutes after local midnight.

    ``refreshes``: when a night's forecasts may be refreshed, those that gain most first. ``calm_from``: single prints
    of an evening are often wrong before it; None where they never are.
    """

    opens: int
    closes: int
    refreshes: tuple[int, ...]
    calm_from: int | None = None


@dataclass(frozen=True)
class Definition:
    """How a calendar's sessions are found.

    ``library``: the calendar of exchange_calendars that it starts from; None when it is made from ``week`` alone.
    ``since``, ``published``, ``closed`` and the keys of ``days`` are days since 1970. ``days``: times of single days.
    ``is_unbroken``: hourly bars are counted from the open on, through the pause; else anew after it.
    ``yahoo_lacks``: (bars of the session, slot) of last bars that Yahoo never serves. ``extended``: None for none.
    """

    library: str | None
    timezone: str | None = None
    week: str = ""
    since: int | None = None
    published: int | None = None
    hours: tuple[Hours, ...] = ()
    closed: frozenset[int] = frozenset()
    days: Mapping[int, tuple[int | None, int | None]] = field(default_factory=dict)
    auction_minutes: int = 0
    is_unbroken: bool = False
    yahoo_lacks: frozenset[tuple[int, int]] = frozenset()
    extended: ExtendedHours | None = None


class _Chosen:
    """The operator's file that this process uses."""

    path: Path | None = None


def use_calendars_file(path: Path | None) -> None:
    """Makes this process use the tables of this file on top of those of ``calendars.toml``; None for no file.

    Raises:
        SettingsError: it cannot be read, or a table of it makes no sense.
    """
    for name in _tables(path):
        definition_of(name, path)
    _Chosen.path = path


def calendars_file() -> Path | None:
    """The file given to ``use_calendars_file``; None for none."""
    return _Chosen.path


@lru_cache(maxsize=256)
def definition_of(name: str, path: Path | None = None) -> Definition:
    """How the calendar of this name is found, with an operator's file or without; unknown names are the library's.

    Raises:
        SettingsError: a file cannot be read, or the table makes no sense.
    """
    tables = _tables(path)
    lineage = [name]
    while "like" in tables.get(lineage[-1], {}):
        lineage.append(str(tables[lineage[-1]]["like"]))
        if lineage[-1] in lineage[:-1]:
            message = f"Calendar {name}: `like` leads back to {lineage[-1]}; correct {path or _FILE.name}."
            raise SettingsError(message)
    merged: dict[str, Any] = {}
    for ancestor in reversed(lineage):
        merged = _laid_over(merged, tables.get(ancestor, {}))
    try:
        return _definition(merged, None if "week" in merged else lineage[-1])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"Calendar {name} of {path or _FILE.name} makes no sense: {error}; see the head of {_FILE.name}."
        raise SettingsError(message) from error


@lru_cache(maxsize=8)
def _tables(path: Path | None) -> dict[str, dict[str, Any]]:
    tables = read_tables(_FILE, _KEYS, _CONTENT)
    for name, table in read_tables(path, _KEYS, _CONTENT).items() if path else ():
        tables[name] = _laid_over(tables.get(name, {}), table)
    return tables


def _laid_over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Both tables as one: rules, days and keys of extended hours add up, everything else is replaced."""
    merged = {**lower, **upper}
    for key in ("hours", "closed", "yahoo_lacks"):
        if key in lower and key in upper:
            merged[key] = [*lower[key], *upper[key]]
    for key in ("days", "extended"):
        if key in lower and key in upper:
            merged[key] = {**lower[key], **upper[key]}
    return merged


def _definition(table: Mapping[str, Any], library: str | None) -> Definition:
    timezone = table.get("timezone")
    week = str(table.get("week", ""))
    if library is None and (len(week) != 7 or set(week) - set("01") or timezone is None):
        message = "`week` takes seven digits 0 or 1, and `timezone` goes with it"
        raise ValueError(message)
    return Definition(
        library=library,
        timezone=None if timezone is None else ZoneInfo(timezone).key,
        week=week,
        since=_optional_day(table.get("since")),
        published=_optional_day(table.get("published")),
        hours=tuple(_hours(rule) for rule in table.get("hours", ())),
        closed=frozenset(_day(text) for text in table.get("closed", ())),
        days={_day(text): (_time(rule, "open"), _time(rule, "close")) for text, rule in table.get("days", {}).items()},
        auction_minutes=int(table.get("auction_minutes", 0)),
        is_unbroken=bool(table.get("is_unbroken", False)),
        yahoo_lacks=frozenset((int(count), int(slot)) for count, slot in table.get("yahoo_lacks", ())),
        extended=_extended_hours(table["extended"]) if "extended" in table else None,
    )


def _extended_hours(table: Mapping[str, Any]) -> ExtendedHours | None:
    """The extended hours of a table; None if it names no refresh."""
    unknown = sorted(set(table) - _EXTENDED_KEYS)
    if unknown:
        message = f"`extended` has {', '.join(unknown)}; known are {', '.join(sorted(_EXTENDED_KEYS))}"
        raise ValueError(message)
    hours = ExtendedHours(
        opens=_minutes(table["opens"]),
        closes=_minutes(table["closes"]),
        refreshes=tuple(_minutes(text) for text in table["refreshes"]),
        calm_from=_time(table, "calm_from"),
    )
    is_ordered = 0 <= hours.opens < hours.closes <= _DAY_MINUTES
    is_known = len(set(hours.refreshes)) == len(hours.refreshes)
    if not (is_ordered and is_known and all(0 <= minutes < _DAY_MINUTES for minutes in hours.refreshes)):
        message = "`extended` opens before it closes, within one day, and names no refresh twice"
        raise ValueError(message)
    return hours if hours.refreshes else None


def _hours(rule: Mapping[str, Any]) -> Hours:
    clock = rule.get("clock")
    pause = [_minutes(text) for text in rule["pause"].split("-")] if "pause" in rule else None
    return Hours(
        first_day=_optional_day(rule.get("since")) or 0,
        weekday=rule.get("weekday"),
        opens=_time(rule, "open"),
        closes=_time(rule, "close"),
        pause=None if pause is None else (pause[0], pause[1]),
        clock=None if clock is None else ZoneInfo(clock).key,
    )


def _time(rule: Mapping[str, Any], key: str) -> int | None:
    return _minutes(rule[key]) if key in rule else None


def _minutes(text: str) -> int:
    """Minutes after midnight of HH:MM; with a minus sign, before it."""
    hours, minutes = text.removeprefix("-").split(":")
    sign = -1 if text.startswith("-") else 1
    return sign * (60 * int(hours) + int(minutes))


def _day(text: str) -> int:
    return (date.fromisoformat(text) - _FIRST_DAY).days


def _optional_day(text: str | None) -> int | None:
    return None if text is None else _day(text)
