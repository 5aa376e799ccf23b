"""One ticker's bars as arrays for forecasters and scores, with the outcome of each bar.

Pure functions. The calendar's columns (slots, seasonal keys, session gaps) come with the bars. Where next:
``walkforward.py`` for the training and test rows, ``leaderboard.py`` for the evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import HORIZON_COUNT
from include.errors import DataContractError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
InstantArray = npt.NDArray[np.datetime64]

NEVER = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class History:
    """One ticker's bars, oldest first: n rows. Missing bars have no row.

    Known when a row's bar closes: ``close``, ``high``, ``low`` float64 [n]; ``closed_at`` datetime64[us] [n], UTC;
    ``bar_number`` [n]; ``slot_count`` [n]; ``key`` [n], the seasonal entry of the bar (its slot, with separate entries
    for weekends with trading); ``next_key`` [n, H], those of the bars ahead; ``has_gap`` bool [n, H], whether the path
    of h bars crosses a night or a weekend without trading.

    Known only later: ``outcome`` [n, H], the log return to the close h bars later, NaN if that bar is missing or not
    known yet; ``target_at`` [n, H], when that bar closed, NaT if it is missing or not known yet.

    ``bars``: the same rows as a frame with all columns, from which features can be built.
    """

    ticker: str
    market: str
    bars: pd.DataFrame
    close: FloatArray
    high: FloatArray
    low: FloatArray
    closed_at: InstantArray
    bar_number: IntArray
    slot_count: IntArray
    key: IntArray
    next_key: IntArray
    has_gap: BoolArray
    outcome: FloatArray
    target_at: InstantArray

    def __len__(self) -> int:
        return len(self.close)

    @property
    def session_bars(self) -> float:
        """Median number of bars of a session."""
        return float(np.median(self.slot_count))

    @property
    def log_return(self) -> FloatArray:
        """Log return since the previous row's close, also across holes; 0 in the first row. [n]."""
        return np.diff(np.log(self.close), prepend=np.log(self.close[:1]))

    @property
    def true_range(self) -> FloatArray:
        """Log of the highest over the lowest price since the previous row's close. [n]."""
        previous = np.concatenate([self.close[:1], self.close[:-1]])
        return np.asarray(np.log(np.maximum(self.high, previous) / np.minimum(self.low, previous)), dtype=np.float64)

    def until(self, instant: np.datetime64) -> History:
        """The rows whose bars closed before ``instant``; outcomes that were not known before it are NaN."""
        count = int(np.searchsorted(self.closed_at, instant))
        is_known = self.target_at[:count] < instant
        names = ("close", "high", "low", "closed_at", "bar_number", "slot_count", "key", "next_key", "has_gap")
        return replace(
            self,
            **{name: getattr(self, name)[:count] for name in names},
            bars=self.bars.iloc[:count],
            outcome=np.where(is_known, self.outcome[:count], np.nan),
            target_at=np.where(is_known, self.target_at[:count], NEVER),
        )


def make_history(
    bars: pd.DataFrame, market: str, key: IntArray, next_key: IntArray, is_after_gap: BoolArray
) -> History:
    """A ticker's history from its annotated bars.

    Args:
        bars: One ticker's bars with ``contracts.BAR_COLUMNS`` and ``SLOT_COLUMNS``, oldest first.
        market: The kind of market it trades in, by which skills are grouped.
        key: Seasonal entry of each bar, [n].
        next_key: Seasonal entries of the H bars after each bar, [n, H].
        is_after_gap: Whether each of the H bars after a bar opens after a night or weekend without trading, [n, H].

    Raises:
        DataContractError: bars are out of order or duplicated, or an array has another length.
    """
    count, ticker = len(bars), str(bars["ticker"].iloc[0]) if len(bars) else ""
    closed_at = bars["closed_at"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    shapes = (key.shape, next_key.shape, is_after_gap.shape)
    if (
        shapes != ((count,), (count, HORIZON_COUNT), (count, HORIZON_COUNT))
        or (np.diff(closed_at.view("i8")) <= 0).any()
    ):
        message = f"{ticker}: {count} bars must be in order, without duplicates, and fit the arrays of shapes {shapes}."
        raise DataContractError(message)
    close, bar_number = bars["close"].to_numpy(np.float64), bars["bar_number"].to_numpy(np.int64)
    outcome, target_at = _outcomes(close, bar_number, closed_at)
    return History(
        ticker=ticker,
        market=market,
        bars=bars,
        close=close,
        high=bars["high"].to_numpy(np.float64),
        low=bars["low"].to_numpy(np.float64),
        closed_at=closed_at,
        bar_number=bar_number,
        slot_count=bars["slot_count"].to_numpy(np.int64),
        key=key,
        next_key=next_key,
        has_gap=np.logical_or.accumulate(is_after_gap, axis=1),
        outcome=outcome,
        target_at=target_at,
    )


def _outcomes(close: FloatArray, number: IntArray, closed_at: InstantArray) -> tuple[FloatArray, InstantArray]:
    """Log return to the bar 1..H numbers later, and its close time; NaN and NaT if that bar is missing. [n, H] each."""
    wanted = number[:, np.newaxis] + np.arange(1, HORIZON_COUNT + 1)
    found = np.minimum(np.searchsorted(number, wanted), max(len(number) - 1, 0))
    is_there = number[found] == wanted if len(number) else np.zeros(wanted.shape, dtype=np.bool_)
    outcome = np.where(is_there, np.log(close[found] / close[:, np.newaxis]) if len(number) else np.nan, np.nan)
    return outcome, np.where(is_there, closed_at[found] if len(number) else NEVER, NEVER)
