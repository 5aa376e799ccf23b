"""Tests of a forecaster's residuals, their correlograms, and a series as trend, time of day and rest.

Plain numpy, so that the product needs no statistics library; the tests compare every number with statsmodels and arch.
A residual is an outcome over the forecast's width. With a perfect forecast of volatility the residuals are independent;
they need not be normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

LAGS: Final = 20
"""Lags of every test and correlogram; an even number, for which the chi-squared distribution is a finite sum."""
LEAST_VALUES: Final = 100
TESTS: Final = ("normal", "has_unit_root", "uncorrelated", "squares_uncorrelated", "no_arch")

_BELOW: Final = (2.1659, 1.4412, 0.038269)
_ABOVE: Final = (1.7339, 0.93202, -0.12745, -0.010368)
_TURN: Final = -1.61
_LEAST: Final = -18.83

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decomposition:
    """A series as the sum of a slow trend, a part of the time of day, and the rest; [n] each, NaN without a trend."""

    trend: Values
    season: Values
    rest: Values

    def shares(self) -> dict[str, float]:
        """Shares (0..1) of trend, season and rest in the sum of their variances."""
        parts = {"trend": self.trend, "season": self.season, "rest": self.rest}
        variances = {name: float(np.nanvar(values)) for name, values in parts.items()}
        total = sum(variances.values()) or 1.0
        return {name: variance / total for name, variance in variances.items()}


def residual_tests(values: Values) -> dict[str, float]:
    """P-values by null hypothesis; below 0.05 it is rejected. NaN with fewer than 100 values or no variance.

    ``normal`` Jarque-Bera; ``has_unit_root`` augmented Dickey-Fuller with 20 lags and a constant; ``uncorrelated`` and
    ``squares_uncorrelated`` Ljung-Box over 20 lags; ``no_arch`` Engle's LM test over 20 lags.
    """
    if len(values) < LEAST_VALUES or float(values.std()) == 0.0:
        return dict.fromkeys(TESTS, float("nan"))
    numbers = (
        _jarque_bera(values),
        _dickey_fuller(values),
        _ljung_box(values),
        _ljung_box(values**2),
        _arch(values),
    )
    return dict(zip(TESTS, numbers, strict=True))


def autocorrelations(values: Values) -> Values:
    """Autocorrelations at lags 1 to 20. [20]."""
    centred = values - values.mean()
    total = float(centred @ centred)
    return np.array([float(centred[lag:] @ centred[:-lag]) / total for lag in range(1, LAGS + 1)])


def partial_autocorrelations(values: Values) -> Values:
    """Partial autocorrelations at lags 1 to 20, from the autocorrelations by the Durbin-Levinson recursion. [20]."""
    known = autocorrelations(values)
    found = np.empty(LAGS)
    weights = np.empty(0)
    for lag in range(LAGS):
        left = known[lag] - float(weights @ known[:lag][::-1])
        found[lag] = left / (1.0 - float(weights @ known[:lag]))
        weights = np.append(weights - found[lag] * weights[::-1], found[lag])
    return found


def decompose(values: Values, slots: Sequence[Any], trend_rows: int) -> Decomposition:
    """A series as trend (a centred mean of about ``trend_rows`` values), the mean of each slot beside it, and the rest.

    ``slots`` [n] names each value's time of day. The first and last values have no trend, so no rest either.
    """
    half = max(trend_rows // 2, 1)
    trend = np.full(len(values), np.nan)
    if len(values) > 2 * half:
        trend[half:-half] = np.convolve(values, np.full(2 * half + 1, 1.0 / (2 * half + 1)), mode="valid")
    beside = values - trend
    _, codes = np.unique(np.asarray(slots).astype(str), return_inverse=True)
    known = np.isfinite(beside)
    counts = np.bincount(codes[known], minlength=int(codes.max(initial=0)) + 1)
    sums = np.bincount(codes[known], beside[known], minlength=len(counts))
    means = np.divide(sums, counts, out=np.zeros(len(counts)), where=counts > 0)
    season = means[codes] - (float(means[codes[known]].mean()) if known.any() else 0.0)
    return Decomposition(trend, season, beside - season)


def skill_with_error(ours: Values, other: Values) -> tuple[float, float]:
    """Skill, 1 less the ratio of two sums of losses, and its standard error; a day is one observation. [days] each.

    The error is NaN with fewer than two days; both are NaN where the other's losses sum to 0.
    """
    total = float(other.sum())
    if not total:
        return float("nan"), float("nan")
    skill = 1.0 - float(ours.sum()) / total
    if len(other) < 2:
        return skill, float("nan")
    spread = (1.0 - skill) * other - ours
    return skill, math.sqrt(float(spread @ spread) * len(other) / (len(other) - 1)) / total


def _jarque_bera(values: Values) -> float:
    unit = (values - values.mean()) / values.std()
    skewness, kurtosis = float((unit**3).mean()), float((unit**4).mean())
    return math.exp(-len(values) / 12.0 * (skewness**2 + (kurtosis - 3.0) ** 2 / 4.0))


def _ljung_box(values: Values) -> float:
    count = len(values)
    squares = autocorrelations(values) ** 2
    return _chi_squared_above(count * (count + 2) * float((squares / (count - np.arange(1, LAGS + 1))).sum()))


def _arch(values: Values) -> float:
    """Engle's test: the share of the squares' variance that their lags explain."""
    lagged = _lagged(values**2, LAGS)
    target, inputs = lagged[:, 0], np.column_stack([np.ones(len(lagged)), lagged[:, 1:]])
    left = target - inputs @ np.linalg.lstsq(inputs, target, rcond=None)[0]
    spread = target - target.mean()
    return _chi_squared_above(len(target) * (1.0 - float(left @ left) / float(spread @ spread)))


def _dickey_fuller(values: Values) -> float:
    """Source: MacKinnon, Approximate Asymptotic Distribution Functions for Unit-Root Tests (1994)."""
    steps = _lagged(np.diff(values), LAGS)
    level = values[LAGS : len(values) - 1]
    inputs = np.column_stack([level, steps[:, 1:], np.ones(len(steps))])
    weights = np.linalg.lstsq(inputs, steps[:, 0], rcond=None)[0]
    left = steps[:, 0] - inputs @ weights
    variance = float(left @ left) / (len(left) - inputs.shape[1]) * np.linalg.inv(inputs.T @ inputs)[0, 0]
    statistic = float(weights[0]) / math.sqrt(variance)
    if statistic < _LEAST:
        return 0.0
    weight = _BELOW if statistic <= _TURN else _ABOVE
    return 0.5 * math.erfc(-float(np.polynomial.Polynomial(weight)(statistic)) / math.sqrt(2.0))


def _lagged(values: Values, lags: int) -> Values:
    """Each value from the one after ``lags`` on, with the values before it, the newest first. [n - lags, 1 + lags]."""
    return np.lib.stride_tricks.sliding_window_view(values, lags + 1)[:, ::-1]


def _chi_squared_above(value: float) -> float:
    """The probability that a chi-squared variable with ``LAGS`` degrees of freedom exceeds the value."""
    half = value / 2.0
    terms = (math.exp(-half + place * math.log(half) - math.lgamma(place + 1)) for place in range(LAGS // 2))
    return min(1.0, sum(terms)) if half > 0.0 else 1.0
