"""Prices that volatility does not allow: a bad tick told from a crash by what comes after it.

A bar is measured against the last believed close, in log prices. What goes beyond the allowance is believed if the bars
after it stay at its level (a crash, a jump) and not if they return (a bad tick); the newest bar of an answer, which
nothing confirms yet, has to wait for the next one. So a real move is late by one bar at most, and a bad tick is never
stored. The allowance is wide: none of 150,680 recorded bars of 25 tickers is refused, alone or in a week's answer;
their largest step is 0.40 (a stock whose trading was halted), their largest step in units of a week's median 102.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import PRICE_COLUMNS

STEP: Final = "step_beyond_volatility"
WICK: Final = "wick_beyond_volatility"

_MEDIANS: Final = 150.0  # of the absolute log returns of the answer
_LEAST: Final = float(np.log(1.5))
_MOST: Final = float(np.log(3.0))
_CONFIRMING_BARS: Final = 3
_STARTING_BARS: Final = 5

_Prices = npt.NDArray[np.float64]


def implausible_bars(bars: pd.DataFrame) -> pd.Series[str]:
    """Why each bar of one ticker cannot be believed, as the name of a check; empty where it can.

    The bars are in order of time, each once, their prices finite and positive; the result has their index.
    """
    none = pd.Series("", index=bars.index, dtype="str")
    if len(bars) < 2:
        return none
    opens, highs, lows, closes = np.log(bars[list(PRICE_COLUMNS)].to_numpy(dtype=np.float64)).T
    allowed = _allowance(closes)
    wicks = np.maximum(highs - np.maximum(opens, closes), np.minimum(opens, closes) - lows)
    steps = np.maximum(np.abs(opens[1:] - closes[:-1]), np.abs(np.diff(closes)))
    if max(wicks.max(), steps.max()) <= allowed:
        return none
    return pd.Series(_judge(opens, closes, wicks, allowed), index=bars.index, dtype="str")


def _allowance(closes: _Prices) -> float:
    """How far a price may lie from the last close, in log prices: robust, so that a bad tick does not widen it."""
    return float(np.clip(_MEDIANS * np.median(np.abs(np.diff(closes))), _LEAST, _MOST))


def _judge(opens: _Prices, closes: _Prices, wicks: _Prices, allowed: float) -> list[str]:
    reasons: list[str] = []
    is_first_confirmed = abs(closes[1] - closes[0]) <= allowed
    level = closes[0] if is_first_confirmed else float(np.median(closes[:_STARTING_BARS]))
    for place, close in enumerate(closes):
        is_near = max(abs(opens[place] - level), abs(close - level)) <= allowed
        if wicks[place] > allowed:
            reasons.append(WICK)
        elif is_near or (abs(close - level) > allowed and _is_confirmed(closes, place, level)):
            reasons.append("")
            level = close
        else:
            reasons.append(STEP)
    return reasons


def _is_confirmed(closes: _Prices, place: int, level: float) -> bool:
    """Whether the bars that follow stay with this one's close, and do not return to the level before it."""
    following = closes[place + 1 : place + 1 + _CONFIRMING_BARS]
    if not len(following):
        return False
    middle = float(np.median(following))
    return bool(abs(middle - closes[place]) < abs(middle - level))
