"""Which tickers the overview shows: filtered, sorted and paged over all of them.

What they are chosen by is read again after some time only. So a person who types, sorts or turns pages does not wait
for the database, and many persons cost as much as one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Row = dict[str, Any]
Value = TypeVar("Value")

STATES_SECONDS = 10.0
SKILLS_SECONDS = 300.0
"""Scores change once an hour, and reading those of all tickers takes longer than the rest."""

SORTS = {
    "ticker": "ticker",
    "status": "status",
    "freshness": "freshness",
    "target_at": "next_target_at",
    "last_bar_closed_at": "last_bar_closed_at",
    "median_move_ratio": "median_move_ratio",
    "interval_90_ratio": "interval_90_ratio",
    "crps_skill_ratio": "crps_skill_ratio",
    "har_crps_skill_ratio": "har_crps_skill_ratio",
    "coverage_90_ratio": "coverage_90_ratio",
}
"""What the tickers can be sorted by, and the column that it means."""


@dataclass(frozen=True)
class Choice:
    """Which tickers to show: ``sort`` is a key of ``SORTS``, ``page`` counts from 1, an empty filter keeps all."""

    search: str = ""
    calendar: str = ""
    status: str = ""
    freshness: str = ""
    sort: str = "ticker"
    is_descending: bool = False
    page: int = 1
    page_size: int = 50


@dataclass(frozen=True)
class Chosen:
    """The tickers of one page.

    ``ticker_count`` counts those of all pages, ``freshness_counts`` those of each freshness before that filter, and
    ``calendars`` are all there are.
    """

    tickers: list[str]
    ticker_count: int
    freshness_counts: dict[str, int]
    calendars: list[str]


class Listing:
    """All tickers with what they can be chosen and sorted by: states and skills, each at most some seconds old."""

    def __init__(self, read_states: Callable[[], list[Row]], read_skills: Callable[[], dict[str, Row]]) -> None:
        self._states = Kept(read_states, STATES_SECONDS)
        self._skills = Kept(read_skills, SKILLS_SECONDS)

    def skills(self) -> dict[str, Row]:
        """The scores by ticker.

        Raises:
            StoreUnavailableError: the database cannot be read.
        """
        return self._skills.value()

    def rows(self) -> list[Row]:
        """A row for each ticker; one without scores has no skill.

        Raises:
            StoreUnavailableError: the database cannot be read.
        """
        skills = self.skills()
        return [skills.get(row["ticker"], {}) | row for row in self._states.value()]


class Kept(Generic[Value]):
    """What ``read`` returned last, at most ``seconds`` old; a failure is not kept."""

    def __init__(self, read: Callable[[], Value], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: tuple[float, Value] | None = None

    def value(self) -> Value:
        """The value; whoever comes while it is read waits for it.

        Raises:
            StoreUnavailableError: the database cannot be read.
        """
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > self._seconds:
                self._kept = (time.monotonic(), self._read())
            return self._kept[1]


def choose(rows: Sequence[Row], choice: Choice) -> Chosen:
    """The tickers of one page of ``rows``, which are in order of tickers; so are those with equal values.

    Missing values come last in both directions.
    """
    kept = [row for row in rows if _is_kept(row, choice)]
    counts = Counter(row["freshness"] for row in kept)
    if choice.freshness:
        kept = [row for row in kept if row["freshness"] == choice.freshness]
    column = SORTS[choice.sort]
    known = [row for row in kept if row.get(column) is not None]
    known.sort(key=lambda row: row[column], reverse=choice.is_descending)
    ordered = known + [row for row in kept if row.get(column) is None]
    start = (choice.page - 1) * choice.page_size
    return Chosen(
        tickers=[row["ticker"] for row in ordered[start : start + choice.page_size]],
        ticker_count=len(ordered),
        freshness_counts=dict(counts),
        calendars=sorted({row["calendar"] for row in rows if row["calendar"]}),
    )


def _is_kept(row: Row, choice: Choice) -> bool:
    if choice.calendar and row["calendar"] != choice.calendar:
        return False
    if choice.status and row["status"] != choice.status:
        return False
    return choice.search.lower() in f"{row['ticker']} {row['name'] or ''}".lower()
