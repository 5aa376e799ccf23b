"""Scheduled announcements that move every market, and when they are published.

The days are in ``announcements.toml``, and in an operator's file of the same form. The Federal Reserve fixes its
meetings more than a year ahead, the US Bureau of Labor Statistics its releases in the autumn before. So the
announcement of a bar is known in advance, like its slot. After the last day of a list no announcement is expected, and
forecasts are made as without the list. The effect on prices is in ``features/scale.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import Announcement, require_utc
from include.errors import SettingsError
from include.market.grid import HOUR, MINUTE, Micros
from include.market.operator_tables import read_tables

DECISION_MINUTES: Final = 31
"""From the decision at 14:00 until the press conference has begun at 14:30."""

AFTERMATH_MINUTES: Final = 120
"""From the decision until New York's session ends."""

LONGEST_BAR: Final = HOUR
"""A stretch longer than this contains a night, and is never an aftermath."""

_FILE: Final = Path(__file__).with_name("announcements.toml")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE: Final = "America/New_York"
_KINDS: Final = {"decision": Announcement.DECISION, "figures": Announcement.FIGURES}
_CONTENT: Final = "announcements"
_KEYS: Final = frozenset({"text", "kind", "time", "days", "without"})


@dataclass(frozen=True)
class Series:
    """An announcement that comes again and again.

    ``days`` in order and ``clock`` are New York's; ``instants`` are the same in microseconds since 1970, UTC.
    """

    text: str
    kind: Announcement
    clock: time
    days: tuple[date, ...]
    instants: Micros


class _Chosen:
    """The operator's file that this process uses."""

    path: Path | None = None


def use_announcements_file(path: Path | None) -> None:
    """Makes this process use the tables of this file on top of those of ``announcements.toml``; None for no file.

    Raises:
        SettingsError: it cannot be read, or a table of it makes no sense.
    """
    _series(path)
    _Chosen.path = path


def announcements() -> Mapping[str, Series]:
    """Every announcement by the name of its table."""
    return _series(_Chosen.path)


def announced(earlier: Micros, later: Micros) -> npt.NDArray[np.int64]:
    """The ``Announcement`` due in each stretch from ``earlier`` up to ``later``, end excluded.

    Of several the decision counts, then the figures. Instants are microseconds since 1970, UTC; any shape. A stretch
    goes from one bar's close to the next one's, so that announcements of a night belong to the session's first bar.
    """
    decisions, figures = (_instants(_Chosen.path, kind) for kind in (Announcement.DECISION, Announcement.FIGURES))
    is_bar = later - earlier <= LONGEST_BAR
    is_aftermath = is_bar & _overlaps(earlier, later, decisions, AFTERMATH_MINUTES)
    kinds = np.where(is_aftermath, Announcement.AFTERMATH, Announcement.NONE)
    kinds = np.where(_overlaps(earlier, later, figures, 0), Announcement.FIGURES, kinds)
    kinds = np.where(_overlaps(earlier, later, decisions, DECISION_MINUTES), Announcement.DECISION, kinds)
    return np.asarray(kinds, dtype=np.int64)


def describe_announcements(starts_at: datetime, ends_at: datetime) -> list[str]:
    """What is published from ``starts_at`` up to ``ends_at``, end excluded, in order: ``rate decision at 14:00``.

    The times in the texts are New York's.

    Raises:
        DataContractError: a datetime is naive.
    """
    stretch = [_micros(starts_at, "starts_at"), _micros(ends_at, "ends_at")]
    found = [
        (int(at), f"{series.text} at {series.clock:%H:%M}")
        for series in announcements().values()
        for at in series.instants[slice(*np.searchsorted(series.instants, stretch))]
    ]
    return [text for _, text in sorted(found)]


def _micros(value: datetime, name: str) -> int:
    return (require_utc(value, name) - _EPOCH) // timedelta(microseconds=1)


def _overlaps(earlier: Micros, later: Micros, starts: Micros, minutes: int) -> npt.NDArray[np.bool_]:
    """Whether a span of so many minutes from one of ``starts`` overlaps [earlier, later)."""
    begun = np.searchsorted(starts, later, side="left")
    ended = np.searchsorted(starts + max(minutes * MINUTE, 1), earlier, side="right")
    return np.asarray(begun > ended, dtype=np.bool_)


@lru_cache(maxsize=8)
def _instants(path: Path | None, kind: Announcement) -> Micros:
    """The instants of all announcements of a kind, in order."""
    parts = [series.instants for series in _series(path).values() if series.kind is kind]
    return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]))


@lru_cache(maxsize=4)
def _series(path: Path | None) -> Mapping[str, Series]:
    tables = read_tables(_FILE, _KEYS, _CONTENT)
    for name, table in read_tables(path, _KEYS, _CONTENT).items() if path else ():
        ours = tables.get(name, {})
        days = [*ours.get("days", ()), *table.get("days", ())]
        tables[name] = {**ours, **table, "days": days}
    return {name: _checked(name, table, path or _FILE) for name, table in tables.items()}


def _checked(name: str, table: Mapping[str, Any], path: Path) -> Series:
    try:
        without = {date.fromisoformat(text) for text in table.get("without", ())}
        days = tuple(sorted({date.fromisoformat(text) for text in table["days"]} - without))
        clock = time.fromisoformat(table["time"])
        local = pd.DatetimeIndex([datetime.combine(day, clock) for day in days]).tz_localize(_ZONE)
        return Series(str(table["text"]), _KINDS[table["kind"]], clock, days, local.as_unit("us").asi8.copy())
    except (KeyError, TypeError, ValueError) as error:
        message = f"Announcement [{name}] of {path} makes no sense: {error!r}; see the head of {_FILE.name}."
        raise SettingsError(message) from error
