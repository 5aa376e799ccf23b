"""Whether the forecasts or the data of a market have changed: sequential tests with a stated rate of false alarms.

The unit is the *day of a market*: the mean over its hours of the mean over its tickers. Tickers of one hour move
together, and hours of one day are alike; a mean over both needs no assumption about either. A day gives one number,
from which *gains* are computed. A gain is at least -1, and under the null hypothesis its expected value, given all
days before, is at most 0. Then 1 + fraction * gain is an e-value of the day.

A ``ChangeDetector`` adds up e-values of Shiryaev and Roberts' form: with M the value so far and e the e-value of the
day, the next value is (M + 1) * e. It starts again on each day, so to speak, and so finds a change at any time. Under
the null hypothesis M less the number of days is a supermartingale. Two statements follow, whatever the distribution of
the days and however often the value is read:

* The first false alarm comes after ``FALSE_ALARM_DAYS`` days or more, on average.
* The probability of a false alarm within n days is at most n / ``FALSE_ALARM_DAYS``.

The null hypotheses, each of the day's expected value given the days before:

* coverage: 88 to 92 % of the outcomes are inside the 90 % interval, and 46 to 54 % inside the 50 % interval.
* shape: 40 to 60 % of the outcomes are inside the 50 % interval, in each half of the day's hours.
* pit: each of six groups of the probability integral transform has its share, to within a fifth of it.
* skill: the mean score difference against HAR, in units of the largest value it could have had, is at most 0.
* missing, late, rejected, revised: the share of due bars is at most twice the usual share, plus half a percent. The
  usual share is an average over the days before.

Pure functions: no clock, no store. Where next: ``shift.py`` for the inputs, ``pipeline/watching`` for the daily look.

Source: Shin, Ramdas and Rinaldo, E-detectors, NEJSDS (2024); Waudby-Smith and Ramdas, Estimating Means of Bounded
Random Variables by Betting, JRSS B (2024).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from include.contracts import QUANTILE_LEVELS
from include.errors import DataContractError

FALSE_ALARM_DAYS = 7000.0
"""Under the null hypothesis an alarm comes after this many days or more, on average: 19 years of a market that never
closes, 28 of one that trades on weekdays. It holds for each market and each kind by itself."""
FRACTIONS = (0.9, 0.5, 0.25, 0.125, 0.0625)
"""The value of a test is the mean over these fractions: a large one grows fast on a clear change, a small one on a
slight change."""
COVERAGE_BANDS = {90: (0.88, 0.92), 50: (0.46, 0.54)}
"""Central interval in percent -> smallest and largest expected share of outcomes inside, under the null hypothesis."""
SHAPE_BAND = (0.4, 0.6)
"""The same for the 50 % interval in each half of a day's hours."""
PIT_TOLERANCE_RATIO = 0.2
"""By how much of its share a group of the probability integral transform may be off, under the null hypothesis."""
PIT_EDGES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantile levels between the six groups."""
USUAL_FACTOR, USUAL_MARGIN = 2.0, 0.005
"""The share of bad bars may be this factor times the usual share, plus this margin, under the null hypothesis."""
USUAL_HALF_LIFE_DAYS = 56.0
USUAL_LEAST_DAYS = 14
"""Days that are only counted, so that a usual share is known."""
_LARGEST = 100.0 * FALSE_ALARM_DAYS  # bounds a value, so that the end of a change is seen, too


@dataclass(frozen=True)
class ChangeDetector:
    """The state of a test after the counted days; plain JSON by ``to_dict``.

    ``values`` has one value for each gain and each of ``FRACTIONS``; a test of no day has none.
    """

    values: tuple[tuple[float, ...], ...] = ()
    day_count: int = 0

    @property
    def e_value(self) -> float:
        """The evidence of a change: the mean over gains and fractions. 0 before the first day."""
        flat = [value for row in self.values for value in row]
        return sum(flat) / len(flat) if flat else 0.0

    @property
    def is_drifted(self) -> bool:
        """Whether the evidence has reached ``FALSE_ALARM_DAYS``."""
        return self.e_value >= FALSE_ALARM_DAYS

    def count(self, gains: Sequence[float]) -> ChangeDetector:
        """The test after one more day.

        Args:
            gains: one for each alternative of the test, always as many; each at least -1.

        Raises:
            DataContractError: a gain is not finite or below -1, or their number has changed.
        """
        before = self.values or ((0.0,) * len(FRACTIONS),) * len(gains)
        if len(gains) != len(before) or not all(-1.0 - 1e-9 <= gain < math.inf for gain in gains):
            message = f"{list(gains)} are no gains of a test with {len(before)}; each must be finite and at least -1."
            raise DataContractError(message)
        values = tuple(
            tuple(
                min((value + 1.0) * (1.0 + fraction * gain), _LARGEST)
                for value, fraction in zip(row, FRACTIONS, strict=True)
            )
            for row, gain in zip(before, gains, strict=True)
        )
        return replace(self, values=values, day_count=self.day_count + 1)

    def to_dict(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return {"values": [list(row) for row in self.values], "day_count": self.day_count}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> ChangeDetector:
        """The state that ``to_dict`` wrote."""
        return cls(tuple(tuple(map(float, row)) for row in value["values"]), int(value["day_count"]))


@dataclass(frozen=True)
class RateDetector:
    """A test of a share of bad bars against its usual share: the test, and the usual share before the next day."""

    detector: ChangeDetector = ChangeDetector()
    usual_ratio: float = 0.0
    seen_count: int = 0
    """Days counted, those before the test began included."""

    @property
    def largest_ratio(self) -> float:
        """The largest expected share of the next day under the null hypothesis, 0..1."""
        return min(USUAL_FACTOR * self.usual_ratio + USUAL_MARGIN, 1.0)

    def count(self, ratio: float) -> RateDetector:
        """The test after one more day with this share (0..1) of bad bars."""
        detector = self.detector
        if self.seen_count >= USUAL_LEAST_DAYS:
            detector = detector.count([share_gains(ratio, 0.0, self.largest_ratio)[1]])
        weight = max(1.0 / (self.seen_count + 1), 1.0 - 0.5 ** (1.0 / USUAL_HALF_LIFE_DAYS))
        usual = self.usual_ratio + weight * (ratio - self.usual_ratio)
        return RateDetector(detector, usual, self.seen_count + 1)

    def to_dict(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return {**self.detector.to_dict(), "usual_ratio": self.usual_ratio, "seen_count": self.seen_count}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> RateDetector:
        """The state that ``to_dict`` wrote."""
        return cls(ChangeDetector.from_dict(value), float(value["usual_ratio"]), int(value["seen_count"]))


def share_gains(ratio: float, lowest: float, highest: float) -> tuple[float, float]:
    """Gains of a day's share (0..1): for its being below ``lowest`` on average, and for its being above ``highest``.

    Both are at least -1. Their expected values are at most 0 if that of the share is in the band.

    Raises:
        DataContractError: the share is not from 0 to 1.
    """
    if not 0.0 <= ratio <= 1.0:
        message = f"A share of {ratio} is not from 0 to 1; count the day again."
        raise DataContractError(message)
    return (lowest - ratio) / (1.0 - lowest), (ratio - highest) / highest


def coverage_gains(inside_ratios: Mapping[int, float]) -> list[float]:
    """Gains of the test of the coverage, from the day's shares inside the intervals of ``COVERAGE_BANDS``."""
    return [gain for name, band in COVERAGE_BANDS.items() for gain in share_gains(inside_ratios[name], *band)]


def shape_gains(half_ratios: Sequence[float]) -> list[float]:
    """Gains of the test of the shape of the day, from the shares inside the 50 % interval in its two halves."""
    return [gain for ratio in half_ratios for gain in share_gains(ratio, *SHAPE_BAND)]


def pit_gains(below_ratios: Sequence[float]) -> list[float]:
    """Gains of the test of the probability integral transform.

    Args:
        below_ratios: the day's shares of outcomes at or below each of ``contracts.QUANTILE_LEVELS``.
    """
    at = [0.0, *(below_ratios[QUANTILE_LEVELS.index(level)] for level in PIT_EDGES), 1.0]
    levels = (0.0, *PIT_EDGES, 1.0)
    gains: list[float] = []
    for low, high, lower, upper in zip(levels, levels[1:], at, at[1:], strict=False):
        share = high - low
        band = (1.0 - PIT_TOLERANCE_RATIO) * share, (1.0 + PIT_TOLERANCE_RATIO) * share
        gains += share_gains(min(max(upper - lower, 0.0), 1.0), *band)
    return gains
