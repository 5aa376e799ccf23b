"""Extended hours of the simulated market: 5-minute closes of New York's nights.

A night's price is a Brownian bridge from the session's last close to the next open, in a time of its own that runs
fastest after the close and before the open. So it says part of what the open will be, and the more the later. As in
real extended hours, prints are missing (most of thin tickers'), whole nights too, volumes are unknown, and single
closes of 16:40 to 17:50 are wrong. Half days close at 13:00, and their evening ends at 17:00. Where next:
``simulated.py`` has the levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.market.extended_closes import CLOSE_LENGTH
from include.market.simulated_noise import student, uniform

_Floats = npt.NDArray[np.float64]
_Cells = npt.NDArray[np.int64]

_FIVE_MINUTES: Final = CLOSE_LENGTH // timedelta(microseconds=1)
_EVENING_BARS: Final = 48  # four hours from the close
_MORNING_BARS: Final = 66  # five and a half hours to the open
_EVENING_SHARE: Final = 0.30  # of the night's variance
_ASLEEP_SHARE: Final = 0.10  # between 20:00 and 04:00
_MORNING_SHARE: Final = 0.55  # until the last close before the open
_EVENING_DECAY_BARS: Final = 12
_MORNING_GROWTH: Final = 3.0
_NOISE: Final = 0.02  # of the night's standard deviation, in every close
_WRONG_BARS: Final = slice(8, 22)  # 16:40 to 17:45 after a full session
_WRONG_RATIO: Final = 0.015
_WRONG_SIZES: Final = (0.03, 0.25)  # in log prices
_THIN_RATIO: Final = 0.3  # of the tickers
_PRINTED: Final = (0.95, 0.2)  # share of bars that have a print, of the others and of thin tickers
_QUIET_RATIO: Final = 0.01  # of the nights, without any print


@dataclass(frozen=True)
class Nights:
    """Nights of one ticker, in order: arrays of one length.

    ``days``: the day of the session after the night, since 1970. ``closed_at``, ``opens_at``: its bounds, UTC.
    ``start``, ``end``: log levels of the close before it and of the open after it. ``deviation``: the standard
    deviation of the log return between them.
    """

    days: _Cells
    closed_at: pd.DatetimeIndex
    opens_at: pd.DatetimeIndex
    start: _Floats
    end: _Floats
    deviation: _Floats


def closes_of_nights(ticker: str, nights: Nights, base: float) -> pd.DataFrame:
    """The ticker's 5-minute closes: the last of every session, and those of the night after it.

    Columns: opened_at (UTC) and close, in order. ``base``: what is added to log levels to make them log prices.
    """
    evening = _micros(nights.closed_at)[:, None] + _FIVE_MINUTES * np.arange(-1, _EVENING_BARS)
    morning = _micros(nights.opens_at)[:, None] + _FIVE_MINUTES * np.arange(-_MORNING_BARS, 0)
    levels = np.column_stack([nights.start, _levels(ticker, nights)])
    is_printed = np.column_stack([np.ones(len(nights.days), dtype=np.bool_), _is_printed(ticker, nights.days)])
    opened_at = np.column_stack([evening, morning])[is_printed]
    close = np.round(np.exp(base + levels[is_printed]), 4)
    return pd.DataFrame(
        {"opened_at": pd.DatetimeIndex(opened_at.view("datetime64[us]")).tz_localize("UTC"), "close": close}
    )


def _levels(ticker: str, nights: Nights) -> _Floats:
    """Log levels of all closes of the nights, wrong ones included, [nights, bars]."""
    steps = _shares()
    clock = np.cumsum(steps)[:-1]
    walk = np.cumsum(np.sqrt(steps) * student(ticker, "night", _cells(nights.days, len(steps))), axis=1)
    bridge = walk[:, :-1] - clock * walk[:, -1:]
    cells = _cells(nights.days, len(clock))
    noise = bridge + _NOISE * student(ticker, "print", cells)
    way = clock * (nights.end - nights.start)[:, None]
    levels: _Floats = nights.start[:, None] + way + noise * nights.deviation[:, None]
    return levels + _errors(ticker, cells)


def _shares() -> _Floats:
    """The share of the night's variance before each of its closes, and the rest up to the open, [bars + 1]."""
    evening = np.exp(-np.arange(_EVENING_BARS) / _EVENING_DECAY_BARS)
    morning = 1 + _MORNING_GROWTH * np.arange(_MORNING_BARS) / _MORNING_BARS
    shares = np.concatenate([_EVENING_SHARE * evening / evening.sum(), _MORNING_SHARE * morning / morning.sum()])
    shares[_EVENING_BARS] += _ASLEEP_SHARE
    return np.append(shares, 1 - shares.sum())


def _errors(ticker: str, cells: _Cells) -> _Floats:
    """By how much the logs of closes are wrong, [nights, bars]: 0 but for a few of the early evening."""
    smallest, largest = _WRONG_SIZES
    sizes = smallest + (largest - smallest) * uniform(ticker, "wrong size", cells)
    signs = np.where(uniform(ticker, "wrong sign", cells) < 0.5, -1.0, 1.0)
    is_wrong = uniform(ticker, "wrong", cells) < _WRONG_RATIO
    is_wrong[:, : _WRONG_BARS.start] = is_wrong[:, _WRONG_BARS.stop :] = False
    errors: _Floats = np.where(is_wrong, signs * sizes, 0.0)
    return errors


def _is_printed(ticker: str, days: _Cells) -> npt.NDArray[np.bool_]:
    """Which closes exist, [nights, bars]."""
    is_thin = bool(uniform(ticker, "thin", np.arange(1))[0] < _THIN_RATIO)
    cells = _cells(days, _EVENING_BARS + _MORNING_BARS)
    is_printed: npt.NDArray[np.bool_] = uniform(ticker, "printed", cells) < _PRINTED[is_thin]
    return is_printed & (uniform(ticker, "quiet", days) >= _QUIET_RATIO)[:, None]


def _cells(days: _Cells, count: int) -> _Cells:
    """A number for each of ``count`` bars of these days, [days, count]."""
    cells: _Cells = days[:, None] * 256 + np.arange(count)
    return cells


def _micros(instants: pd.DatetimeIndex) -> _Cells:
    return instants.as_unit("us").asi8
