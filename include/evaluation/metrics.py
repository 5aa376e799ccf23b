"""How good a set of quantiles was, once the outcome is known: pinball loss, CRPS, coverage, price error.

Pure numpy and pandas. Quantile arrays hold the levels of ``contracts.QUANTILE_LEVELS`` on their last axis and may
have any leading shape; outcomes have that leading shape. An unknown outcome (NaN) scores NaN, never 0, and is left out
of means. Losses have the unit of what is forecast. Where next: ``baselines.py`` for what scores are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import CRPS_WEIGHTS, QUANTILE_COLUMNS, QUANTILE_LEVELS
from include.errors import DataContractError

FloatArray = npt.NDArray[np.float64]

BASIS_POINTS = 1e4
"""Log-return losses are kept in basis points: 1e-4 of the price, so that numbers people read have few zeros."""

INTERVAL_COLUMNS = {50: ("q25", "q75"), 80: ("q10", "q90"), 90: ("q05", "q95"), 95: ("q025", "q975")}
"""The central intervals that are reported, by nominal coverage in percent: lower and upper quantile column."""


def pinball_loss(outcomes: FloatArray, quantiles: FloatArray, levels: Sequence[float] = QUANTILE_LEVELS) -> FloatArray:
    """Pinball loss of each quantile: level * (y - q) when the outcome lies above, (1 - level) * (q - y) below.

    Shapes [...] and [..., Q] -> [..., Q], in the outcome's unit.

    Source: Koenker and Bassett, Regression Quantiles, Econometrica (1978).
    """
    error = np.asarray(outcomes, dtype=np.float64)[..., np.newaxis] - quantiles
    level = np.asarray(levels)
    return np.asarray(np.maximum(level * error, (level - 1.0) * error), dtype=np.float64)


def crps(outcomes: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Continuous ranked probability score, approximated from the nine quantiles. Shapes [...], [..., Q] -> [...].

    Twice the integral of the pinball loss over the level, by the natural-spline weights of
    ``contracts.CRPS_WEIGHTS``; in the outcome's unit, lower is better.

    Source: Gneiting and Ranjan, Comparing Density Forecasts, Journal of Business & Economic Statistics (2011).
    """
    return np.asarray(2.0 * pinball_loss(outcomes, quantiles) @ np.asarray(CRPS_WEIGHTS), dtype=np.float64)


def is_inside(outcomes: FloatArray, quantiles: FloatArray, interval: int) -> npt.NDArray[np.bool_]:
    """Whether each outcome lies in the central interval, edges included. Shapes [...], [..., Q] -> [...].

    Raises:
        DataContractError: the interval is not one of ``INTERVAL_COLUMNS``.
    """
    if interval not in INTERVAL_COLUMNS:
        message = f"There is no {interval} % interval; ask for one of {sorted(INTERVAL_COLUMNS)}."
        raise DataContractError(message)
    lower, upper = (QUANTILE_COLUMNS.index(column) for column in INTERVAL_COLUMNS[interval])
    return np.asarray((quantiles[..., lower] <= outcomes) & (outcomes <= quantiles[..., upper]), dtype=np.bool_)


def coverage(outcomes: FloatArray, quantiles: FloatArray, interval: int) -> float:
    """Share (0..1) of the known outcomes inside the central interval; NaN when none is known."""
    is_known = np.isfinite(outcomes)
    if not is_known.any():
        return float("nan")
    return float(is_inside(outcomes, quantiles, interval)[is_known].mean())


def skill(loss: FloatArray, baseline_loss: FloatArray) -> float:
    """Share (up to 1) of the baseline's mean loss that a forecast saves, over outcomes that both have a loss for.

    NaN when there are none, or when the baseline lost nothing.
    """
    is_known = np.isfinite(loss) & np.isfinite(baseline_loss)
    total = float(baseline_loss[is_known].sum())
    return 1.0 - float(loss[is_known].sum()) / total if total > 0.0 else float("nan")


def score_prices(prices: FloatArray, last_close: FloatArray, actual_close: FloatArray) -> pd.DataFrame:
    """Scores of matured forecasts, one row each in the order given.

    Args:
        prices: Forecast quantiles as prices, [N, Q], positive.
        last_close: The close each forecast started from, [N].
        actual_close: The close of its target bar, [N]; NaN scores NaN and lies in no interval.

    Returns:
        ``pinball`` (mean over the levels) and ``crps`` of the log return since the last close in basis points,
        ``absolute_error`` of the median in price units, and ``is_inside_50`` to ``is_inside_95``.
    """
    quantiles = np.log(prices / last_close[:, np.newaxis])
    outcomes = np.log(actual_close / last_close)
    median = prices[:, QUANTILE_COLUMNS.index("q50")]
    scores: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.bool_]] = {
        "pinball": pinball_loss(outcomes, quantiles).mean(axis=-1) * BASIS_POINTS,
        "crps": crps(outcomes, quantiles) * BASIS_POINTS,
        "absolute_error": np.abs(actual_close - median),
    }
    # Prices against prices, not log against log: a rounded logarithm must not move an outcome off an edge.
    scores |= {f"is_inside_{name}": is_inside(actual_close, prices, name) for name in INTERVAL_COLUMNS}
    return pd.DataFrame(scores)
