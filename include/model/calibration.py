"""Calibration: factors for the widths of a ticker's intervals, estimated from its past forecasts and outcomes.

Only widths are corrected: correcting the median costs accuracy, correcting widths costs hardly any (measured). The 80 %
and the 90 % interval have one factor each. Each outcome moves the factors by one step, so that they adapt after a
structural break. A leak moves them back towards 1. A factor as near to 1 as chance alone brings it is shrunk to 1. A
new ticker has the factors 1: the widths that the backbone learnt from all tickers.

Before that, all forecasts of calm hours are made wider by one constant (``widen_calm``). The factors are estimated from
widened forecasts, and a stored forecast without its factors is a widened one. Numpy only. Where next:
``pipeline/models/forecasting.py``, which applies this, and ``research/calibration_trial.py``, which measures it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from include.contracts import QUANTILE_LEVELS, WIDTH_POWERS

Floats = npt.NDArray[np.float64]

SMALLEST_FACTOR, GREATEST_FACTOR = 0.5, 2.0
"""Limits of a factor. A model that needs more correction is wrong in other ways than its widths."""
STEP = 0.02
"""Step size for the log of a factor at horizon 1. For the 90 % interval, an outcome outside the interval adds 0.018 and
one inside subtracts 0.002. At horizon h steps are divided by the root of h, because outcomes overlap."""
LEAK = 0.002
"""Share of the log of a factor that each outcome removes. Outcomes older than some hundreds have little influence."""
CHANCE = 0.07
"""About the standard deviation that the log of a factor has by chance alone, where the widths are right. A log of this
size is halved; of one four times as large, 94 % are kept."""
CALM_POWER = 0.1
"""A forecast's width is multiplied by the level of volatility to minus this power, if the level is below 1."""
LOWEST_LEVEL = 0.5
"""Levels below this count as this: no forecast is widened by more than 7 %."""
JUDGED_COVERAGES = (0.8, 0.9)
"""Nominal coverages of the corrected intervals: wide, but with enough outcomes outside among some hundreds."""
_MEDIAN = QUANTILE_LEVELS.index(0.5)


def widen_calm(quantiles: Floats, log_level: npt.NDArray[np.floating], power: float = CALM_POWER) -> Floats:
    """``[..., H, Q]``: the forecasts of calm hours, wider about the median; other forecasts do not change.

    ``quantiles [..., H, Q]`` are log returns in ascending order, ``log_level [...]`` is the log of the level of
    volatility over its long-run mean (the feature ``level``). When a calm spell ends, moves are larger than the level
    expects. ``power`` is ``CALM_POWER`` in the product.
    """
    calm = np.clip(log_level.astype(np.float64), np.log(LOWEST_LEVEL), 0.0)
    median = quantiles[..., _MEDIAN, np.newaxis]
    stretch = np.exp(-power * calm)[..., np.newaxis, np.newaxis]
    return np.asarray(median + (quantiles - median) * stretch, dtype=np.float64)


def width_factors(quantiles: Floats, outcomes: Floats) -> Floats:
    """``[H, 2]``: the width factors of the 80 % and the 90 % interval at each horizon; 1 without known outcomes.

    ``quantiles [n, H, Q]`` are past uncalibrated forecasts of log returns, oldest first, and ``outcomes [n, H]`` their
    outcomes (NaN: not known yet).
    """
    return factors_of(interval_scores(quantiles, outcomes))


def interval_scores(quantiles: Floats, outcomes: Floats) -> Floats:
    """``[n, H, 2]``: each outcome's distance from the median over the interval's half-width on the outcome's side.

    An outcome with a score of 1 is on the interval's edge. NaN if the outcome is not known. The arguments are those of
    ``width_factors``.
    """
    return np.stack([_scores(quantiles, outcomes, coverage) for coverage in JUDGED_COVERAGES], axis=-1)


def factors_of(scores: Floats, *, step: float = STEP, leak: float = LEAK, chance: float = CHANCE) -> Floats:
    """``[..., H, 2]``: the width factors after ``scores [..., n, H, 2]``, oldest first.

    A score above its factor adds a step times the nominal coverage to the log of the factor. A score below subtracts a
    step times (1 - nominal coverage). Without the leak, the share of outcomes inside converges to the nominal coverage.
    Unknown scores (NaN) change nothing. The log z of the result is shrunk to z³ / (z² + chance²).
    The constants are those of the product unless given.

    Source: Gibbs & Candes (2021), "Adaptive Conformal Inference Under Distribution Shift", applied to the log of the
    width instead of the level, with a leak.
    """
    missed = 1.0 - np.asarray(JUDGED_COVERAGES)
    steps = step / np.sqrt(np.arange(1.0, scores.shape[-2] + 1.0))[:, np.newaxis]
    known = np.isfinite(scores)
    logarithms = np.zeros((*scores.shape[:-3], *scores.shape[-2:]))
    limits = np.log([SMALLEST_FACTOR, GREATEST_FACTOR])
    for place in range(scores.shape[-3]):
        is_outside = scores[..., place, :, :] > np.exp(logarithms)
        moved = np.clip((1.0 - leak) * logarithms + steps * (is_outside - missed), *limits)
        logarithms = np.where(known[..., place, :, :], moved, logarithms)
    squares = logarithms**2
    return np.asarray(np.exp(logarithms * squares / (squares + chance**2)), dtype=np.float64)


def calibrate(quantiles: Floats, factors: Floats) -> Floats:
    """``[..., H, Q]``: the quantiles with their distances from the median multiplied; the median does not change.

    ``factors [..., H, 2]`` are those of the 80 % and the 90 % interval. The tails (2.5, 5, 95 and 97.5 %) use that of
    the 90 % interval, the 10 and 90 % quantiles that of the 80 % interval. The quartiles use the square root of the
    latter, because their width is rarely as wrong. Quantiles that would cross are set to the same value.
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
    """The scores for one nominal coverage; NaN if the outcome or a quantile is not known. [n, H]."""
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
