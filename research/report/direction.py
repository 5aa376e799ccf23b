"""Whether forecasts predict the direction of the price: hits, rank correlation, and break-even cost of trading.

Pure numpy. A forecast's direction is the sign of its mean (``forecast_mean``), because most forecasters here set their
median to the last price. Intervals come from a block bootstrap over days. All tickers of a day are resampled together,
because they are correlated. Where next: ``comparison.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.contracts import CRPS_WEIGHTS
from include.evaluation.history import FloatArray, InstantArray, IntArray

BLOCK_DAYS = 5
REPEATS = 500
LEAST_TICKERS = 4
"""Fewest tickers at an instant for a rank correlation."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % block-bootstrap interval; NaN without data."""

    value: float
    low: float
    high: float


def forecast_mean(quantiles: FloatArray) -> FloatArray:
    """Approximate mean of the forecast distribution, with the weights of the CRPS. [..., Q] -> [...]."""
    weights = np.asarray(CRPS_WEIGHTS)
    return np.asarray(quantiles @ (weights / weights.sum()), dtype=np.float64)


def direction_hits(forecast: FloatArray, outcome: FloatArray, anchored_at: InstantArray, seed: int = 0) -> Estimate:
    """Share of forecasts with the outcome's sign, among rows where neither is 0 or unknown. [n] each."""
    has_sign = np.isfinite(forecast) & np.isfinite(outcome) & (forecast != 0.0) & (outcome != 0.0)
    is_hit = (np.sign(forecast) == np.sign(outcome))[has_sign].astype(np.float64)
    return ratio_estimate(is_hit, np.ones(len(is_hit)), anchored_at[has_sign], seed)


def break_even_cost(positions: FloatArray, outcome: FloatArray, anchored_at: InstantArray, seed: int = 0) -> Estimate:
    """Cost of trading, as a share of the traded volume, at which these positions have a profit of 0.

    Args:
        positions: Position in each ticker over the next bar, in units of the price, [n, tickers]; NaN counts as 0.
        outcome: Log return over that bar, [n, tickers]; NaN counts as 0.
        anchored_at: When each row's positions are taken, UTC, [n].
        seed: Seed of the bootstrap.
    """
    held = np.where(np.isfinite(positions) & np.isfinite(outcome), positions, 0.0)
    gains = (held * np.where(np.isfinite(outcome), outcome, 0.0)).sum(axis=1)
    traded = np.abs(np.diff(held, axis=0, prepend=0.0)).sum(axis=1)
    return ratio_estimate(gains, traded, anchored_at, seed)


def rank_correlation(forecast: FloatArray, outcome: FloatArray, anchored_at: InstantArray, seed: int = 0) -> Estimate:
    """Mean over instants of Spearman's correlation across tickers (RankIC). [n, tickers], [n, tickers], [n].

    Instants with fewer than 4 tickers, or with equal values for all of them, are left out.
    """
    values = np.full(len(forecast), np.nan)
    for row in range(len(forecast)):
        is_known = np.isfinite(forecast[row]) & np.isfinite(outcome[row])
        if int(is_known.sum()) >= LEAST_TICKERS:
            values[row] = _spearman(forecast[row, is_known], outcome[row, is_known])
    is_known = np.isfinite(values)
    return ratio_estimate(values[is_known], np.ones(int(is_known.sum())), anchored_at[is_known], seed)


def ratio_estimate(numerator: FloatArray, denominator: FloatArray, anchored_at: InstantArray, seed: int) -> Estimate:
    """Ratio of two sums, with the 2.5 % and 97.5 % quantiles of ``REPEATS`` bootstrap samples of day blocks.

    Source: moving blocks, Künsch, Annals of Statistics (1989), with circular wrapping.
    """
    total = float(denominator.sum())
    if not len(numerator) or total == 0.0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    _, day = np.unique(anchored_at.astype("datetime64[D]"), return_inverse=True)
    tops, bottoms = np.bincount(day, numerator), np.bincount(day, denominator)
    picked = block_days(len(tops), REPEATS, seed)
    sums = bottoms[picked].sum(axis=1)
    ratios = np.divide(tops[picked].sum(axis=1), sums, out=np.full(REPEATS, np.nan), where=sums != 0.0)
    low, high = np.nanquantile(ratios, [0.025, 0.975])
    return Estimate(float(numerator.sum()) / total, float(low), float(high))


def block_days(count: int, repeats: int, seed: int) -> IntArray:
    """Indices of resampled days: blocks of ``BLOCK_DAYS`` days from random starts, circular. [repeats, count]."""
    random = np.random.default_rng(seed)
    block_count = -(-count // BLOCK_DAYS)
    starts = random.integers(0, count, (repeats, block_count, 1))
    return np.asarray(((starts + np.arange(BLOCK_DAYS)) % count).reshape(repeats, -1)[:, :count], dtype=np.int64)


def _spearman(left: FloatArray, right: FloatArray) -> float:
    """Rank correlation; ties have their mean rank. NaN if all values of one side are equal."""
    one, two = _ranks(left), _ranks(right)
    one, two = one - one.mean(), two - two.mean()
    norm = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / norm if norm > 0.0 else float("nan")


def _ranks(values: FloatArray) -> FloatArray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[place], dtype=np.float64)
