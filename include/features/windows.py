"""From stored feature rows to the arrays a model reads: inputs, targets in scaled units, and windows over them.

Pure. An input is a fixed transform of one feature row, with no statistics of a window or of a training set in it, so
it never has to be stored, refitted or kept in step with a checkpoint. Where next: ``frame.py`` for the rows,
``include/model`` for who reads the arrays (it never sees a DataFrame).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import FEATURE_COLUMNS, HORIZON_COUNT, SCALE_COLUMNS
from include.errors import DataContractError
from include.features.rolling import FloatArray

INPUT_LIMIT = 5.0
"""Inputs are clipped to plus and minus this."""

VOLATILITY_FLOOR = 1e-6
"""Least volatility that inputs are divided by: a constant price gives inputs of 0."""

TYPICAL_LOG_VOLATILITY = -5.5
"""Log of a usual hourly volatility (0.4 %), so that the volatility's own input lies around 0."""

RETURN_SPANS = (1, 3, 7, 14, 35)
PASSED_THROUGH = (
    "has_volume",
    "obv_ratio_20",
    "slot_sin",
    "slot_cos",
    "weekday_sin",
    "weekday_cos",
    "minutes_to_close_ratio",
    "is_session_first",
)
"""Feature columns that already lie in -1..1."""


@dataclass(frozen=True)
class Series:
    """One ticker's arrays, ordered by time: n rows.

    ``x`` float32 [n, F] model inputs, finite, in -5..5; ``y`` float32 [n, H] log return to the target's close over its
    scale, 0 where there is none; ``has_target`` bool [n, H] whether the target bar is among the given ones;
    ``scale`` float32 [n, H]; ``close`` float64 [n]; ``closed_at`` datetime64[us] [n], UTC.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    has_target: npt.NDArray[np.bool_]
    scale: npt.NDArray[np.float32]
    close: FloatArray
    closed_at: npt.NDArray[np.datetime64]


def make_series(features: pd.DataFrame, bars: pd.DataFrame) -> Series:
    """One ticker's arrays from its feature rows and its bars, joined on ``closed_at``; rows without both are left out.

    A row's target of horizon h is the bar whose ``bar_number`` is h greater; it counts only when it is among ``bars``,
    so what was not known at the read is not learnt from.

    Args:
        features: ``closed_at`` (UTC) and ``FEATURE_COLUMNS``, oldest first.
        bars: ``bar_number``, ``closed_at`` (UTC) and ``close``, oldest first.

    Raises:
        DataContractError: bars or features are out of order or doubled.
    """
    feature_at, bar_at = _instants(features), _instants(bars)
    _, feature_rows, bar_rows = np.intersect1d(feature_at, bar_at, assume_unique=True, return_indices=True)
    values = features[list(FEATURE_COLUMNS)].to_numpy(dtype=np.float64)[feature_rows]
    columns = dict(zip(FEATURE_COLUMNS, values.T, strict=True))
    scale = np.stack([columns[name] for name in SCALE_COLUMNS], axis=1)
    close = bars["close"].to_numpy(dtype=np.float64)
    log_returns = _forward_returns(close, bars["bar_number"].to_numpy(dtype=np.int64))[bar_rows]
    has_target = np.isfinite(log_returns)
    return Series(
        x=_model_inputs(columns),
        y=np.where(has_target, log_returns / scale, 0.0).astype(np.float32),
        has_target=has_target,
        scale=scale.astype(np.float32),
        close=close[bar_rows],
        closed_at=feature_at[feature_rows],
    )


def window_ends(series: Series, context_bars: int) -> npt.NDArray[np.int64]:
    """Rows at which a full window of ``context_bars`` rows ends that has at least one known target there. [N]."""
    rows = np.flatnonzero(series.has_target.any(axis=1))
    return rows[rows >= context_bars - 1].astype(np.int64)


def latest_window(series: Series, context_bars: int) -> npt.NDArray[np.float32]:
    """Inputs of the window that ends at the newest row, [T, F].

    Raises:
        DataContractError: the ticker has fewer rows than ``context_bars``.
    """
    if len(series.x) < context_bars:
        message = f"A window needs {context_bars} feature rows, but there are {len(series.x)}; wait for more bars."
        raise DataContractError(message)
    return series.x[len(series.x) - context_bars :]


def _instants(frame: pd.DataFrame) -> npt.NDArray[np.datetime64]:
    """The frame's ``closed_at`` as UTC instants without a zone, checked to ascend."""
    closed_at = frame["closed_at"]
    if not (closed_at.is_monotonic_increasing and closed_at.is_unique):
        message = "Rows of one ticker are out of order or doubled; order them by closed_at, one row each."
        raise DataContractError(message)
    instants = closed_at.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(instants, dtype="datetime64[us]")


def _forward_returns(close: FloatArray, numbers: npt.NDArray[np.int64]) -> FloatArray:
    """Log return from each bar to the bar 1..H numbers on; NaN where that bar is not among the given. [n] -> [n, H]."""
    targets = numbers[:, np.newaxis] + np.arange(1, HORIZON_COUNT + 1)
    rows = np.minimum(np.searchsorted(numbers, targets), max(len(numbers) - 1, 0))
    return np.where(numbers[rows] == targets, np.log(close[rows] / close[:, np.newaxis]), np.nan)


def _model_inputs(columns: dict[str, FloatArray]) -> npt.NDArray[np.float32]:
    """Inputs of each row, float32 [n, F], in the order of ``_transforms``."""
    inputs = np.stack(_transforms(columns), axis=1)
    return np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)


def _transforms(columns: dict[str, FloatArray]) -> list[FloatArray]:
    """The inputs, one array each: moves in units of volatility, volatilities as log ratios, oscillators about 0."""
    fast, medium, slow = (
        np.maximum(columns[f"realised_volatility_{window}"], VOLATILITY_FLOOR) for window in (7, 35, 140)
    )
    scales = [columns[name] for name in SCALE_COLUMNS]
    moves = [columns[f"log_return_{span}"] / (medium * np.sqrt(span)) for span in RETURN_SPANS]
    moves += [columns["overnight_gap"] / medium, columns["macd"] / medium, columns["macd_signal"] / medium]
    volatilities = [
        np.log(slow) - TYPICAL_LOG_VOLATILITY,
        2.0 * np.log(fast / slow),
        2.0 * np.log(medium / slow),
        2.0 * np.log(np.maximum(columns["atr_ratio_14"], VOLATILITY_FLOOR) / slow),
        2.0 * np.log(scales[0] / slow),
    ]
    shapes = [2.0 * np.log(scale / (scales[0] * np.sqrt(h))) for h, scale in enumerate(scales[1:], start=2)]
    oscillators = [
        (columns["rsi_14"] - 50.0) / 20.0,
        columns["bollinger_position_20"],
        (columns["stochastic_k_14"] - 50.0) / 30.0,
        (columns["stochastic_d_3"] - 50.0) / 30.0,
        np.log(np.where(columns["has_volume"] > 0.0, np.maximum(columns["volume_ratio_20"], 1e-2), 1.0)),
    ]
    return moves + volatilities + shapes + oscillators + [columns[name] for name in PASSED_THROUGH]


MODEL_INPUT_COUNT = len(RETURN_SPANS) + 3 + 5 + (HORIZON_COUNT - 1) + 5 + len(PASSED_THROUGH)
"""F: the number of inputs a row gives, tested against what ``make_series`` makes."""
