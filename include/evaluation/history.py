"""One ticker's bars as the arrays that forecasters and scores read, with what really happened after each bar.

Pure. It knows no calendar: the slots, seasonal keys and session gaps come with the bars. Where next:
``walkforward.py`` for which rows may teach and which are forecast, ``leaderboard.py`` for who reads all this.
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
    """One ticker's bars, oldest first: n rows, a hole where a bar is missing.

    What is known when a row's bar closes: ``close``, ``high``, ``low`` float64 [n]; ``closed_at`` datetime64[us] [n],
    UTC; ``bar_number`` [n]; ``slot_count`` [n]; ``key`` [n], the seasonal entry the bar belongs to (its slot, weekends
    apart where they trade), ``next_key`` [n, H], those of the bars ahead; ``has_gap`` bool [n, H], whether the path of
    h bars crosses a night or a weekend without trading. And what is known only later: ``outcome`` [n, H], the log
    return to the close h bars on, NaN where that bar is missing or not yet known, and ``target_at`` [n, H], when that
    bar closed. ``bars`` is the same rows as a frame, with all its columns, for whoever builds features.
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
        """Bars of a usual session."""
        return float(np.median(self.slot_count))

    @property
    def log_return(self) -> FloatArray:
        """Log return of each bar since the bar before it, holes included; 0 in the first row. [n]."""
        return np.diff(np.log(self.close), prepend=np.log(self.close[:1]))

    @property
    def true_range(self) -> FloatArray:
        """Log of the highest over the lowest price since the previous close. [n]."""
        previous = np.concatenate([self.close[:1], self.close[:-1]])
        return np.asarray(np.log(np.maximum(self.high, previous) / np.minimum(self.low, previous)), dtype=np.float64)

    def until(self, instant: np.datetime64) -> History:
        """The rows whose bars had closed before ``instant``, and of their outcomes those that were known then."""
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
        market: What kind of market it trades in; skills are reported by it.
        key: Seasonal entry of each bar, [n].
        next_key: Seasonal entries of the H bars after each bar, [n, H].
        is_after_gap: Whether each of the H bars after a bar opens after a night or weekend without trading, [n, H].

    Raises:
        DataContractError: bars are out of order or doubled, or the arrays do not fit them.
    """
    count, ticker = len(bars), str(bars["ticker"].iloc[0]) if len(bars) else ""
    closed_at = bars["closed_at"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    shapes = (key.shape, next_key.shape, is_after_gap.shape)
    if (
        shapes != ((count,), (count, HORIZON_COUNT), (count, HORIZON_COUNT))
        or (np.diff(closed_at.view("i8")) <= 0).any()
    ):
        message = f"{ticker}: {count} bars, with arrays of shapes {shapes}, must be in order, without doubles, and fit."
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
    """Log return to the bar 1..H numbers on and when it closed; NaN and NaT where there is no such bar. [n, H] each."""
    wanted = number[:, np.newaxis] + np.arange(1, HORIZON_COUNT + 1)
    found = np.minimum(np.searchsorted(number, wanted), max(len(number) - 1, 0))
    is_there = number[found] == wanted if len(number) else np.zeros(wanted.shape, dtype=np.bool_)
    outcome = np.where(is_there, np.log(close[found] / close[:, np.newaxis]) if len(number) else np.nan, np.nan)
    return outcome, np.where(is_there, closed_at[found] if len(number) else NEVER, NEVER)
