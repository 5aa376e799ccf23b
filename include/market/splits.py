"""The scale of a response's prices, and the factor between it and the stored scale.

A source adjusts hourly prices for splits: after a split it serves older bars on the new scale, sometimes late. So a
response is first brought to one scale (``unify``). Then the ratios of stored to fetched closes (``shifts``) give the
split's factor (``factor_of``). Pure functions: no store, no source. Where next: ``scale_steps.py`` for changes of scale
within a response that no split names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Shift:
    """A ticker's given bars compared with the stored bars of the same times: log(stored close / given close).

    ``log_ratio``: the median; ``low`` and ``high``: the 10 % and 90 % quantiles; ``overlap_count``: bars that are given
    and stored; ``agreeing_ratio``: share (0..1) of them within ``AGREEMENT`` of the median; ``newest_overlap_at``: when
    the newest of them opened, UTC; ``has_newer``: whether a given bar is newer than all stored ones.
    """

    ticker: str
    log_ratio: float
    low: float
    high: float
    overlap_count: int
    agreeing_ratio: float
    newest_overlap_at: datetime
    has_newer: bool

    @property
    def is_uniform(self) -> bool:
        """Whether nearly all bars have the same ratio."""
        return self.overlap_count >= _LEAST_OVERLAP and self.agreeing_ratio >= _LEAST_AGREEING_RATIO


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
            unified = rescale_before(unified, split)
    return unified


def rescale(bars: pd.DataFrame, rows: pd.Index, factor: float, volume_factor: float) -> pd.DataFrame:
    """The frame with these rows' prices divided by ``factor``, and their volumes multiplied by ``volume_factor``."""
    scaled = bars.copy()
    scaled.loc[rows, list(PRICE_COLUMNS)] = scaled.loc[rows, list(PRICE_COLUMNS)] / factor
    scaled.loc[rows, "volume"] = scaled.loc[rows, "volume"] * volume_factor
    return scaled


def rescale_before(bars: pd.DataFrame, split: Split) -> pd.DataFrame:
    """The frame with the ticker's bars that open before the split on the new scale."""
    is_old = (bars["ticker"] == split.ticker) & (bars["opened_at"] < split.effective_at)
    return rescale(bars, bars.index[is_old], split.factor, split.volume_factor)


def shifts(stored: pd.DataFrame, given: pd.DataFrame, boundaries: Mapping[str, datetime]) -> list[Shift]:
    """The tickers whose median ratio differs from 1 by more than ``AGREEMENT``.

    Args:
        stored: the stored bars of the given tickers and times (BAR_COLUMNS).
        given: accepted bars of a response, on one scale.
        boundaries: by ticker, when a change of scale took effect (UTC): stored bars from it on are on the new scale
            already, so that only those before it are compared, if there are any.
    """
    both = stored.merge(given, on=["ticker", "opened_at"], suffixes=("_stored", ""))
    both = both[np.isfinite(both["close"]) & (both["close"] > 0)]  # rows that the quality checks reject later
    both = both.assign(value=np.log(both["close_stored"] / both["close"]))
    compared = _before_boundaries(both, boundaries)
    medians = compared.groupby("ticker")["value"].median()
    found = []
    for ticker, median in medians[medians.abs() > AGREEMENT].items():
        rows = compared[compared["ticker"] == ticker]
        newest_given, newest_stored = (
            bars.loc[bars["ticker"] == ticker, "opened_at"].max() for bars in (given, stored)
        )
        found.append(
            Shift(
                ticker=str(ticker),
                log_ratio=float(median),
                low=float(rows["value"].quantile(0.1)),
                high=float(rows["value"].quantile(0.9)),
                overlap_count=len(rows),
                agreeing_ratio=float((abs(rows["value"] - median) <= AGREEMENT).mean()),
                newest_overlap_at=rows["opened_at"].max().to_pydatetime(),
                has_newer=bool(newest_given > newest_stored),
            )
        )
    return found


def _before_boundaries(bars: pd.DataFrame, boundaries: Mapping[str, datetime]) -> pd.DataFrame:
    """The bars that open before their ticker's boundary; all bars of a ticker without a boundary or such a bar."""
    left_out = pd.Series(False, index=bars.index)
    for ticker, boundary in boundaries.items():
        is_ticker = bars["ticker"] == ticker
        is_older = bars["opened_at"] < boundary
        if (is_ticker & is_older).any():
            left_out |= is_ticker & ~is_older
    return bars[~left_out]


def factor_of(shift: Shift, splits: Sequence[Split]) -> float | None:
    """The factor of the split between stored and fetched bars; None for no split, NaN if the scale is unclear.

    A known split is the factor, exactly, if it is clearly the nearest explanation: what is left is a revision of each
    bar. The scale is unclear if the bars differ much from the stored ones, but not all by the same factor. Then they
    are another ticker's, or some of them are on another scale.

    ``splits``: the ticker's splits that are known by its source, by its bars, or from the store.
    """
    known = _nearest(shift, splits)
    if known is not None:
        return known
    if abs(shift.log_ratio) < _LEAST_UNANNOUNCED:
        return None
    if not shift.is_uniform:
        return math.nan
    ratio = math.exp(shift.log_ratio)
    simple = float(Fraction(max(ratio, 1 / ratio)).limit_denominator(_LARGEST_TERM))
    nearest = simple if ratio > 1 else 1 / simple
    return nearest if abs(math.log(nearest / ratio)) < AGREEMENT else ratio


def residual_of(shift: Shift, factor: float | None) -> float | None:
    """What the factor leaves unexplained in all bars alike, in log prices; None if nothing is."""
    residual = shift.log_ratio - math.log(factor or 1.0)
    return residual if shift.is_uniform and abs(residual) > AGREEMENT else None


def effective_from(
    ticker: str, factor: float, splits: Sequence[Split], otherwise_at: datetime
) -> tuple[datetime, bool]:
    """When a split took effect (UTC), and whether the source announced it; ``otherwise_at`` if it did not."""
    named = [split for split in splits if split.ticker == ticker]
    same = [split.effective_at for split in named if abs(np.log(split.factor / factor)) < AGREEMENT]
    if not same and named and abs(np.log(_product(named) / factor)) < AGREEMENT:
        same = [split.effective_at for split in named]
    return (max(same), True) if same else (otherwise_at, False)


def net(splits: Sequence[Split]) -> list[Split]:
    """One split for each ticker and instant of effect: the product of those given, without those that cancel."""
    joined: dict[tuple[str, datetime], Split] = {}
    for split in splits:
        key = (split.ticker, split.effective_at)
        joined[key] = replace(split, factor=split.factor * joined[key].factor) if key in joined else split
    return [split for split in joined.values() if abs(math.log(split.factor)) > _ROUNDING]


def is_same(split: Split, other: Split) -> bool:
    """Whether two splits have the same factor."""
    return abs(float(np.log(split.factor / other.factor))) < AGREEMENT


def _nearest(shift: Shift, splits: Sequence[Split]) -> float | None:
    """The known factor, or the product of all, that is clearly nearer to the ratios than no split and the others."""
    if not splits:
        return None
    factors = {split.factor for split in splits} | {_product(splits)}
    best, *others = sorted(factors - {1.0}, key=lambda factor: abs(shift.log_ratio - math.log(factor))) or [1.0]
    size = math.log(best)
    # between no split and this one, the nearer half of the way is the split's
    is_nearer = all(abs(value - size) < abs(size) / 2 for value in (shift.low, shift.log_ratio, shift.high))
    distance = abs(shift.log_ratio - size)
    alternatives = [math.log(other) for other in others if abs(math.log(other / best)) > AGREEMENT]
    is_clear = all(distance < abs(shift.log_ratio - other) / 2 for other in alternatives)
    return best if is_nearer and is_clear and best != 1.0 else None


def _product(splits: Sequence[Split]) -> float:
    return math.prod(split.factor for split in splits)
