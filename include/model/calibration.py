"""Calibration: how much wider or narrower a ticker's forecasts should have been, learnt from its own past alone.

Only widths are corrected. Moving the median was measured to cost accuracy, widths to cost next to none. The 80 % and
the 90 % interval are corrected each by its own past: one factor for both would have to be moved twice as fast to bring
both right, which costs twice as much accuracy. The correction follows the outcomes one by one, so that it recovers
after a break, and forgets, so that it is 1 where the past says nothing: a new ticker is served by the backbone's own,
pooled widths. Numpy only; it knows nothing of networks. Where next: ``include/pipeline``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from include.contracts import QUANTILE_LEVELS, WIDTH_POWERS

Floats = npt.NDArray[np.float64]

SMALLEST_FACTOR, GREATEST_FACTOR = 0.5, 2.0
"""No correction goes further; beyond it the model is at fault, not its width."""
STEP = 0.03
"""How far one outcome moves the log of a factor at horizon 1: that of the 90 % interval up by 0.027 if it fell outside,
down by 0.003 if inside. At horizon h, whose outcomes overlap, steps are shorter by the root of h."""
LEAK = 0.004
"""Share of the log of a factor that each outcome takes away: what is older than a few hundred is forgotten."""
JUDGED_COVERAGES = (0.8, 0.9)
"""The intervals that factors are found for: wide enough to matter, narrow enough to be measured on some hundreds."""
_MEDIAN = QUANTILE_LEVELS.index(0.5)


def width_factors(quantiles: Floats, outcomes: Floats) -> Floats:
    """``[H, 2]``: by how much to stretch the 80 and the 90 % interval at each horizon; 1 where the past says nothing.

    ``quantiles [n, H, Q]`` are past uncalibrated forecasts of log returns, oldest first, and ``outcomes [n, H]`` what
    came true (NaN: not known yet).
    """
    return factors_of(interval_scores(quantiles, outcomes))


def interval_scores(quantiles: Floats, outcomes: Floats) -> Floats:
    """``[n, H, 2]``: how far each outcome lay from the median, over the half-width on that side of each interval.

    A score of 1 lies on the interval's edge, whether the hour was calm or wild; NaN where nothing is known. Arguments
    as of ``width_factors``.
    """
    return np.stack([_scores(quantiles, outcomes, coverage) for coverage in JUDGED_COVERAGES], axis=-1)


def factors_of(scores: Floats) -> Floats:
    """``[..., H, 2]``: the width factors that follow from ``scores [..., n, H, 2]``, oldest first.

    Each outcome moves its horizon's factors: up if its score was above the factor, down by less if below, in the
    proportion that keeps the coverage.

    Source: Gibbs & Candes (2021), "Adaptive Conformal Inference Under Distribution Shift", on the log of the width in
    place of the level, with a leak.
    """
    missed = 1.0 - np.asarray(JUDGED_COVERAGES)
    steps = STEP / np.sqrt(np.arange(1.0, scores.shape[-2] + 1.0))[:, np.newaxis]
    known = np.isfinite(scores)
    logarithms = np.zeros((*scores.shape[:-3], *scores.shape[-2:]))
    limits = np.log([SMALLEST_FACTOR, GREATEST_FACTOR])
    for place in range(scores.shape[-3]):
        is_outside = scores[..., place, :, :] > np.exp(logarithms)
        moved = np.clip((1.0 - LEAK) * logarithms + steps * (is_outside - missed), *limits)
        logarithms = np.where(known[..., place, :, :], moved, logarithms)
    return np.asarray(np.exp(logarithms), dtype=np.float64)


def calibrate(quantiles: Floats, factors: Floats) -> Floats:
    """``[..., H, Q]``: the quantiles stretched about their median by ``factors [..., H, 2]``; the median stays.

    The tails follow the 90 % interval's factor, their neighbours the 80 % interval's, the quartiles the root of that:
    they are hardly ever as wrong as the tails. Quantiles that would cross meet instead.
    """
    powers = np.asarray(WIDTH_POWERS, dtype=np.float64)
    stretch = np.exp(np.log(factors) @ powers.T)  # [..., H, Q]
    distance = (quantiles - quantiles[..., _MEDIAN, np.newaxis]) * stretch
    below = np.minimum.accumulate(distance[..., _MEDIAN::-1], axis=-1)[..., ::-1]
    above = np.maximum.accumulate(distance[..., _MEDIAN:], axis=-1)[..., 1:]
    return np.asarray(
        quantiles[..., _MEDIAN, np.newaxis] + np.concatenate([below, above], axis=-1),
        dtype=np.float64,
    )


def _scores(quantiles: Floats, outcomes: Floats, coverage: float) -> Floats:
    """Distance from the median over the half-width of the interval on that side; NaN where nothing is known. [n, H]."""
    tail = (1.0 - coverage) / 2.0
    low, median, high = (quantiles[..., _position(level)] for level in (tail, 0.5, 1.0 - tail))
    distance = outcomes - median
    width = np.where(distance > 0, high - median, median - low)
    scores = np.where(distance == 0.0, 0.0, GREATEST_FACTOR + 1.0)
    np.divide(np.abs(distance), width, out=scores, where=width > 0)
    is_known = np.isfinite(outcomes) & np.isfinite(quantiles).all(axis=-1)
    return np.where(is_known, scores, np.nan)


def _position(level: float) -> int:
    return int(np.argmin(np.abs(np.asarray(QUANTILE_LEVELS) - level)))
