"""Calibration: how much wider or narrower a ticker's forecasts should have been, learnt from its own past alone.

Only widths are corrected. Moving the median was measured to cost accuracy, widths to cost none. Numpy only; it knows
nothing of networks. Where next: ``include/pipeline``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from include.contracts import QUANTILE_LEVELS

Floats = npt.NDArray[np.float64]

SMALLEST_FACTOR, GREATEST_FACTOR = 0.5, 2.0
"""No correction goes further; beyond it the model is at fault, not its width."""
SHRINKAGE_COUNT = 100
"""Independent outcomes at which a factor is trusted half."""
_JUDGED_COVERAGES = (0.8, 0.9)  # wide enough to matter, narrow enough to be measured on some hundred outcomes


def width_factors(quantiles: Floats, outcomes: Floats, levels: Sequence[float] = QUANTILE_LEVELS) -> Floats:
    """``[H]``: by how much to stretch the widths at each horizon; 1 where the past says nothing.

    ``quantiles [n, H, Q]`` are past uncalibrated forecasts of log returns and ``outcomes [n, H]`` what came true
    (NaN: not known yet). An outcome's score is its distance from the median over the forecast's own half-width on
    that side, so that calm and wild hours count alike; the factor is the score's quantile at the interval's coverage.
    Outcomes at horizon h overlap, so n of them count as n / h when the factor is shrunk towards 1.

    Source: Romano, Patterson & Candes (2019), "Conformalized Quantile Regression", with a score that scales the width.
    """
    factors = np.ones(quantiles.shape[1])
    for horizon in range(quantiles.shape[1]):
        known = np.isfinite(outcomes[:, horizon]) & np.isfinite(quantiles[:, horizon]).all(axis=1)
        if known.any():
            logarithm = np.mean(
                [
                    _log_factor(quantiles[known, horizon], outcomes[known, horizon], levels, coverage)
                    for coverage in _JUDGED_COVERAGES
                ]
            )
            independent = known.sum() / (horizon + 1)
            factors[horizon] = np.exp(logarithm * independent / (independent + SHRINKAGE_COUNT))
    return factors


def calibrate(quantiles: Floats, factors: Floats, levels: Sequence[float] = QUANTILE_LEVELS) -> Floats:
    """``[..., H, Q]``: the quantiles stretched about their median by ``factors [H]``; the median stays where it is."""
    middle = _position(levels, 0.5)
    median = quantiles[..., middle : middle + 1]
    return median + (quantiles - median) * factors[:, None]


def _log_factor(quantiles: Floats, outcomes: Floats, levels: Sequence[float], coverage: float) -> float:
    tail = (1.0 - coverage) / 2.0
    low, median, high = (quantiles[:, _position(levels, level)] for level in (tail, 0.5, 1.0 - tail))
    distance = outcomes - median
    width = np.where(distance > 0, high - median, median - low)
    scores = np.full(len(outcomes), GREATEST_FACTOR)
    np.divide(np.abs(distance), width, out=scores, where=width > 0)
    scores[distance == 0] = 0.0
    rank = min(int(np.ceil((len(scores) + 1) * coverage)), len(scores)) - 1
    return float(np.log(np.clip(np.sort(scores)[rank], SMALLEST_FACTOR, GREATEST_FACTOR)))


def _position(levels: Sequence[float], level: float) -> int:
    return int(np.argmin(np.abs(np.asarray(levels) - level)))
