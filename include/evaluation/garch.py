"""Seasonal GARCH-t: the econometrician's rival, on returns divided by their seasonal shape.

Pure; only this module knows ``arch``. Fitted once a fold by maximum likelihood, then run through the fold's bars with
fixed parameters. Where next: ``volatility.py`` for the parts.

Source: Bollerslev, A Conditionally Heteroskedastic Time Series Model, Review of Economics and Statistics (1987), on
deseasonalised returns as in Andersen and Bollerslev, Journal of Empirical Finance (1997).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from arch import arch_model

from include.contracts import HORIZON_COUNT
from include.evaluation.history import FloatArray, History
from include.evaluation.volatility import FLOOR, scaled_quantiles, seasonal_shape
from include.evaluation.walkforward import Fold

FIT_BARS = 4000
"""Newest bars that the parameters are fitted to."""

LEAST_BARS = 250


@dataclass(frozen=True)
class GarchParameters:
    """Variance of the next standardised return: omega + alpha * newest squared return + beta * newest variance."""

    omega: float
    alpha: float
    beta: float

    @property
    def persistence(self) -> float:
        """How much of a shock to the variance is left a bar later; below 1."""
        return min(self.alpha + self.beta, 0.9999)


USUAL = GarchParameters(omega=0.02, alpha=0.05, beta=0.93)
"""What hourly returns usually give; taken where there is too little to fit to, or the fit fails."""


def garch(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Forecasts of the seasonal GARCH(1,1) with Student's t, a ``leaderboard.Forecaster``.

    The fitted t prices the likelihood; the quantiles are empirical ones of standardised returns, which sums of several
    bars and returns over nights need.
    """
    return {
        ticker: scaled_quantiles(garch_scale(history, fold), history, fold) for ticker, history in histories.items()
    }


def garch_scale(history: History, fold: Fold) -> FloatArray:
    """Standard deviation of the log return over the next 1..H bars, at every bar. [n, H]."""
    shape = seasonal_shape(np.abs(history.log_return), history, fold.cutoff)
    calm = history.log_return / shape[history.key]
    end = int(np.searchsorted(history.closed_at, fold.cutoff, side="right"))
    past = calm[max(end - FIT_BARS, 1) : end]
    unit = float(past.std()) if len(past) else 0.0
    if unit <= FLOOR:
        return np.full((len(history), HORIZON_COUNT), FLOOR)
    parameters = fit_garch(past / unit)
    expected = expected_variances(calm / unit, parameters)
    ahead = shape[history.next_key] ** 2
    return np.maximum(np.sqrt(np.cumsum(expected * ahead, axis=1)) * unit, FLOOR)


def fit_garch(returns: FloatArray) -> GarchParameters:
    """Maximum likelihood parameters for returns of variance 1, oldest first. [n]."""
    if len(returns) < LEAST_BARS:
        return USUAL
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    fit = model.fit(disp="off", show_warning=False, options={"maxiter": 300})
    omega, alpha, beta = (float(fit.params[name]) for name in ("omega", "alpha[1]", "beta[1]"))
    is_sound = all(math.isfinite(value) for value in (omega, alpha, beta)) and omega > 0.0
    return GarchParameters(omega, alpha, beta) if is_sound else USUAL


def expected_variances(returns: FloatArray, parameters: GarchParameters) -> FloatArray:
    """Variance to expect of each of the next 1..H returns, after every return. [n] -> [n, H]."""
    next_variance = np.empty(len(returns))
    variance = 1.0
    for row, squared in enumerate((returns**2).tolist()):
        variance = parameters.omega + parameters.alpha * squared + parameters.beta * variance
        next_variance[row] = variance
    settled = parameters.omega / (1.0 - parameters.persistence)
    fading = parameters.persistence ** np.arange(HORIZON_COUNT)
    return np.asarray(settled + fading * (next_variance - settled)[:, np.newaxis], dtype=np.float64)
