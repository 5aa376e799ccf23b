"""Cases: one forecast at one refresh of one night, all tickers in flat arrays, with the reports of the night.

Where next: ``scores.py`` for their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from include.evaluation.history import BoolArray, FloatArray, InstantArray, IntArray
from research.night.blind import HAR, MODEL, WALK, Blind
from research.night.nights import REFRESHES, Nights
from research.night.reports import Reports, report_bars


@dataclass(frozen=True)
class Cases:
    """N cases. ``model``, ``har``, ``walk`` [N, H, Q]: blind quantiles of log returns since the last close.

    ``scale``, ``bar_variance``, ``outcome`` [N, H] as in ``Blind``; ``move``, ``age``, ``count``, ``evening`` [N] as in
    ``Nights``; ``refresh`` [N] index of the clock; ``day`` [N] New York day of the next session; ``ticker`` [N];
    ``is_report`` [N, H]: which bars ahead contain a report; ``is_before_open`` [N]: that of the first came before the
    open.
    """

    ticker: np.ndarray[tuple[int], np.dtype[np.str_]]
    day: InstantArray
    refresh: IntArray
    model: FloatArray
    har: FloatArray
    walk: FloatArray
    scale: FloatArray
    bar_variance: FloatArray
    outcome: FloatArray
    move: FloatArray
    age: FloatArray
    count: IntArray
    evening: FloatArray
    is_report: BoolArray
    is_before_open: BoolArray

    def __len__(self) -> int:
        return len(self.day)

    def where(self, is_chosen: BoolArray) -> Cases:
        """The chosen cases."""
        return Cases(**{field.name: getattr(self, field.name)[is_chosen] for field in fields(self)})


def collect(blinds: Mapping[str, Blind], nights: Mapping[str, Nights], reports: Mapping[str, Reports]) -> Cases:
    """All nights and refreshes of all tickers at which the product has a forecast, by ticker, night and clock."""
    parts = [
        _cases(ticker, blinds[ticker], found, reports.get(ticker))
        for ticker, found in nights.items()
        if len(found.rows)
    ]
    joined = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Cases)}
    cases = Cases(**joined)
    joined_quantiles = np.concatenate([cases.model, cases.har, cases.walk], axis=2)
    return cases.where(
        np.asarray(np.isfinite(joined_quantiles).all(axis=(1, 2)) & np.isfinite(cases.scale).all(axis=1))
    )


def _cases(ticker: str, blind: Blind, nights: Nights, reports: Reports | None) -> Cases:
    width, rows = len(REFRESHES), np.repeat(nights.rows, len(REFRESHES))
    mornings = reports.before_open if reports else np.empty(0, dtype="datetime64[D]")
    return Cases(
        ticker=np.full(len(rows), ticker),
        day=np.repeat(nights.days, width),
        refresh=np.tile(np.arange(width), len(nights.rows)),
        model=blind.quantiles[MODEL][rows],
        har=blind.quantiles[HAR][rows],
        walk=blind.quantiles[WALK][rows],
        scale=blind.scale[rows],
        bar_variance=blind.bar_variance[rows],
        outcome=blind.outcome[rows],
        move=nights.move.reshape(-1),
        age=nights.age.reshape(-1),
        count=nights.count.reshape(-1),
        evening=np.repeat(nights.evening, width),
        is_report=report_bars(blind, reports)[rows],
        is_before_open=np.repeat(np.isin(nights.days.astype("datetime64[D]"), mornings), width),
    )
