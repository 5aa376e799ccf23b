"""Price jumps beyond what volatility allows: real moves are separated from bad ticks by the bars after them.

Each bar is compared with the last accepted close, in log prices. A bar beyond the limit waits for the next bars. If
they stay at its level, it was a real move and is accepted. If they return, it was a bad tick and is rejected. So a
real move is accepted one bar late as a rule, and three bars late at most. Bars are checked in order, each with the bars
known by then. For an accepted bar the check says which later bar confirmed it: the bar must not count as known before
that. Only the first bars of a response, which have no past, are checked against each other.

The limit is wide: none of 150,680 recorded bars of 25 tickers is rejected, in a full history or in a week's response.
Their largest step is 0.40 (a share whose trading was halted), just below what is always allowed. It is 135 times the
median of the absolute log returns of the 35 bars before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import PRICE_COLUMNS

STEP: Final = "step_beyond_volatility"
WICK: Final = "wick_beyond_volatility"

_MEDIANS: Final = 150.0  # of the absolute log returns of the newest bars
_MEDIAN_BARS: Final = 35
_LEAST: Final = float(np.log(1.5))
_MOST: Final = float(np.log(3.0))
_CONFIRMING_BARS: Final = 3
_STARTING_BARS: Final = 5

_Prices = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def tickers_with_jumps(bars: pd.DataFrame) -> list[str]:
    """The tickers with a step or a wick that is not always allowed; the bars of the others are all plausible.

    The bars of several tickers are in order of ticker and time, without duplicates, their prices finite and positive.
    """
    opens, closes, wicks = _log_prices(bars)
    ticker = bars["ticker"].to_numpy()
    is_far = wicks > _LEAST
    is_far[1:] |= (_steps(opens, closes) > _LEAST) & (ticker[1:] == ticker[:-1])
    return [str(name) for name in pd.unique(ticker[is_far])]


def implausible_bars(bars: pd.DataFrame) -> tuple[pd.Series[str], Places]:
    """Why each bar of one ticker is rejected, and for each accepted bar the place of the bar that confirms it.

    The bars are in order of time, without duplicates, their prices finite and positive. A reason is the name of a check
    and empty for an accepted bar; it has the bars' index. A place counts from 0; it is the bar's own unless a later bar
    was needed.
    """
    reasons = pd.Series("", index=bars.index, dtype="str")
    places = np.arange(len(bars))
    if len(bars) < 2:
        return reasons, places
    opens, closes, wicks = _log_prices(bars)
    if max(wicks.max(), _steps(opens, closes).max()) <= _LEAST:
        return reasons, places
    judge = _Judge(opens, closes, wicks)
    judge.judge_all()
    return pd.Series(judge.reasons, index=bars.index, dtype="str"), judge.confirmed_by


def _log_prices(bars: pd.DataFrame) -> tuple[_Prices, _Prices, _Prices]:
    """Logs of open and close, and how far each bar reaches beyond them, in log prices."""
    opens, highs, lows, closes = np.log(bars[list(PRICE_COLUMNS)].to_numpy(dtype=np.float64)).T
    wicks = np.maximum(highs - np.maximum(opens, closes), np.minimum(opens, closes) - lows)
    return opens, closes, wicks


def _steps(opens: _Prices, closes: _Prices) -> _Prices:
    """How far each bar but the first is from the close before it, by its open or its close."""
    return np.maximum(np.abs(opens[1:] - closes[:-1]), np.abs(np.diff(closes)))


class _Judge:
    """One pass over a ticker's bars: the last accepted level, the bars that wait, and the result for each bar."""

    def __init__(self, opens: _Prices, closes: _Prices, wicks: _Prices) -> None:
        self.reasons = [STEP] * len(closes)
        self.confirmed_by: Places = np.arange(len(closes))
        self._opens, self._closes, self._wicks = opens, closes, wicks
        self._level, self._level_by = self._start()
        self._waiting: list[int] = []

    def judge_all(self) -> None:
        """Checks bar after bar; where a bar confirms an earlier one, the bars between them are checked again."""
        place = 0
        while place < len(self._closes):
            self._judge(place)
            confirmed = next((early for early in self._waiting if self._is_confirmed(early, place)), None)
            if confirmed is not None:
                self._accept(confirmed, place)
                place = confirmed
            place += 1

    def _judge(self, place: int) -> None:
        distance = abs(self._closes[place] - self._level)
        reach = max(distance, abs(self._opens[place] - self._level))
        allowed, known_by = self._allowance(place, max(reach, self._wicks[place]))
        self.reasons[place] = WICK if self._wicks[place] > allowed else STEP
        if self._wicks[place] > allowed:
            return
        if reach <= allowed:
            self._accept(place, known_by)
        elif distance > allowed:
            self._waiting.append(place)

    def _accept(self, place: int, known_by: int) -> None:
        self.reasons[place] = ""
        self.confirmed_by[place] = max(place, known_by, self._level_by)
        self._level, self._level_by = self._closes[place], int(self.confirmed_by[place])
        self._waiting = []

    def _is_confirmed(self, early: int, place: int) -> bool:
        """Whether the bars after ``early``, up to ``place``, stay with its close rather than with the level before."""
        following = self._closes[early + 1 : place + 1]
        if not 0 < len(following) <= _CONFIRMING_BARS:
            return False
        middle = float(np.median(following))
        return bool(abs(middle - self._closes[early]) < abs(middle - self._level))

    def _allowance(self, place: int, needed: float) -> tuple[float, int]:
        """The largest allowed distance from the level, in log prices, and the last bar that it was computed from.

        It uses medians, so that a bad tick does not widen it. A distance that is always allowed needs no other bar.
        """
        if needed <= _LEAST:
            return _LEAST, place
        known_by = max(place, min(_MEDIAN_BARS, len(self._closes) - 1))
        newest = self._closes[max(known_by - _MEDIAN_BARS, 0) : known_by + 1]
        return float(np.clip(_MEDIANS * np.median(np.abs(np.diff(newest))), _LEAST, _MOST)), known_by

    def _start(self) -> tuple[float, int]:
        """The level that the first bar is compared with, and the last bar that it was computed from."""
        step = abs(self._closes[1] - self._closes[0])
        allowed, known_by = self._allowance(0, step)
        if step <= allowed:
            return self._closes[0], known_by
        return float(np.median(self._closes[:_STARTING_BARS])), max(
            known_by, min(_STARTING_BARS, len(self._closes)) - 1
        )
