"""Seasonal GARCH-t: a GARCH(1,1) on deseasonalised returns.

It is fitted once for each fold by maximum likelihood; its parameters are then fixed for the fold's bars. Only this
module imports ``arch``. Where next: ``evaluation/volatility.py`` for the parts.

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
"""Newest bars to which the parameters are fitted."""

LEAST_BARS = 250


@dataclass(frozen=True)
class GarchParameters:
    """Parameters of the variance of the next return: omega + alpha * last squared return + beta * last variance."""

    omega: float
    alpha: float
    beta: float

    @property
    def persistence(self) -> float:
        """Share of a shock to the variance that is left after one bar; below 1."""
        return min(self.alpha + self.beta, 0.9999)


USUAL = GarchParameters(omega=0.02, alpha=0.05, beta=0.93)
"""Typical parameters of hourly returns, used if there are too few bars or if the fit fails."""


def garch(histories: Mapping[str, History], fold: Fold) -> dict[str, FloatArray]:
    """Quantiles of the seasonal GARCH(1,1) by ticker, [m, H, Q]; a ``leaderboard.Forecaster``.

    Student's t is the distribution of the likelihood. The quantiles are empirical quantiles of standardised returns,
    because returns over several bars or over a night have other distributions.
    """
    return {
        ticker: scaled_quantiles(garch_scale(history, fold), history, fold) for ticker, history in histories.items()
    }


def garch_scale(history: History, fold: Fold) -> FloatArray:
    """Standard deviation of the log return over the next 1..H bars, at every bar. [n, H]."""
    shape = seasonal_shape(np.abs(history.log_return), history, fold.cutoff)
    deseasonalised = history.log_return / shape[history.key]
    end = int(np.searchsorted(history.closed_at, fold.cutoff, side="right"))
    past = deseasonalised[max(end - FIT_BARS, 1) : end]
    unit = float(past.std()) if len(past) else 0.0
    if unit <= FLOOR:
        return np.full((len(history), HORIZON_COUNT), FLOOR)
    parameters = fit_garch(past / unit)
    expected = expected_variances(deseasonalised / unit, parameters)
    ahead = shape[history.next_key] ** 2
    return np.maximum(np.sqrt(np.cumsum(expected * ahead, axis=1)) * unit, FLOOR)


def fit_garch(returns: FloatArray) -> GarchParameters:
    """Maximum likelihood parameters for returns [n] of variance 1, oldest first; ``USUAL`` if the fit is impossible."""
    if len(returns) < LEAST_BARS:
        return USUAL
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    fit = model.fit(disp="off", show_warning=False, options={"maxiter": 300})
    omega, alpha, beta = (float(fit.params[name]) for name in ("omega", "alpha[1]", "beta[1]"))
    is_sound = all(math.isfinite(value) for value in (omega, alpha, beta)) and omega > 0.0
    return GarchParameters(omega, alpha, beta) if is_sound else USUAL


def expected_variances(returns: FloatArray, parameters: GarchParameters) -> FloatArray:
    """Expected variance of each of the next 1..H returns, after each return. [n] -> [n, H]."""
    next_variance = np.empty(len(returns))
    variance = 1.0
    for row, squared in enumerate((returns**2).tolist()):
        variance = parameters.omega + parameters.alpha * squared + parameters.beta * variance
        next_variance[row] = variance
    long_run = parameters.omega / (1.0 - parameters.persistence)
    decay = parameters.persistence ** np.arange(HORIZON_COUNT)
    return np.asarray(long_run + decay * (next_variance - long_run)[:, np.newaxis], dtype=np.float64)
