"""The scale of a response's prices, and the factor between it and the stored scale.

A source adjusts hourly prices for splits: after a split it serves older bars on the new scale, sometimes late. So a
response is first brought to one scale (``unify``). Then the ratio of stored to fetched closes gives the split's factor
(``factor_of``). Pure functions: no store, no source.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

import numpy as np
import pandas as pd

from include.contracts import PRICE_COLUMNS, Split

SCALE_UNCLEAR: Final = "scale_unclear"
"""Reason of a rejection: ``factor_of`` finds no single factor for the bars."""
AGREEMENT: Final = 0.002
"""Largest difference, in log prices, of two ratios that count as equal: prices are rounded."""

_LEAST_OVERLAP: Final = 3
_LEAST_AGREEING_RATIO: Final = 0.9
_LEAST_UNANNOUNCED: Final = float(np.log(1.1))  # a smaller shift is a revision, unless the source announces a split
_STEP_BARS: Final = 3  # a median of three, so that one bad price beside a split does not hide it
_LARGEST_TERM: Final = 50


def unify(bars: pd.DataFrame, splits: Sequence[Split]) -> pd.DataFrame:
    """The bars, with those before each split moved to the new scale where the source served them on the old one.

    If there is no step between the bars around a split, its prices are adjusted already.
    """
    unified = bars
    for split in splits:
        is_price = (unified[list(PRICE_COLUMNS)] > 0).all(axis=1)
        rows = unified[(unified["ticker"] == split.ticker) & is_price].sort_values("opened_at")
        before, after = rows[rows["opened_at"] < split.effective_at], rows[rows["opened_at"] >= split.effective_at]
        if before.empty or after.empty:
            continue
        step = float(np.log(after["open"].head(_STEP_BARS).median() / before["close"].tail(_STEP_BARS).median()))
        size = float(np.log(split.factor))
        if abs(step + size) < abs(size) / 2:
            is_old = (unified["ticker"] == split.ticker) & (unified["opened_at"] < split.effective_at)
            unified = rescale(unified, unified.index[is_old], split.factor)
    return unified


def rescale(bars: pd.DataFrame, rows: pd.Index, factor: float) -> pd.DataFrame:
    """The frame with these rows' prices divided, and their volumes multiplied, by ``factor``."""
    scaled = bars.copy()
    scaled.loc[rows, list(PRICE_COLUMNS)] = scaled.loc[rows, list(PRICE_COLUMNS)] / factor
    scaled.loc[rows, "volume"] = scaled.loc[rows, "volume"] * factor
    return scaled


def factor_of(log_ratio: float, overlap_count: int, agreeing_ratio: float, splits: Sequence[Split]) -> float | None:
    """The factor of the split between stored and fetched bars; None for no split, NaN if the scale is unclear.

    The scale is unclear if the bars differ much from the stored ones, but not all by the same factor. Then they are
    another ticker's, or some of them are on another scale.

    Args:
        log_ratio: median over the bars that are both stored and given of log(stored close / given close).
        overlap_count: how many such bars there are.
        agreeing_ratio: share of them within ``AGREEMENT`` of that median.
        splits: the ticker's splits by its source.
    """
    if overlap_count < _LEAST_OVERLAP or agreeing_ratio < _LEAST_AGREEING_RATIO:
        return None if abs(log_ratio) < _LEAST_UNANNOUNCED else float("nan")
    for split in splits:
        if abs(log_ratio - np.log(split.factor)) < AGREEMENT:
            return split.factor
    if abs(log_ratio) < _LEAST_UNANNOUNCED:
        return None
    ratio = float(np.exp(log_ratio))
    simple = float(Fraction(max(ratio, 1 / ratio)).limit_denominator(_LARGEST_TERM))
    nearest = simple if ratio > 1 else 1 / simple
    return nearest if abs(np.log(nearest / ratio)) < AGREEMENT else ratio


def effective_from(
    ticker: str, factor: float, splits: Sequence[Split], otherwise_at: datetime
) -> tuple[datetime, bool]:
    """When a split took effect (UTC), and whether the source announced it; ``otherwise_at`` if it did not."""
    named = [
        split.effective_at
        for split in splits
        if split.ticker == ticker and abs(np.log(split.factor / factor)) < AGREEMENT
    ]
    return (max(named), True) if named else (otherwise_at, False)


def is_same(split: Split, other: Split) -> bool:
    """Whether two splits have the same factor."""
    return abs(float(np.log(split.factor / other.factor))) < AGREEMENT
