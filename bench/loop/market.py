"""A simulated market whose regime changes at known instants, as files of bars that the source `files` reads.

Eight shares trade New York's sessions. Their volatility clusters and has a shape over the day, and part of each move
is common to all. A *regime* says how the moves are made: the shape of the day, their size, their tails, and the
*echo*: the share of a move that goes on in the next hour (above 0) or is taken back (below 0). The noise depends on the
seed alone. So two markets with one seed have the same bars up to the first instant at which their regimes differ, and
a market can be continued in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.market.grid import NEW_YORK
from include.market.sessions import bar_grid

FloatArray = npt.NDArray[np.float64]
TICKERS: Final = tuple(f"LOOP{letter}" for letter in "ABCDEFGH")
SHAPE: Final = (1.9, 1.15, 0.9, 0.75, 0.75, 0.95, 0.85)
MOVED_SHAPE: Final = (0.85, 0.55, 0.6, 0.75, 1.2, 1.8, 1.9)
_SLOTS: Final = len(SHAPE)
_COMMON: Final = 0.3
"""Share of a move's variance that all tickers have in common."""
_MEMORY: Final = 0.967
"""Log volatility of the next hour over that of this one: a half-life of three sessions."""
_LEVEL_NOISE: Final = 0.06
_USUAL_MOVE: Final = 0.003
_GAP_RATIO: Final = 0.6
"""Share of a session's first move that is made before it opens."""
_STEPS: Final = 12
"""Steps of a price within a bar, of which high and low are the extremes."""


@dataclass(frozen=True)
class Regime:
    """How moves are made: see the module. ``has_heavy_tails``: Student's t with four degrees of freedom.

    The variance of a move does not depend on the echo or on the tails.
    """

    echo: float = 0.0
    shape: tuple[float, ...] = SHAPE
    size: float = 1.0
    has_heavy_tails: bool = False


def make_market(
    since: datetime, until: datetime, regimes: Sequence[tuple[datetime, Regime]], seed: int
) -> dict[str, pd.DataFrame]:
    """Each ticker's bars that open in [since, until) (UTC), in the layout of the source `files`.

    Args:
        since: the oldest bar's time.
        until: the end.
        regimes: each with the instant from which on it holds, oldest first; the first holds from ``since`` on.
        seed: of the noise.
    """
    grid = bar_grid(NEW_YORK, since, until)
    opened_at, slots = pd.DatetimeIndex(grid["opened_at"]), grid["slot"].to_numpy(np.int64)
    kinds = _regime_numbers(opened_at, [moment for moment, _ in regimes])
    volatility, noise, inner = _noise(len(grid), seed)
    moves = _moves(volatility, noise, slots, kinds, [regime for _, regime in regimes])
    return {
        ticker: _bars(opened_at, slots, moves[:, k], inner[:, k], price=20.0 * 1.3**k)
        for k, ticker in enumerate(TICKERS)
    }


def write_market(folder: Path, bars: dict[str, pd.DataFrame]) -> None:
    """Writes one Parquet file a ticker; a file that is there is replaced as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for ticker, frame in bars.items():
        temporary = folder / f".{ticker}.new"
        frame.to_parquet(temporary, index=False)
        temporary.replace(folder / f"{ticker}.parquet")


def _regime_numbers(opened_at: pd.DatetimeIndex, starts: Sequence[datetime]) -> npt.NDArray[np.int64]:
    """The number of the regime of each bar. [n]."""
    later = np.array([opened_at >= pd.Timestamp(moment) for moment in starts[1:]], dtype=np.int64)
    return np.asarray(later.sum(axis=0) if len(later) else np.zeros(len(opened_at)), dtype=np.int64)


def _noise(count: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Volatility [n, K], the noise of the moves [n, K, 2], and that within bars [n, K, steps]: one row after the other.

    Each row has a generator of its own, so that a longer market has the same first rows.
    """
    size = len(TICKERS)
    level = np.zeros(1 + size)
    volatility, noise = np.empty((count, size)), np.empty((count, size, 2))
    inner = np.empty((count, size, _STEPS))
    for row in range(count):
        random = np.random.default_rng((seed, row))
        level = _MEMORY * level + _LEVEL_NOISE * random.standard_normal(1 + size)
        volatility[row] = _USUAL_MOVE * np.exp(level[0] + level[1:])
        common, own = random.standard_normal(), random.standard_normal(size)
        noise[row, :, 0] = np.sqrt(_COMMON) * common + np.sqrt(1.0 - _COMMON) * own
        noise[row, :, 1] = random.uniform(size=size)
        inner[row] = random.standard_normal((size, _STEPS))
    return volatility, noise, inner


def _moves(
    volatility: FloatArray,
    noise: FloatArray,
    slots: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int64],
    regimes: Sequence[Regime],
) -> FloatArray:
    """Log returns from close to close. [n, K]."""
    moves, before = np.empty_like(volatility), np.zeros(volatility.shape[1])
    for row, (slot, kind) in enumerate(zip(slots, kinds, strict=True)):
        regime = regimes[kind]
        fresh = noise[row, :, 0] * (_tails(noise[row, :, 1]) if regime.has_heavy_tails else 1.0)
        before = regime.echo * before + np.sqrt(1.0 - regime.echo**2) * fresh
        moves[row] = regime.size * regime.shape[slot] * volatility[row] * before
    return moves


def _tails(uniform: FloatArray) -> FloatArray:
    """Factors of mean square 1 that turn normal noise into Student's t with four degrees of freedom."""
    # chi square with four degrees of freedom is Erlang's distribution of two: its quantile by Newton's method
    value = np.full_like(uniform, 3.0)
    for _ in range(40):
        density = value / 4.0 * np.exp(-value / 2.0)
        below = 1.0 - np.exp(-value / 2.0) * (1.0 + value / 2.0)
        value = np.clip(value - (below - uniform) / np.maximum(density, 1e-9), value / 4.0, value * 4.0)
    return np.asarray(np.sqrt(2.0 / value), dtype=np.float64)


def _bars(
    opened_at: pd.DatetimeIndex, slots: npt.NDArray[np.int64], moves: FloatArray, inner: FloatArray, price: float
) -> pd.DataFrame:
    """One ticker's bars: opens, and extremes of a bridge from open to close."""
    closes = np.cumsum(moves)
    gap = np.where(slots == 0, _GAP_RATIO * moves, 0.0)
    within = moves - gap
    opens = closes - within
    size = np.abs(within)[:, None] + _USUAL_MOVE
    walk = np.cumsum(inner, axis=1) / np.sqrt(_STEPS) * 0.7 * size
    clock = np.arange(1, _STEPS + 1) / _STEPS
    path = opens[:, None] + clock * within[:, None] + walk - clock * walk[:, -1:]
    lows, highs = path.min(axis=1), path.max(axis=1)
    logs = {
        "open": opens,
        "high": np.maximum.reduce([highs, opens, closes]),
        "low": np.minimum.reduce([lows, opens, closes]),
        "close": closes,
    }
    pieces = np.ceil(1e5 * np.abs(within) / _USUAL_MOVE) + 1e4
    return pd.DataFrame(
        {"ts": opened_at, **{name: price * np.exp(values) for name, values in logs.items()}, "volume": pieces}
    )
