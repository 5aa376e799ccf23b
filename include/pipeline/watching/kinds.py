"""The kinds of drift that are tested, and how a day is counted for each: plain functions of states and days.

A state is what a row of ``forecast.drift`` carries from one look to the next. Where next: ``looks.py`` for the look,
``evaluation/drift.py`` for the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from include.evaluation.drift import ChangeDetector, RateDetector, coverage_gains, pit_gains, shape_gains
from include.store import drift as drift_store
from include.store.drift_days import BarDay, OutcomeDay

OUTCOME_KINDS: Final = drift_store.OUTCOME_KINDS
BAR_KINDS: Final = ("missing", "late", "rejected", "revised")
RECENT_DAYS: Final = 28
"""Newest counted days of which a reader is shown the mean."""
_EXPECTED: Final[Mapping[str, float]] = {"coverage": 0.9, "pit": 0.1, "shape": 0.0, "skill": 0.0}
_OUTER = (1, 7)
"""Places of the quantiles 0.05 and 0.95."""


@dataclass(frozen=True)
class Watched:
    """One kind in one market: its test, and the newest days' numbers, oldest first."""

    detector: ChangeDetector | RateDetector
    recent: tuple[float, ...] = ()

    @property
    def test(self) -> ChangeDetector:
        """The sequential test."""
        return self.detector.detector if isinstance(self.detector, RateDetector) else self.detector

    @property
    def observed_ratio(self) -> float | None:
        """The mean of the newest days' numbers; None before the first day."""
        return sum(self.recent) / len(self.recent) if self.recent else None

    def to_dict(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return {"detector": self.detector.to_dict(), "recent": list(self.recent)}


def first(kind: str) -> Watched:
    """The state before the first day."""
    return Watched(RateDetector() if kind in BAR_KINDS else ChangeDetector())


def read(kind: str, state: Mapping[str, Any]) -> Watched:
    """The state that ``Watched.to_dict`` wrote."""
    detector = (RateDetector if kind in BAR_KINDS else ChangeDetector).from_dict(state["detector"])
    return Watched(detector, tuple(map(float, state["recent"])))


def expected_ratio(kind: str, watched: Watched) -> float:
    """What the number of a day usually is."""
    return watched.detector.usual_ratio if isinstance(watched.detector, RateDetector) else _EXPECTED[kind]


def count_outcome(kind: str, watched: Watched, day: OutcomeDay) -> Watched:
    """The state after one more day of forecasts; the skill leaves out days without HAR, the shape those of one hour."""
    is_missing = (kind == "skill" and day.difference is None) or (kind == "shape" and day.half_ratios is None)
    if not isinstance(watched.detector, ChangeDetector) or is_missing:
        return watched
    shown, gains = _outcome(kind, day)
    return Watched(watched.detector.count(gains), _recent(watched, shown))


def count_bars(kind: str, watched: Watched, day: BarDay) -> Watched:
    """The state after one more day of bars."""
    if not isinstance(watched.detector, RateDetector):
        return watched
    return Watched(watched.detector.count(day.ratios[kind]), _recent(watched, day.ratios[kind]))


def _outcome(kind: str, day: OutcomeDay) -> tuple[float, Sequence[float]]:
    """The number that a reader is shown, and the gains that the test counts."""
    if kind == "coverage":
        return day.inside_ratios[90], coverage_gains(day.inside_ratios)
    if kind == "pit":
        low, high = (day.below_ratios[place] for place in _OUTER)
        return low + 1.0 - high, pit_gains(day.below_ratios)
    if kind == "shape" and day.half_ratios is not None:
        earlier, later = day.half_ratios
        return later - earlier, shape_gains(day.half_ratios)
    difference = day.difference or 0.0
    return difference, [difference]


def _recent(watched: Watched, number: float) -> tuple[float, ...]:
    return (*watched.recent, number)[-RECENT_DAYS:]
