"""Tests of a forecaster's residuals, and the decomposition of a ticker's ranges, for the report.

A residual is the outcome at horizon 1 over the forecast's width. With a perfect volatility forecast the residuals are
independent; they need not be normal, because the quantiles assume no distribution. Only this module imports
``statsmodels``. Where next: ``report.py``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.diagnostic import acorr_ljungbox, het_arch  # type: ignore[import-untyped]
from statsmodels.stats.stattools import jarque_bera  # type: ignore[import-untyped]
from statsmodels.tsa.seasonal import STL  # type: ignore[import-untyped]
from statsmodels.tsa.stattools import acf, adfuller, pacf  # type: ignore[import-untyped]

from include.contracts import QUANTILE_COLUMNS
from include.evaluation.history import FloatArray, History
from include.evaluation.leaderboard import Leaderboard

LAGS = 20
LEAST_ROWS = 100
NORMAL_QUARTILES = 1.349
"""Distance between the quartiles of a normal distribution, in standard deviations."""

_LOWER, _UPPER = QUANTILE_COLUMNS.index("q25"), QUANTILE_COLUMNS.index("q75")


def residuals(board: Leaderboard, name: str, ticker: str) -> FloatArray:
    """Known outcomes at horizon 1 over the standard deviation implied by the forecast's quartiles. [n]."""
    quantiles = board.quantiles[name][ticker][:, 0]
    width = (quantiles[:, _UPPER] - quantiles[:, _LOWER]) / NORMAL_QUARTILES
    outcome = board.rows[ticker].outcome[:, 0]
    is_known = np.isfinite(outcome) & np.isfinite(width) & (width > 0.0)
    return np.asarray(outcome[is_known] / width[is_known], dtype=np.float64)


def residual_tests(values: FloatArray) -> dict[str, float]:
    """P-values by null hypothesis; below 0.05 the hypothesis is rejected.

    ``normal`` Jarque-Bera; ``has_unit_root`` augmented Dickey-Fuller; ``uncorrelated`` and ``squares_uncorrelated``
    Ljung-Box over 20 lags; ``no_arch`` Engle's LM test over 20 lags. NaN with fewer than 100 values or no variance.
    """
    names = ("normal", "has_unit_root", "uncorrelated", "squares_uncorrelated", "no_arch")
    if len(values) < LEAST_ROWS or float(values.std()) == 0.0:
        return dict.fromkeys(names, float("nan"))
    numbers = (
        jarque_bera(values)[1],
        adfuller(values, maxlag=LAGS, autolag=None, result_object=True).pvalue,
        acorr_ljungbox(values, lags=[LAGS])["lb_pvalue"].iloc[0],
        acorr_ljungbox(values**2, lags=[LAGS])["lb_pvalue"].iloc[0],
        het_arch(values, nlags=LAGS, result_object=True).lmpval,
    )
    return dict(zip(names, (float(number) for number in numbers), strict=True))


def residual_table(board: Leaderboard, name: str) -> pd.DataFrame:
    """``residual_tests`` of all tickers, one row each."""
    records = {ticker: residual_tests(residuals(board, name, ticker)) for ticker in board.rows}
    return pd.DataFrame.from_dict(records, orient="index")


def correlograms(values: FloatArray) -> dict[str, FloatArray]:
    """Autocorrelations at lags 1..20, partial ones, and those of the absolute values. [20] each."""
    return {
        "acf": np.asarray(acf(values, nlags=LAGS, fft=True)[1:], dtype=np.float64),
        "pacf": np.asarray(pacf(values, nlags=LAGS, method="ywm")[1:], dtype=np.float64),
        "acf of size": np.asarray(acf(np.abs(values), nlags=LAGS, fft=True)[1:], dtype=np.float64),
    }


def decomposition(history: History, rows: int) -> pd.DataFrame:
    """The log true range of the newest ``rows`` bars as trend + season + rest. Columns: value, trend, season, rest.

    Source: Cleveland and others, STL: A Seasonal-Trend Decomposition Procedure Based on Loess (1990).
    """
    period = max(int(history.session_bars), 2)
    log_range = np.log(np.maximum(history.true_range[-rows:], 1e-6))
    parts = STL(log_range, period=period, seasonal=35, robust=True).fit()
    return pd.DataFrame({"value": log_range, "trend": parts.trend, "season": parts.seasonal, "rest": parts.resid})


def explained_shares(parts: pd.DataFrame) -> dict[str, float]:
    """Shares (0..1) of trend, season and rest in the sum of the three variances."""
    variances = {name: float(parts[name].var()) for name in ("trend", "season", "rest")}
    total = sum(variances.values()) or 1.0
    return {name: variance / total for name, variance in variances.items()}
