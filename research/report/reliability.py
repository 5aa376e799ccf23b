"""Calibration of forecasts: coverage by group, and the probability integral transform (PIT) of the outcomes.

Pure numpy and pandas. Shapes: outcomes [n], quantiles [n, Q].
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from include.contracts import QUANTILE_LEVELS
from include.evaluation import metrics
from include.evaluation.history import BoolArray, FloatArray

BIN_EDGES = (0.0, *QUANTILE_LEVELS, 1.0)
"""Edges of the Q + 1 bins of probability between the quantile levels."""

TERCILES = ("calm", "middle", "wild")


def groups_of(tercile: FloatArray, is_overnight: BoolArray) -> dict[str, BoolArray]:
    """Masks of the groups of rows: all, by volatility tercile, and paths over a night or weekend. [n] each."""
    parts = {name: tercile == number for number, name in enumerate(TERCILES)}
    return {"all": np.ones(len(tercile), dtype=np.bool_), **parts, "overnight": is_overnight}


def coverage_by_group(outcomes: FloatArray, quantiles: FloatArray, groups: Mapping[str, BoolArray]) -> pd.DataFrame:
    """Share (0..1) of known outcomes inside each central interval: one row for each group, columns 50, 80, 90, 95."""
    records = {
        name: {
            interval: metrics.coverage(outcomes[rows], quantiles[rows], interval)
            for interval in metrics.INTERVAL_COLUMNS
        }
        for name, rows in groups.items()
    }
    return pd.DataFrame.from_dict(records, orient="index")


def pit(outcomes: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Probability integral transform: the level of each outcome, by linear interpolation. [n], [n, Q] -> [n].

    Beyond the outermost quantiles the distribution is not known: the level is the middle between theirs and 0 or 1. An
    outcome that equals several quantiles (the price did not move) has the mean of their lowest and highest level.
    Unknown outcomes are NaN.

    Source: Dawid, Statistical Theory: the Prequential Approach (1984).
    """
    levels = np.asarray(QUANTILE_LEVELS)
    below, through = (quantiles < outcomes[:, None]).sum(axis=1), (quantiles <= outcomes[:, None]).sum(axis=1)
    is_on = through > below
    on = (levels[np.minimum(below, len(levels) - 1)] + levels[np.maximum(through, 1) - 1]) / 2.0
    low, high = np.maximum(below, 1) - 1, np.minimum(below, len(levels) - 1)
    rows = np.arange(len(outcomes))
    start, width = quantiles[rows, low], quantiles[rows, high] - quantiles[rows, low]
    share = np.divide(outcomes - start, width, out=np.zeros(len(outcomes)), where=width > 0.0)
    inside = levels[low] + share * (levels[high] - levels[low])
    outer = np.where(below == 0, levels[0] / 2.0, (1.0 + levels[-1]) / 2.0)
    is_outer = (below == 0) | (below == len(levels))
    result = np.where(is_on, on, np.where(is_outer, outer, inside))
    return np.where(np.isfinite(outcomes) & np.isfinite(quantiles).all(axis=1), result, np.nan)


def pit_densities(values: FloatArray) -> FloatArray:
    """Share of PIT values in each bin over the bin's width; 1 is calibrated. [n] -> [Q + 1].

    A value on an edge counts half in each of the two bins.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return np.full(len(BIN_EDGES) - 1, np.nan)
    edges = np.asarray(BIN_EDGES)
    left = np.searchsorted(edges[1:-1], known, side="left")
    right = np.searchsorted(edges[1:-1], known, side="right")
    size = len(edges) - 1
    counts = (np.bincount(left, minlength=size) + np.bincount(right, minlength=size)) / 2.0
    return np.asarray(counts / len(known) / np.diff(edges), dtype=np.float64)
