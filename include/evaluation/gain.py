"""The gain of one forecaster's CRPS skill over another's on a leaderboard, with its standard error.

Pure numpy. Losses of neighbouring bars and of tickers of the same market are correlated. So the error is that of whole
blocks of days, over all tickers together. Where next: ``leaderboard.py`` for the losses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from include.evaluation.history import FloatArray
from include.evaluation.leaderboard import Leaderboard

ALL_HORIZONS = tuple(range(1, 8))
WEEK_DAYS = 7

_EPOCH_MONDAY = np.datetime64("1970-01-05", "D")


@dataclass(frozen=True)
class Gain:
    """The gain in skill (a ratio: 0.001 is 0.1 %), its standard error (NaN with one block), and the count of blocks."""

    mean: float
    error: float
    block_count: int


def skill_gain(
    board: Leaderboard,
    name: str,
    against: str | None = None,
    *,
    horizons: Sequence[int] = ALL_HORIZONS,
    block_days: int = WEEK_DAYS,
) -> Gain:
    """The skill of ``name`` less that of ``against`` (default: the baseline, whose skill is 0), with its error.

    Both skills are relative to the baseline's mean loss, on the rows that all three forecast. They are averaged over
    tickers and horizons with the same weight. A block is ``block_days`` days in UTC; weeks begin on Mondays. A ticker
    without such rows is left out; without any the gain is NaN.
    """
    other = board.baseline if against is None else against
    cells = [
        _cell(board, ticker, horizon - 1, (name, other, board.baseline), block_days)
        for ticker in board.rows
        for horizon in horizons
    ]
    found = [cell for cell in cells if cell is not None]
    if not found:
        return Gain(float("nan"), float("nan"), 0)
    _, place = np.unique(np.concatenate([blocks for blocks, _ in found]), return_inverse=True)
    sums = np.bincount(place, np.concatenate([values for _, values in found])) / len(found)
    count = len(sums)
    mean = float(sums.sum())
    spread = float(np.square(sums - mean / count).sum())
    error = math.sqrt(spread * count / (count - 1)) if count > 1 else float("nan")
    return Gain(mean, error, count)


def mean_gain(gains: Sequence[Gain]) -> Gain:
    """The mean of the gains of separate periods, each with the same weight; blocks of different periods do not overlap.

    Raises:
        ValueError: there is no gain.
    """
    if not gains:
        message = "The mean of no gain is not known; pass at least one."
        raise ValueError(message)
    error = math.sqrt(sum(gain.error**2 for gain in gains)) / len(gains)
    return Gain(sum(gain.mean for gain in gains) / len(gains), error, sum(gain.block_count for gain in gains))


def _cell(
    board: Leaderboard, ticker: str, column: int, names: tuple[str, str, str], block_days: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], FloatArray] | None:
    """The block of each common row of a ticker and horizon, and the row's share of the gain; None without rows."""
    loss, other, unit = (board.losses[name][ticker][:, column] for name in names)
    is_known = np.isfinite(loss) & np.isfinite(other) & np.isfinite(unit)
    total = float(unit[is_known].sum())
    if total <= 0.0:
        return None
    days = (board.rows[ticker].anchored_at[is_known].astype("datetime64[D]") - _EPOCH_MONDAY).astype(np.int64)
    return days // block_days, (other - loss)[is_known] / total
