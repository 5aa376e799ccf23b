"""The check of price steps: what comes after a bar changes; what a backfill says was known by that bar stays.

A step is put into a ticker's bars. Some bars after it, the bars change: they go on, become wide, or go back to the old
scale. Of the bars that a backfill calls known by then, the closes must be the same, up to a common factor: a later
change of scale moves them all.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from include.contracts import PRICE_COLUMNS, Split
from include.market import quality, splits
from include.pipeline.data import scaling
from tests.leaks.compare import first_difference
from tests.leaks.material import ONBOARDED_AT, TICKERS, Future, profiles, true_bars

FACTORS = (1.25, 1.25, 1.5, 100.0)
HISTORY_BARS = 90


def check_steps(seed: int) -> str | None:
    """What of the believed closes changes with the bars after a random one; None for nothing."""
    random = np.random.default_rng([seed, 6])
    ticker = TICKERS[seed % len(TICKERS)]
    known = true_bars(ticker)
    known = known[known["told_at"] <= ONBOARDED_AT].tail(HISTORY_BARS).drop(columns="told_at").reset_index(drop=True)
    step_at = len(known) - int(random.integers(10, 30))
    split = Split(ticker, known["opened_at"][step_at], float(random.choice(FACTORS)), bool(random.random() < 0.5))
    stepped = splits.rescale_before(known, split)
    cut = step_at + int(random.integers(0, 3))
    before = _believed(stepped, cut)
    for later in (_widened(stepped, cut), _back(stepped, cut, split), _bent(stepped, cut, seed)):
        after = _believed(later, cut)
        both = before.index.intersection(after.index)
        if both.empty:  # a planted leak may believe nothing
            continue
        found = first_difference("believed close", *(_relative(frame.loc[both]) for frame in (before, after)))
        if found:
            return found
    return None


def _believed(bars: pd.DataFrame, cut: int) -> pd.DataFrame:
    """The closes that a backfill of these bars calls known when the bar at ``cut`` closes, by open time."""
    profile = profiles()[bars["ticker"][0]]
    as_of = ONBOARDED_AT + timedelta(days=30)
    accepted, _ = quality.reject_bars(bars, {profile.ticker: profile}, as_of)
    context = scaling.Context(as_of, accepted.iloc[:0], (), (), (), set(), ())
    steps = scaling.find_steps(context, accepted, accepted.iloc[:0])
    scaled, _ = scaling.apply_steps(accepted, steps)
    return scaled[scaled["confirmed_at"] <= bars["closed_at"][cut]].set_index("opened_at")[["closed_at", "close"]]


def _relative(believed: pd.DataFrame) -> pd.DataFrame:
    """Closes over the first one, rounded to ten digits: scales are divided out and multiplied back."""
    return believed.assign(close=(believed["close"] / believed["close"].iloc[0]).round(10)).reset_index(drop=True)


def _widened(bars: pd.DataFrame, cut: int) -> pd.DataFrame:
    """The bars with ranges and volumes as after news from the one after the cut on."""
    later = bars.index > cut
    middle = np.sqrt(bars["open"] * bars["close"])
    changed = bars.copy()
    for name in ("high", "low"):
        changed.loc[later, name] = (middle * (bars[name] / middle) ** 8.0)[later]
    changed.loc[later, "volume"] *= 10.0
    return changed


def _back(bars: pd.DataFrame, cut: int, split: Split) -> pd.DataFrame:
    """The bars on the scale before the split again, from the one after the cut on."""
    return splits.rescale(bars, bars.index[bars.index > cut], 1 / split.factor, 1.0)


def _bent(bars: pd.DataFrame, cut: int, seed: int) -> pd.DataFrame:
    """The bars moved at random from the one after the cut on."""
    random = Future(seed, ONBOARDED_AT).random("steps")
    changed = bars.copy()
    factor = np.where(bars.index > cut, np.exp(np.cumsum(random.normal(0.0, 0.02, len(bars)))), 1.0)
    for name in PRICE_COLUMNS:
        changed[name] = bars[name] * factor
    return changed
