"""Scores of quantile forecasts: pinball loss, CRPS, coverage, price error.

Pure numpy and pandas. Quantile arrays have the levels of ``contracts.QUANTILE_LEVELS`` on their last axis, and any
leading shape; outcomes have that leading shape. An unknown outcome (NaN) has the score NaN, never 0, and is left out of
means. Losses are in the unit of the outcome. Where next: ``baselines.py`` for the baseline.
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
"""Log-return losses are stored in basis points, 1e-4 of the price, so that readers see few zeros."""

INTERVAL_COLUMNS = {50: ("q25", "q75"), 80: ("q10", "q90"), 90: ("q05", "q95"), 95: ("q025", "q975")}
"""The reported central intervals: nominal coverage in percent -> columns of the lower and the upper quantile."""


def pinball_loss(outcomes: FloatArray, quantiles: FloatArray, levels: Sequence[float] = QUANTILE_LEVELS) -> FloatArray:
    """Pinball loss of each quantile: level * (y - q) if the outcome y is above q, (1 - level) * (q - y) if below.

    Shapes [...] and [..., Q] -> [..., Q], in the outcome's unit.

    Source: Koenker and Bassett, Regression Quantiles, Econometrica (1978).
    """
    error = np.asarray(outcomes, dtype=np.float64)[..., np.newaxis] - quantiles
    level = np.asarray(levels)
    return np.asarray(np.maximum(level * error, (level - 1.0) * error), dtype=np.float64)


def crps(outcomes: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Continuous ranked probability score, approximated from the nine quantiles. Shapes [...], [..., Q] -> [...].

    It is twice the integral of the pinball loss over the level, with the natural-spline weights of
    ``contracts.CRPS_WEIGHTS``. In the outcome's unit; lower is better.

    Source: Gneiting and Ranjan, Comparing Density Forecasts, Journal of Business & Economic Statistics (2011).
    """
    return np.asarray(2.0 * pinball_loss(outcomes, quantiles) @ np.asarray(CRPS_WEIGHTS), dtype=np.float64)


def is_inside(outcomes: FloatArray, quantiles: FloatArray, interval: int) -> npt.NDArray[np.bool_]:
    """Whether each outcome is in the central interval, edges included. Shapes [...], [..., Q] -> [...].

    Raises:
        DataContractError: the interval is not one of ``INTERVAL_COLUMNS``.
    """
    if interval not in INTERVAL_COLUMNS:
        message = f"There is no {interval} % interval; choose one of {sorted(INTERVAL_COLUMNS)}."
        raise DataContractError(message)
    lower, upper = (QUANTILE_COLUMNS.index(column) for column in INTERVAL_COLUMNS[interval])
    return np.asarray((quantiles[..., lower] <= outcomes) & (outcomes <= quantiles[..., upper]), dtype=np.bool_)


def coverage(outcomes: FloatArray, quantiles: FloatArray, interval: int) -> float:
    """Share (0..1) of the known outcomes inside the central interval; NaN if none is known."""
    is_known = np.isfinite(outcomes)
    if not is_known.any():
        return float("nan")
    return float(is_inside(outcomes, quantiles, interval)[is_known].mean())


def skill(loss: FloatArray, baseline_loss: FloatArray) -> float:
    """Skill: 1 - mean loss / the baseline's mean loss, over the rows where both losses are known; at most 1.

    NaN if there is no such row, or if the baseline's loss is 0.
    """
    is_known = np.isfinite(loss) & np.isfinite(baseline_loss)
    total = float(baseline_loss[is_known].sum())
    return 1.0 - float(loss[is_known].sum()) / total if total > 0.0 else float("nan")


def score_prices(prices: FloatArray, last_close: FloatArray, actual_close: FloatArray) -> pd.DataFrame:
    """Scores of matured forecasts, one row each, in their order.

    Args:
        prices: Forecast quantiles as prices, [N, Q], positive.
        last_close: Close of the bar at which each forecast was made, [N].
        actual_close: Close of the target bar, [N]; with NaN the scores are NaN and the outcome is in no interval.

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
    # Prices are compared, not logarithms: rounding a logarithm could move an outcome across the edge of an interval.
    scores |= {f"is_inside_{name}": is_inside(actual_close, prices, name) for name in INTERVAL_COLUMNS}
    return pd.DataFrame(scores)
