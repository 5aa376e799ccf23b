"""What is left in a forecaster's residuals, and what a ticker's ranges are made of: tests for the report.

Pure; only this module knows ``statsmodels``. A residual is the outcome at horizon 1 over the forecast's own width, so a
perfect volatility forecast leaves nothing but independent noise; that noise need not be normal, since quantiles are
not told from a normal. Where next: ``report.py``.
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
"""Distance of a normal's quartiles in standard deviations."""

_LOWER, _UPPER = QUANTILE_COLUMNS.index("q25"), QUANTILE_COLUMNS.index("q75")


def residuals(board: Leaderboard, name: str, ticker: str) -> FloatArray:
    """Outcomes at horizon 1 over the deviation that the forecast's quartiles stand for; unknown ones left out."""
    answers = board.quantiles[name][ticker][:, 0]
    width = (answers[:, _UPPER] - answers[:, _LOWER]) / NORMAL_QUARTILES
    outcome = board.rows[ticker].outcome[:, 0]
    is_known = np.isfinite(outcome) & np.isfinite(width) & (width > 0.0)
    return np.asarray(outcome[is_known] / width[is_known], dtype=np.float64)


def residual_tests(values: FloatArray) -> dict[str, float]:
    """P-values of the usual tests: below 0.05 the hypothesis in the name is rejected.

    ``normal`` Jarque-Bera; ``has_unit_root`` augmented Dickey-Fuller; ``uncorrelated`` and ``squares_uncorrelated``
    Ljung-Box over 20 lags; ``no_arch`` Engle's LM test over 20 lags. NaN with fewer than 100 values or no spread.
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
    """``residual_tests`` of every ticker, a row each."""
    lines = {ticker: residual_tests(residuals(board, name, ticker)) for ticker in board.rows}
    return pd.DataFrame.from_dict(lines, orient="index")


def correlograms(values: FloatArray) -> dict[str, FloatArray]:
    """Autocorrelations at lags 1..20: of the values, partial ones, and of their absolute size. [20] each."""
    return {
        "acf": np.asarray(acf(values, nlags=LAGS, fft=True)[1:], dtype=np.float64),
        "pacf": np.asarray(pacf(values, nlags=LAGS, method="ywm")[1:], dtype=np.float64),
        "acf of size": np.asarray(acf(np.abs(values), nlags=LAGS, fft=True)[1:], dtype=np.float64),
    }


def decomposition(history: History, rows: int) -> pd.DataFrame:
    """The log true range of the newest ``rows`` bars as trend + season + rest: columns value, trend, season, rest.

    Source: Cleveland and others, STL: A Seasonal-Trend Decomposition Procedure Based on Loess (1990).
    """
    period = max(int(history.session_bars), 2)
    reach = np.log(np.maximum(history.true_range[-rows:], 1e-6))
    parts = STL(reach, period=period, seasonal=35, robust=True).fit()
    return pd.DataFrame({"value": reach, "trend": parts.trend, "season": parts.seasonal, "rest": parts.resid})


def explained_shares(parts: pd.DataFrame) -> dict[str, float]:
    """Share (0..1) of the spread of all three parts that is trend, season and rest."""
    spreads = {name: float(parts[name].var()) for name in ("trend", "season", "rest")}
    total = sum(spreads.values()) or 1.0
    return {name: spread / total for name, spread in spreads.items()}
