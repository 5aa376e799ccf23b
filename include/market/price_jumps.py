"""Prices that volatility does not allow: a bad tick told from a crash by what comes after it.

A bar is measured against the last believed close, in log prices. What goes beyond the allowance waits for the bars
after it: it is believed once they stay at its level (a crash, a jump), and not if they return (a bad tick). So a real
move is late by one bar as a rule, and by three at most, and a bad tick is never stored. Bars are judged in order, each
by what had come by then, and those that later ones confirmed are told from the others: who dates bars must not date
them earlier. Only at the start of the given bars, where there is no past, the first ones judge each other.

The allowance is wide: none of 150,680 recorded bars of 25 tickers is refused, alone or in a week's answer. Their
largest step is 0.40 (a stock whose trading was halted), just below what is always allowed; measured by the median of
the newest 35 it is 135.
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


def implausible_bars(bars: pd.DataFrame) -> tuple[pd.Series[str], Places]:
    """Why each bar of one ticker cannot be believed, and up to which bar one has to look to believe the others.

    The bars are in order of time, each once, their prices finite and positive. The reason is the name of a check, empty
    for a bar that is believed, with the bars' index; the place, from 0, is the bar's own wherever no later one matters.
    """
    reasons = pd.Series("", index=bars.index, dtype="str")
    places = np.arange(len(bars))
    if len(bars) < 2:
        return reasons, places
    opens, highs, lows, closes = np.log(bars[list(PRICE_COLUMNS)].to_numpy(dtype=np.float64)).T
    wicks = np.maximum(highs - np.maximum(opens, closes), np.minimum(opens, closes) - lows)
    steps = np.maximum(np.abs(opens[1:] - closes[:-1]), np.abs(np.diff(closes)))
    if max(wicks.max(), steps.max()) <= _LEAST:
        return reasons, places
    judge = _Judge(opens, closes, wicks)
    judge.judge_all()
    return pd.Series(judge.reasons, index=bars.index, dtype="str"), judge.confirmed_by


class _Judge:
    """One pass over a ticker's bars: the level that is believed, the bars that wait, and what became of each."""

    def __init__(self, opens: _Prices, closes: _Prices, wicks: _Prices) -> None:
        self.reasons = [STEP] * len(closes)
        self.confirmed_by: Places = np.arange(len(closes))
        self._opens, self._closes, self._wicks = opens, closes, wicks
        self._level, self._level_by = self._start()
        self._waiting: list[int] = []

    def judge_all(self) -> None:
        """Judges bar after bar; where one confirms an earlier one, those in between are judged again."""
        place = 0
        while place < len(self._closes):
            self._judge(place)
            confirmed = next((early for early in self._waiting if self._is_confirmed(early, place)), None)
            if confirmed is not None:
                self._believe(confirmed, place)
                place = confirmed
            place += 1

    def _judge(self, place: int) -> None:
        distance = abs(self._closes[place] - self._level)
        reach = max(distance, abs(self._opens[place] - self._level))
        allowed, told_by = self._allowance(place, max(reach, self._wicks[place]))
        self.reasons[place] = WICK if self._wicks[place] > allowed else STEP
        if self._wicks[place] > allowed:
            return
        if reach <= allowed:
            self._believe(place, told_by)
        elif distance > allowed:
            self._waiting.append(place)

    def _believe(self, place: int, told_by: int) -> None:
        self.reasons[place] = ""
        self.confirmed_by[place] = max(place, told_by, self._level_by)
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
        """How far a price may lie from the level, in log prices, and the last bar that this was told by.

        Robust, so that a bad tick does not widen it. What is allowed whatever the volatility asks for no other bar.
        """
        if needed <= _LEAST:
            return _LEAST, place
        told_by = max(place, min(_MEDIAN_BARS, len(self._closes) - 1))
        newest = self._closes[max(told_by - _MEDIAN_BARS, 0) : told_by + 1]
        return float(np.clip(_MEDIANS * np.median(np.abs(np.diff(newest))), _LEAST, _MOST)), told_by

    def _start(self) -> tuple[float, int]:
        """The level that the first bar is measured against, and the last bar that it was told by."""
        step = abs(self._closes[1] - self._closes[0])
        allowed, told_by = self._allowance(0, step)
        if step <= allowed:
            return self._closes[0], told_by
        return float(np.median(self._closes[:_STARTING_BARS])), max(told_by, min(_STARTING_BARS, len(self._closes)) - 1)
