"""Steps by which a ticker's bars change their price scale: unit switches and splits that nobody announced.

A step between two bars is a change of scale or a price move. Both hypotheses are weighed by how likely each makes what
is seen, with constants that were measured on recorded bars (``docs/scale.md``):

* the step itself: a change of scale has a clean factor, give or take an ordinary return; large price moves get rarer
  with a power of their size in units of the ticker's volatility;
* the range of the bar at the step and of the bars after it: a price move this large comes with wide bars;
* the volume: it rises with a price move, and a split multiplies it by the factor;
* a split that the source has announced.

Only bars up to the response's newest are read. More bars after the step give a clearer answer, up to ``AFTER_BARS``.
Pure functions. Where next: ``pipeline/data/storing.py``, which acts on the verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import PRICE_COLUMNS, Split

LEAST_STEP: Final = 0.15
"""Smallest step that is examined, in log prices; 5/4 is 0.22."""
LEAST_MIXED: Final = math.log(3.5)
"""Smallest step within one bar that may be a change of scale. A price moves within bars; it seldom moves this far."""
PAST_BARS: Final = 35
"""Bars before a step from which its volatility, usual range and usual volume are taken."""
AFTER_BARS: Final = 3
SURE_ODDS: Final = 30.0
"""From these odds of scale to move on, a step is a change of scale; below the inverse it is a move."""

_FEWEST_PAST: Final = 10
_CLEAN_RETURNS: Final = 4.0
_CLEAN_SHARE: Final = 0.03
"""A factor is clean if it leaves of the step at most this many usual returns, or this share of the step."""
_OPENING_HOURS: Final = 1.5
_LEAST_VOLATILITY: Final = 3e-4
_NORMAL_OF_MEDIAN: Final = 0.6745

_Array = npt.NDArray[np.float64]


class Verdict(StrEnum):
    """What a step is."""

    SCALE = "scale"
    MOVE = "move"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on. Steps, residual and volatility in log prices; ratios are 1 for "as usual".

    ``residual``: the step less that of the factor; ``volatility``: of one bar, from the past; ``range_ratio``: the
    step's bar to the median bar before, None within a bar; ``after_ratio``: the bars after it, None without one;
    ``volume_ratio``: None without volume; ``odds``: of a change of scale to a move; ``bar_count``: bars from the step
    on that were read.
    """

    step: float
    residual: float
    volatility: float
    range_ratio: float | None
    after_ratio: float | None
    volume_ratio: float | None
    odds: float
    bar_count: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values, rounded to six digits."""
        return {
            name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class ScaleStep:
    """A step before the bar that opens at ``opened_at`` (UTC), or within it (``is_mixed``).

    ``factor`` is that of a split: old prices are divided by it. ``is_volume_scaled`` says whether the volume changes as
    after a split. ``known_at`` is when the last bar closed that the verdict needs.
    """

    ticker: str
    opened_at: datetime
    known_at: datetime
    factor: float
    is_volume_scaled: bool
    is_mixed: bool
    verdict: Verdict
    evidence: Evidence


@dataclass(frozen=True)
class _Place:
    """Constants of one place in a session: where a step is an opening's, and within a session.

    ``prior``: share of bars with a change of scale. ``tail``: probability that a return exceeds 20 volatilities, and
    ``power``, by which it falls. ``spread``: usual size of a return, in volatilities. Pairs are mean and standard
    deviation of log ratios to the median of the bars before, as usual and after a price move.
    """

    prior: float
    tail: float
    power: float
    spread: float
    usual_range: tuple[float, float]
    moved_range: tuple[float, float]
    usual_volume: tuple[float, float]
    moved_volume: tuple[float, float]


_OPENING: Final = _Place(1e-4, 5e-3, 3.2, 2.0, (0.7, 0.45), (1.9, 0.6), (0.65, 0.6), (2.4, 0.8))
_WITHIN: Final = _Place(1e-5, 1.3e-4, 3.3, 1.0, (0.0, 0.55), (2.4, 0.5), (0.1, 0.8), (2.5, 1.1))
_USUAL_AFTER: Final = (0.1, 0.4)
_MOVED_AFTER: Final = (0.9, 0.45)
_ANNOUNCED_PRIOR: Final = 0.1
"""Probability that a far step beside an announced split of its factor is that split."""
_MOST_EVIDENCE: Final = 100.0
"""Largest ratio of likelihoods that one kind of evidence may give."""

_UNIT_WEIGHTS: Final[Mapping[float, float]] = {100.0: 0.15, 1000.0: 0.02}
_SPLIT_WEIGHTS: Final[Mapping[float, float]] = {
    2.0: 0.1,
    3.0: 0.05,
    4.0: 0.05,
    5.0: 0.05,
    10.0: 0.08,
    20.0: 0.03,
    25.0: 0.02,
    50.0: 0.03,
    100.0: 0.02,
    3 / 2: 0.03,
    4 / 3: 0.01,
    5 / 4: 0.02,
}
_OTHER_WEIGHT: Final = 0.002
_RARE_WEIGHT: Final = 0.0004
_RARE_FROM: Final = 13
_LARGEST_FACTOR: Final = 100


def find_steps(
    bars: pd.DataFrame, announced: Sequence[Split] = (), moves: Collection[tuple[str, datetime]] = ()
) -> list[ScaleStep]:
    """The steps that may be changes of scale in these bars, by ticker and time, each with its verdict.

    Args:
        bars: BAR_COLUMNS in order, without duplicates: accepted bars of any tickers, the known ones before them too.
        announced: the tickers' splits by their source; a step of such a factor needs little other evidence.
        moves: (ticker, opened_at) of steps that are settled as price moves; they are left out.
    """
    if len(bars) < 2:
        return []
    close = np.log(bars["close"].to_numpy(dtype=np.float64))
    ticker = bars["ticker"].to_numpy()
    is_far = np.r_[False, (np.abs(np.diff(close)) >= LEAST_STEP) & (ticker[1:] == ticker[:-1])]
    found: list[ScaleStep] = []
    for name in pd.unique(ticker[is_far]):
        rows = np.flatnonzero(ticker == name)
        series = _Series(str(name), bars.iloc[rows], [split for split in announced if split.ticker == name])
        steps = [series.step_at(int(place)) for place in np.flatnonzero(is_far[rows])]
        found += [step for step in steps if step is not None and (step.ticker, step.opened_at) not in moves]
    return found


class _Series:
    """One ticker's bars, in log prices."""

    def __init__(self, ticker: str, bars: pd.DataFrame, announced: Sequence[Split]) -> None:
        self._ticker = ticker
        self._opened_at, self._closed_at = bars["opened_at"], bars["closed_at"]
        self._opens, highs, lows, self._closes = np.log(bars[list(PRICE_COLUMNS)].to_numpy(dtype=np.float64)).T
        self._ranges = highs - lows
        self._volumes = bars["volume"].to_numpy(dtype=np.float64)
        self._prices = bars["close"].to_numpy(dtype=np.float64)
        self._announced = tuple((split.factor, split.is_volume_scaled) for split in announced)

    def step_at(self, place: int) -> ScaleStep | None:
        """The step at this bar, by the earliest bar that makes it certain, else by the newest; None for no step."""
        is_mixed = abs(self._opens[place] - self._closes[place - 1]) < abs(self._move(place)) / 2
        past = slice(max(place - PAST_BARS, 0), place)
        if past.stop - past.start < _FEWEST_PAST or (is_mixed and abs(self._move(place)) < LEAST_MIXED):
            return None
        newest = min(place + AFTER_BARS, len(self._closes) - 1)
        step = None
        for last in range(place, newest + 1):
            step = self._judge(place, last, past, is_mixed=is_mixed)
            if step.verdict is Verdict.SCALE:
                break
        return step

    def _move(self, place: int) -> float:
        return float(self._closes[place] - self._closes[place - 1])

    def _judge(self, place: int, last: int, past: slice, *, is_mixed: bool) -> ScaleStep:
        step = self._move(place) if is_mixed else float(self._opens[place] - self._closes[place - 1])
        hours = (self._opened_at.iloc[place] - self._opened_at.iloc[place - 1]).total_seconds() / 3600
        kind = _OPENING if hours > _OPENING_HOURS else _WITHIN
        volatility = self._volatility(past)
        ranges = self._range_ratios(place, last, past, is_mixed=is_mixed)
        volume = self._volume_ratio(place, last, past, is_mixed=is_mixed)
        common = _evidence_of(ranges[0], kind.usual_range, kind.moved_range)
        common *= _evidence_of(ranges[1], _USUAL_AFTER, _MOVED_AFTER)
        best = self._best_factor(step, volatility, kind, volume)
        odds = best.weight * common / _move_density(step, volatility, kind)
        verdict = _verdict_of(odds, after_count=last - place)
        evidence = Evidence(
            step=step,
            residual=step + float(np.log(best.factor)),
            volatility=volatility,
            range_ratio=_ratio(ranges[0]),
            after_ratio=_ratio(ranges[1]),
            volume_ratio=_ratio(volume),
            odds=odds,
            bar_count=last - place + 1,
        )
        opened_at, known_at = self._opened_at.iloc[place].to_pydatetime(), self._closed_at.iloc[last].to_pydatetime()
        return ScaleStep(
            self._ticker, opened_at, known_at, best.factor, best.is_volume_scaled, is_mixed, verdict, evidence
        )

    def _volatility(self, past: slice) -> float:
        """Of one bar's log return, from medians; not below one tick, since a price of a few ticks moves in leaps."""
        returns = np.abs(np.diff(self._closes[past]))
        changes = np.abs(np.diff(self._prices[past]))
        tick = changes[changes > 0].min() if (changes > 0).any() else 0.0
        return max(
            float(np.median(returns)) / _NORMAL_OF_MEDIAN, float(tick / self._prices[past][-1]), _LEAST_VOLATILITY
        )

    def _range_ratios(self, place: int, last: int, past: slice, *, is_mixed: bool) -> tuple[float | None, float | None]:
        """Logs of the ranges at and after the step to the median before; None where there is none."""
        usual = float(np.median(self._ranges[past]))
        if usual <= 0:
            return None, None
        after = self._ranges[place + 1 : last + 1]
        after = after[after > 0]
        at = None if is_mixed or self._ranges[place] <= 0 else float(np.log(self._ranges[place] / usual))
        return at, float(np.log(after / usual).mean()) if len(after) else None

    def _volume_ratio(self, place: int, last: int, past: slice, *, is_mixed: bool) -> float | None:
        """Log of the volume at the step to the median before, of all bars from it on to the same; None if unknown."""
        before = self._volumes[past]
        usual = float(np.nanmedian(before)) if np.isfinite(before).any() else 0.0
        after = self._volumes[place + int(is_mixed) : last + 1]
        after = after[np.isfinite(after) & (after > 0)]
        return float(np.log(after / usual).mean()) if len(after) and usual > 0 else None

    def _best_factor(self, step: float, volatility: float, kind: _Place, volume: float | None) -> _Candidate:
        """The likeliest change of scale, weighed by how well it explains the step and the volume."""
        spread = kind.spread * volatility
        most = max(_CLEAN_RETURNS * spread, _CLEAN_SHARE * abs(step))

        def weight(candidate: _Candidate) -> float:
            size = -math.log(candidate.factor)
            if abs(step - size) > most:
                return 0.0
            mean = kind.usual_volume[0] - (size if candidate.is_volume_scaled else 0.0)
            prior = 1.0 if candidate.is_announced else kind.prior
            likelihood = _evidence_of(volume, (mean, kind.usual_volume[1]), kind.moved_volume)
            return prior * candidate.weight * _usual_density((step - size) / spread) / spread * likelihood

        weights = [weight(candidate) for candidate in _candidates(self._announced)]
        best = int(np.argmax(weights))
        return replace(_candidates(self._announced)[best], weight=weights[best])


@dataclass(frozen=True)
class _Candidate:
    """A possible change of scale: the factor of a split, whether the volume changes too, and its weight."""

    factor: float
    is_volume_scaled: bool
    weight: float
    is_announced: bool = False


@cache
def _candidates(announced: tuple[tuple[float, bool], ...]) -> list[_Candidate]:
    """Every possible change of scale; without the announced ones, the weights are shares of all changes of scale."""
    numbers = range(2, _LARGEST_FACTOR + 1)
    whole = {float(number): _OTHER_WEIGHT if number < _RARE_FROM else _RARE_WEIGHT for number in numbers}
    whole |= _SPLIT_WEIGHTS
    found = [
        _Candidate(factor, is_volume_scaled, weight)
        for weights, is_volume_scaled in ((whole, True), (_UNIT_WEIGHTS, False))
        for number, weight in weights.items()
        for factor in (number, 1 / number)
    ]
    return found + [_Candidate(*split, _ANNOUNCED_PRIOR, is_announced=True) for split in announced]


def _verdict_of(odds: float, after_count: int) -> Verdict:
    """A single bar may be a bad tick, so that a change of scale needs a bar after it."""
    if odds <= 1 / SURE_ODDS:
        return Verdict.MOVE
    return Verdict.SCALE if odds >= SURE_ODDS and after_count > 0 else Verdict.UNCLEAR


def _ratio(log_ratio: float | None) -> float | None:
    return None if log_ratio is None else float(np.exp(log_ratio))


def _usual_density(deviations: float) -> float:
    """Density of Student's t with 3 degrees of freedom: returns as they usually are."""
    return 2.0 / (math.pi * math.sqrt(3.0)) / (1.0 + deviations * deviations / 3.0) ** 2


def _move_density(step: float, volatility: float, kind: _Place) -> float:
    """Density of a price move of this size: a power law beyond 20 volatilities, and usual returns below it."""
    deviations = abs(step) / volatility
    power = kind.power * kind.tail * math.pow(20 / deviations, kind.power) / deviations / 2
    return max(power, _usual_density(deviations / kind.spread) / kind.spread) / volatility


def _evidence_of(value: float | None, usual: tuple[float, float], moved: tuple[float, float]) -> float:
    """How much likelier a log ratio is as usual than after a price move; 1 if it is unknown."""
    if value is None:
        return 1.0
    logs = [-(((value - mean) / deviation) ** 2) / 2 - math.log(deviation) for mean, deviation in (usual, moved)]
    ratio = math.exp(min(logs[0] - logs[1], 50.0))
    return min(max(ratio, 1 / _MOST_EVIDENCE), _MOST_EVIDENCE)
