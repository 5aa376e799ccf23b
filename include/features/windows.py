"""The model's arrays from stored feature rows: inputs, targets in scaled units, and windows over them.

Pure functions. An input is a fixed transform of one feature row. It contains no statistics of a window or of a training
set, so no such statistics need to be stored with a checkpoint. Where next: ``frame.py`` for the rows, ``include/model``
for the models, which read arrays only.
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

TYPICAL_LOG_RETURN = -6.0
"""Log of a usual mean absolute hourly return (0.25 %). It centres the input ``typical_log_return`` around 0."""

SIGNED = ("surprise", "gap_surprise", "body_surprise", "close_position")
GAINS = {
    "level": 2.0,
    "range_surprise": 2.0,
    "level_ratio_1": 3.0,
    "level_ratio_8": 5.0,
    "level_ratio_32": 4.0,
    "level_ratio_96": 3.0,
    "return_range_8": 5.0,
    "return_range_32": 10.0,
    "night_ratio_32": 3.0,
    "night_ratio_96": 5.0,
    "has_volume": 1.0,
    "slot_sin": 1.0,
    "slot_cos": 1.0,
    "weekday_sin": 1.0,
    "weekday_cos": 1.0,
    "minutes_to_close_ratio": 1.0,
    "is_session_first": 1.0,
}
"""Feature columns that become inputs, and the factor that brings their usual size near 1."""

SIGNED_INPUT_COUNT = len(SIGNED)
"""Number of the first inputs that change sign if every log return of the price changes sign. The other inputs stay the
same. Training uses this: a history with all signs reversed is an equally plausible history."""


@dataclass(frozen=True)
class Series:
    """One ticker's arrays, ordered by time: n rows.

    ``x`` float32 [n, F] model inputs, finite, in -5..5; ``y`` float32 [n, H] log return to the target's close over its
    scale, 0 without a target; ``has_target`` bool [n, H] whether the target bar is known; ``scale`` float32 [n, H];
    ``level`` float32 [n] the log of the level of volatility over its long-run mean; ``close`` float64 [n];
    ``closed_at`` datetime64[us] [n], UTC.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    has_target: npt.NDArray[np.bool_]
    scale: npt.NDArray[np.float32]
    level: npt.NDArray[np.float32]
    close: FloatArray
    closed_at: npt.NDArray[np.datetime64]


def make_series(features: pd.DataFrame, bars: pd.DataFrame) -> Series:
    """One ticker's arrays from its feature rows and its bars, joined on ``closed_at`` (inner join).

    A row's target of horizon h is the bar whose ``bar_number`` is h greater. The target is known only if that bar is in
    ``bars``: a bar that is unknown at ``as_of`` is no training target.

    Args:
        features: ``closed_at`` (UTC) and ``FEATURE_COLUMNS``, oldest first.
        bars: ``bar_number``, ``closed_at`` (UTC) and ``close``, oldest first.

    Raises:
        DataContractError: bars or features are out of order or duplicated.
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
        level=columns["level"].astype(np.float32),
        close=close[bar_rows],
        closed_at=feature_at[feature_rows],
    )


def model_inputs(features: pd.DataFrame) -> npt.NDArray[np.float32]:
    """The model inputs of feature rows with ``FEATURE_COLUMNS``, as in ``Series.x``. float32 [n, F]."""
    values = features[list(FEATURE_COLUMNS)].to_numpy(dtype=np.float64)
    return _model_inputs(dict(zip(FEATURE_COLUMNS, values.T, strict=True)))


def window_ends(series: Series, context_bars: int) -> npt.NDArray[np.int64]:
    """Rows at which a full window of ``context_bars`` rows ends and at least one target is known. int64 [N]."""
    rows = np.flatnonzero(series.has_target.any(axis=1))
    return rows[rows >= context_bars - 1].astype(np.int64)


def latest_window(series: Series, context_bars: int) -> npt.NDArray[np.float32]:
    """Inputs of the window that ends at the newest row. float32 [T, F].

    Raises:
        DataContractError: the ticker has fewer rows than ``context_bars``.
    """
    if len(series.x) < context_bars:
        message = f"A window needs {context_bars} feature rows, but there are {len(series.x)}; wait for more bars."
        raise DataContractError(message)
    return series.x[len(series.x) - context_bars :]


def _instants(frame: pd.DataFrame) -> npt.NDArray[np.datetime64]:
    """The frame's ``closed_at`` as datetime64[us] in UTC. [n].

    Raises:
        DataContractError: they do not ascend.
    """
    closed_at = frame["closed_at"]
    if not (closed_at.is_monotonic_increasing and closed_at.is_unique):
        message = "Rows of one ticker are out of order or doubled; order them by closed_at, one row each."
        raise DataContractError(message)
    instants = closed_at.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(instants, dtype="datetime64[us]")


def _forward_returns(close: FloatArray, numbers: npt.NDArray[np.int64]) -> FloatArray:
    """Log return from each bar to the bar 1..H numbers later; NaN if that bar is missing. [n], [n] -> [n, H]."""
    targets = numbers[:, np.newaxis] + np.arange(1, HORIZON_COUNT + 1)
    rows = np.minimum(np.searchsorted(numbers, targets), max(len(numbers) - 1, 0))
    return np.where(numbers[rows] == targets, np.log(close[rows] / close[:, np.newaxis]), np.nan)


def _model_inputs(columns: dict[str, FloatArray]) -> npt.NDArray[np.float32]:
    """Inputs of each row in the order of ``_transforms``. float32 [n, F]."""
    inputs = np.stack(_transforms(columns), axis=1)
    return np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)


def _transforms(columns: dict[str, FloatArray]) -> list[FloatArray]:
    """The inputs, one array [n] each: first the signed ones, then sizes as logarithms, then the calendar."""
    scales = [columns[name] for name in SCALE_COLUMNS]
    signed = [columns[name] for name in SIGNED]
    sizes = [
        np.log(np.abs(columns["surprise"]) + 0.1) + 0.9,
        np.log(np.where(columns["has_volume"] > 0.0, np.maximum(columns["volume_ratio_20"], 1e-2), 1.0)),
        columns["typical_log_return"] - TYPICAL_LOG_RETURN,
        2.0 * columns["still_ratio"],
    ]
    shapes = [2.0 * np.log(scale / (scales[0] * np.sqrt(h))) for h, scale in enumerate(scales[1:], start=2)]
    calendar = [
        2.0 * columns["slot_sin"] * columns["slot_cos"],
        columns["slot_cos"] ** 2 - columns["slot_sin"] ** 2,
        np.log(24.0 / columns["slot_count"]),
        columns["bars_to_break"] / 4.0 - 1.0,
        (columns["bars_to_break"] == 1.0).astype(np.float64),
        0.5 * np.log(np.maximum(columns["hours_to_next"], 0.25)),
        0.5 * np.log(np.maximum(columns["hours_to_last"], 1.0) / HORIZON_COUNT),
    ]
    return signed + [gain * columns[name] for name, gain in GAINS.items()] + sizes + shapes + calendar


CALENDAR_INPUTS = (
    *("slot_sin", "slot_cos", "weekday_sin", "weekday_cos", "minutes_to_close_ratio", "is_session_first"),
    *("slot_sin_twice", "slot_cos_twice", "session_length", "bars_to_break", "is_before_break"),
    *("hours_to_next", "hours_to_last"),
)
"""Names of the inputs that follow from the calendar, whatever the prices do."""
INPUT_NAMES = (
    *SIGNED,
    *GAINS,
    *("surprise_size", "volume", "typical_log_return", "still_ratio"),
    *(f"scale_shape_{horizon}" for horizon in range(2, HORIZON_COUNT + 1)),
    *CALENDAR_INPUTS[6:],
)
"""The name of each model input, in the order of ``Series.x``."""
MODEL_INPUT_COUNT = len(INPUT_NAMES)
"""F: the number of model inputs of one row."""
