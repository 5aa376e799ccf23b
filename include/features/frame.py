"""Feature rows of one ticker from its bars: the columns of ``contracts.FEATURE_COLUMNS`` in their order.

Pure functions. A row depends on at most ``lookback_bars`` bars up to and including its own, and on no later bar. Its
bits are the same whether it is computed from the whole history or from the newest part of it. So an hour computes only
its new row. The calendar's columns (slots) come with the bars. Where next: ``indicators.py`` and ``scale.py`` for the
formulas, ``windows.py`` for the model's inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import (
    ANNOUNCEMENT_COLUMNS,
    BAR_COLUMNS,
    FEATURE_COLUMNS,
    HORIZON_COUNT,
    PRICE_COLUMNS,
    SLOT_COLUMNS,
    Dividend,
)
from include.errors import DataContractError
from include.features import indicators
from include.features.dividends import dividend_gap
from include.features.rolling import FloatArray
from include.features.scale import (
    CLOCK_SLOTS,
    LEVEL_WINDOW,
    PathAhead,
    break_ahead,
    extra_variance,
    next_slot_keys,
    profile_window,
    scale_state,
    slot_keys,
)
from include.features.surprise import bars_to_break, level_state, surprises

WARM_UP_BARS = indicators.EMA_WINDOW_SPANS * (26 + 9)
"""Bars at the start of a history without a feature row: the longest window, which is that of the MACD's signal line."""

INPUT_COLUMNS = (*BAR_COLUMNS, *SLOT_COLUMNS, *ANNOUNCEMENT_COLUMNS, "weekday")
"""Columns that ``build_features`` reads: the bars, their calendar columns, and the session's weekday (Monday 0)."""

HORIZONS = range(1, HORIZON_COUNT + 1)
WEEK_DAYS = 7.0
BAR_MINUTES = 60.0


def lookback_bars(session_bars: int) -> int:
    """Number of bars, its own included, that a feature row can depend on, for sessions of ``session_bars`` bars.

    It is the look-back of the scale at the previous bar, plus the row's own bar.
    """
    return profile_window(session_bars) + LEVEL_WINDOW + 1


def build_features(bars: pd.DataFrame, dividends: Sequence[Dividend] = ()) -> pd.DataFrame:
    """Feature rows of one ticker, one for each bar after the first ``WARM_UP_BARS``, oldest first.

    Within the first ``lookback_bars`` of ``bars`` the scale uses the bars that are available. These rows are correct
    only if ``bars`` starts at the start of the history. ``build_newest_features`` takes care of that.

    Args:
        bars: One ticker's bars, ``INPUT_COLUMNS``, ordered by ``opened_at``; volume NaN if unknown. Bars may be
            missing; they are not filled in.
        dividends: The ticker's known dividends, on the scale of the bars, oldest first.

    Returns:
        ``ticker``, ``closed_at`` (UTC) and the float32 ``FEATURE_COLUMNS``, finite; empty if there are too few bars.

    Raises:
        DataContractError: a column is missing, the bars belong to several tickers or are out of order, or a price is
            not a positive number.
    """
    _require_one_series(bars)
    columns = _indicators(bars) | _states(bars)
    columns["dividend_gap"] = dividend_gap(bars["opened_at"], _floats(bars, "close"), dividends)
    kept = slice(WARM_UP_BARS, None)
    values = {name: columns[name][kept].astype(np.float32) for name in FEATURE_COLUMNS}
    keys = bars[["ticker", "closed_at"]].iloc[kept].reset_index(drop=True)
    return pd.concat([keys, pd.DataFrame(values)], axis=1)


def build_newest_features(bars: pd.DataFrame, row_count: int, dividends: Sequence[Dividend] = ()) -> pd.DataFrame:
    """The newest ``row_count`` feature rows, at a cost that does not grow with the history.

    They equal the last rows of ``build_features`` over the whole history bit for bit. The condition: ``bars`` holds the
    newest ``row_count`` bars and the ``lookback_bars`` before them, or the whole history if that is shorter.

    Raises:
        DataContractError: as ``build_features``, or ``row_count`` is negative.
    """
    if row_count < 0:
        message = f"Cannot build {row_count} feature rows; row_count must be 0 or more."
        raise DataContractError(message)
    look_back = lookback_bars(int(bars["slot_count"].max())) if len(bars) else 0
    newest = bars.iloc[max(len(bars) - look_back - row_count, 0) :]
    features = build_features(newest, dividends)
    return features.iloc[max(len(features) - row_count, 0) :].reset_index(drop=True)


def _require_one_series(bars: pd.DataFrame) -> None:
    """Checks that the bars are one ticker's, complete and in order.

    Raises:
        DataContractError: they are not, or a price is not a positive number.
    """
    missing = [column for column in INPUT_COLUMNS if column not in bars.columns]
    if missing:
        message = f"Features need the columns {', '.join(missing)}; annotate the bars with their sessions first."
        raise DataContractError(message)
    if bars.empty:
        return
    ticker = bars["ticker"].iloc[0]
    if bars["ticker"].nunique() > 1:
        message = f"Features are built for one ticker at a time; got {ticker} and others. Group the bars by ticker."
        raise DataContractError(message)
    opened_at = bars["opened_at"]
    if not (opened_at.is_monotonic_increasing and opened_at.is_unique):
        message = f"Bars of {ticker} are out of order or doubled; sort them by opened_at, one row each."
        raise DataContractError(message)
    prices = bars[list(PRICE_COLUMNS)].to_numpy(dtype=np.float64)
    if not (np.isfinite(prices) & (prices > 0.0)).all():
        message = f"Bars of {ticker} contain a price that is not a positive number; the quality gate must reject these."
        raise DataContractError(message)


def _floats(bars: pd.DataFrame, column: str) -> FloatArray:
    """A column as a contiguous float64 array. On strided arrays numpy takes other code paths, with other last bits."""
    return np.ascontiguousarray(bars[column].to_numpy(dtype=np.float64))


def _integers(bars: pd.DataFrame, column: str) -> npt.NDArray[np.int64]:
    """A column as a contiguous int64 array."""
    return np.ascontiguousarray(bars[column].to_numpy(dtype=np.int64))


def _indicators(bars: pd.DataFrame) -> dict[str, FloatArray]:
    """All indicator columns, one value for each bar; NaN before the first full window. [n] each."""
    open_, high, low, close = (_floats(bars, column) for column in PRICE_COLUMNS)
    volume = _floats(bars, "volume")
    is_session_first = bars["is_session_first"].to_numpy(dtype=np.bool_)
    columns = {f"log_return_{span}": indicators.log_return(close, span) for span in (1, 3, 7, 14, 35)}
    columns["overnight_gap"] = indicators.overnight_gap(open_, close, is_session_first)
    columns["rsi_14"] = indicators.rsi(close, 14)
    columns["macd"], columns["macd_signal"] = indicators.macd(close)
    columns["bollinger_position_20"] = indicators.bollinger_position(close, 20)
    columns["atr_ratio_14"] = indicators.atr_ratio(high, low, close, 14)
    columns["stochastic_k_14"], columns["stochastic_d_3"] = indicators.stochastic(high, low, close, 14, 3)
    columns["volume_ratio_20"] = indicators.volume_ratio(volume, 20)
    columns["has_volume"] = np.isfinite(volume).astype(np.float64)
    columns["obv_ratio_20"] = indicators.obv_ratio(close, volume, 20)
    for window in (7, 35, 140):
        columns[f"realised_volatility_{window}"] = indicators.realised_volatility(close, window)
    return columns | _calendar(bars)


def _calendar(bars: pd.DataFrame) -> dict[str, FloatArray]:
    """The columns that follow from the calendar alone: position in the session and in the week. [n] each."""
    slot, slot_count = _integers(bars, "slot"), _integers(bars, "slot_count")
    slot_sin, slot_cos = indicators.cycle(slot.astype(np.float64), slot_count.astype(np.float64))
    weekday_sin, weekday_cos = indicators.cycle(_floats(bars, "weekday"), np.full(len(bars), WEEK_DAYS))
    return {
        "slot_sin": slot_sin,
        "slot_cos": slot_cos,
        "weekday_sin": weekday_sin,
        "weekday_cos": weekday_cos,
        "minutes_to_close_ratio": _floats(bars, "minutes_to_close") / (BAR_MINUTES * slot_count),
        "is_session_first": _floats(bars, "is_session_first"),
    }


def _states(bars: pd.DataFrame) -> dict[str, FloatArray]:
    """The columns of the session ahead, of the scale's state and of the surprises, and the scales. [n] each."""
    slot, slot_count, weekday = (_integers(bars, column) for column in ("slot", "slot_count", "weekday"))
    next_slots = np.stack([_integers(bars, f"next_slot_{horizon}") for horizon in HORIZONS], axis=1)
    due = np.stack([_integers(bars, column) for column in ANNOUNCEMENT_COLUMNS], axis=1)
    ahead = PathAhead(
        keys=next_slot_keys(slot, slot_count, weekday, next_slots),
        is_break=break_ahead(slot_count, next_slots),
        extra_variance=extra_variance(due, slot_count, next_slots),
    )
    open_, high, low, close = (_floats(bars, column) for column in PRICE_COLUMNS)
    window = profile_window(int(slot_count.max(initial=0)))
    state = scale_state(high, low, close, slot_keys(slot, slot_count, weekday), ahead, window)
    columns = {
        "slot_count": slot_count.astype(np.float64),
        "bars_to_break": bars_to_break(next_slots, slot_count, CLOCK_SLOTS),
        "hours_to_next": _floats(bars, "hours_to_next"),
        "hours_to_last": _floats(bars, "hours_to_last"),
    }
    columns |= surprises(open_, high, low, close, state)
    columns |= level_state(close, bars["is_session_first"].to_numpy(dtype=np.bool_), state)
    return columns | {f"scale_{horizon}": state.scale[:, horizon - 1] for horizon in HORIZONS}
