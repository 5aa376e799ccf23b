"""Whether more of the night than its price is worth reading: its path, its last hour, its number of prints.

Corrections of the refreshed forecast's location and width are fitted to one half of the days and judged on the other.
If they gain nothing, there is nothing that a network could learn from these inputs. Where next: ``tables.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from include.contracts import QUANTILE_LEVELS
from include.evaluation.history import BoolArray, FloatArray
from include.evaluation.metrics import crps
from research.night.cases import Cases
from research.night.nights import REFRESHES
from research.night.refreshing import refreshed
from research.night.scores import Estimate, gain
from research.night.tables import row, table_head

_MEDIAN = QUANTILE_LEVELS.index(0.5)
_LOW, _HIGH = QUANTILE_LEVELS.index(0.25), QUANTILE_LEVELS.index(0.75)
_LARGEST = 4.0
"""Limit of a standardised move: a few nights must not decide a fit."""


def worth_of_more(cases: Cases) -> Iterator[str]:
    """Gain over the refreshed forecast of 08:35, one bar ahead, of corrections by further inputs, out of sample."""
    yield from table_head(["correction of", "by", "nights", "gain over refreshed, h = 1"])
    best = REFRESHES.index("08:35")
    part = cases.where(cases.refresh == best)
    usable = np.isfinite(part.move) & np.isfinite(part.outcome[:, 0]) & ~part.is_report.any(axis=1)
    moves = np.stack([cases.move[cases.refresh == number] for number in range(len(REFRESHES))], axis=1)
    part, moves = part.where(np.asarray(usable)), moves[usable]
    if len(np.unique(part.day)) < 4:
        return
    quantiles = refreshed(part)[:, 0]
    for kind, names in _inputs(part, moves).items():
        everything = np.stack(list(names.values()), axis=1)
        tries = {name: values[:, np.newaxis] for name, values in names.items()} | {"all of these": everything}
        for name, values in tries.items():
            yield row([kind, name, str(len(part)), _judged(part, quantiles, values, kind).precise])


def _inputs(part: Cases, moves: FloatArray) -> Mapping[str, Mapping[str, FloatArray]]:
    """The inputs by what they correct, [n] each; a missing price changes nothing."""
    expected = part.scale[:, 0]
    steps = np.nan_to_num(np.diff(moves, axis=1)) / expected[:, np.newaxis]
    best = REFRESHES.index("08:35")
    move = np.clip(part.move / expected, -_LARGEST, _LARGEST)
    evening = np.clip(np.nan_to_num(part.evening) / expected, -_LARGEST, _LARGEST)
    last_hour = np.clip(steps[:, best - 1], -_LARGEST, _LARGEST)
    path = np.minimum(np.abs(steps[:, :best]).sum(axis=1), _LARGEST)
    prints = np.log1p(part.count.astype(np.float64))
    return {
        "location": {"the move": move, "the evening's move": evening, "the last hour's move": last_hour},
        "width": {"size of the move": np.abs(move), "length of the path": path, "number of prints": prints},
    }


def _judged(part: Cases, quantiles: FloatArray, inputs: FloatArray, kind: str) -> Estimate:
    """The gain of a correction that is fitted to the other half of the days."""
    middle = np.sort(np.unique(part.day))[len(np.unique(part.day)) // 2]
    is_first = part.day < middle
    corrected = quantiles.copy()
    for is_fitted in (is_first, ~is_first):
        corrected[~is_fitted] = _corrected(part, quantiles, inputs, kind, is_fitted)[~is_fitted]
    losses, others = crps(part.outcome[:, 0], corrected), crps(part.outcome[:, 0], quantiles)
    return gain(losses, others, part.ticker, part.day)


def _corrected(part: Cases, quantiles: FloatArray, inputs: FloatArray, kind: str, is_fitted: BoolArray) -> FloatArray:
    """The quantiles [n, Q] with a linear correction of the location, or of the log of the width, by the inputs."""
    median = quantiles[:, _MEDIAN, np.newaxis]
    width = quantiles[:, _HIGH] - quantiles[:, _LOW]
    error = (part.outcome[:, 0] - median[:, 0]) / width
    centred = inputs - inputs[is_fitted].mean(axis=0)
    if kind == "location":
        target = np.clip(error, -_LARGEST, _LARGEST)
        weights, *_ = np.linalg.lstsq(centred[is_fitted], target[is_fitted], rcond=None)
        return np.asarray(quantiles + (centred @ weights * width)[:, np.newaxis])
    target = np.minimum(np.abs(error), _LARGEST)
    regressors = np.column_stack([np.ones(len(centred)), centred])
    weights, *_ = np.linalg.lstsq(regressors[is_fitted], target[is_fitted], rcond=None)
    stretch = np.clip(regressors @ weights / weights[0], 0.5, 2.0)
    return np.asarray(median + (quantiles - median) * stretch[:, np.newaxis])
