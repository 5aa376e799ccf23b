"""Calibration: how much wider or narrower a ticker's forecasts should have been, learnt from its own past alone.

Only widths are corrected. Moving the median was measured to cost accuracy, widths to cost next to none. The correction
follows the outcomes one by one, so that it recovers after a break, and forgets, so that it is 1 where the past says
nothing: a new ticker is served by the backbone's own, pooled widths. Numpy only; it knows nothing of networks. Where
next: ``include/pipeline``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from include.contracts import QUANTILE_LEVELS

Floats = npt.NDArray[np.float64]

SMALLEST_FACTOR, GREATEST_FACTOR = 0.5, 2.0
"""No correction goes further; beyond it the model is at fault, not its width."""
STEP = 0.04
"""How far one outcome moves the log of the factor at horizon 1: up by 0.036 if it fell outside of the 90 % interval,
down by 0.004 if inside. At horizon h, whose outcomes overlap, steps are shorter by the root of h."""
LEAK = 0.004
"""Share of the log of the factor that each outcome takes away: what is older than a few hundred is forgotten."""
_JUDGED_COVERAGES = (0.8, 0.9)  # wide enough to matter, narrow enough to be measured on some hundred outcomes


def width_factors(quantiles: Floats, outcomes: Floats, levels: Sequence[float] = QUANTILE_LEVELS) -> Floats:
    """``[H]``: by how much to stretch the widths at each horizon; 1 where the past says nothing.

    ``quantiles [n, H, Q]`` are past uncalibrated forecasts of log returns, oldest first, and ``outcomes [n, H]`` what
    came true (NaN: not known yet). An outcome's score is its distance from the median over the forecast's own
    half-width on that side, so that calm and wild hours count alike. Each outcome moves its horizon's factor: up if its
    score was above the factor, down by less if below, in the proportion that keeps the coverage; the factors found for
    80 and for 90 % are averaged.

    Source: Gibbs & Candes (2021), "Adaptive Conformal Inference Under Distribution Shift", on the log of the width in
    place of the level, with a leak.
    """
    scores = np.stack([_scores(quantiles, outcomes, levels, coverage) for coverage in _JUDGED_COVERAGES], axis=-1)
    missed = 1.0 - np.asarray(_JUDGED_COVERAGES)
    steps = STEP / np.sqrt(np.arange(1.0, outcomes.shape[1] + 1.0))[:, np.newaxis]
    known = np.isfinite(scores)
    logarithms = np.zeros(scores.shape[1:])
    limits = np.log([SMALLEST_FACTOR, GREATEST_FACTOR])
    for score, is_known in zip(scores, known, strict=True):
        moved = (1.0 - LEAK) * logarithms + steps * ((score > np.exp(logarithms)) - missed)
        logarithms = np.where(is_known, np.clip(moved, *limits), logarithms)
    return np.asarray(np.exp(logarithms.mean(axis=1)), dtype=np.float64)


def calibrate(quantiles: Floats, factors: Floats, levels: Sequence[float] = QUANTILE_LEVELS) -> Floats:
    """``[..., H, Q]``: the quantiles stretched about their median by ``factors [H]``; the median stays where it is."""
    middle = _position(levels, 0.5)
    median = quantiles[..., middle : middle + 1]
    return median + (quantiles - median) * factors[:, None]


def _scores(quantiles: Floats, outcomes: Floats, levels: Sequence[float], coverage: float) -> Floats:
    """Distance from the median over the half-width of the interval on that side; NaN where nothing is known. [n, H]."""
    tail = (1.0 - coverage) / 2.0
    low, median, high = (quantiles[..., _position(levels, level)] for level in (tail, 0.5, 1.0 - tail))
    distance = outcomes - median
    width = np.where(distance > 0, high - median, median - low)
    scores = np.where(distance == 0.0, 0.0, GREATEST_FACTOR + 1.0)
    np.divide(np.abs(distance), width, out=scores, where=width > 0)
    is_known = np.isfinite(outcomes) & np.isfinite(quantiles).all(axis=-1)
    return np.where(is_known, scores, np.nan)


def _position(levels: Sequence[float], level: float) -> int:
    return int(np.argmin(np.abs(np.asarray(levels) - level)))
