"""Report nights: which of the bars ahead contain a company's report, from a file of dates.

Where next: ``cases.py`` for refreshed forecasts, ``report_tables.py`` for what the widening is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contracts import HORIZON_COUNT
from include.earnings import ReportTiming
from include.evaluation.history import BoolArray, FloatArray
from include.model.events import widen
from research.night.blind import Blind
from research.night.nights import new_york_days

DayArray = npt.NDArray[np.datetime64]

CERTAIN = 0.95
"""Probability of a day that the company has named."""


@dataclass(frozen=True)
class Reports:
    """One company's reports: their New York days, as datetime64[D], by side of the session."""

    after_close: DayArray
    before_open: DayArray

    def moved(self, days: int) -> Reports:
        """The same reports, each expected this many weekdays later (or earlier, below 0)."""
        return Reports(
            *(np.busday_offset(dates, days, roll="forward") for dates in (self.after_close, self.before_open))
        )

    @property
    def both_sides(self) -> Reports:
        """The same days, each with both sides: what is expected if the side is unknown."""
        days = np.concatenate([self.after_close, self.before_open])
        return Reports(days, days)


def read_reports(path: Path) -> dict[str, Reports]:
    """The reports by ticker of a CSV file with the columns ticker, reported_on and timing."""
    table = pd.read_csv(path, dtype="str")
    days = table["reported_on"].to_numpy().astype("datetime64[D]")
    is_of = {ticker: (table["ticker"] == ticker).to_numpy() for ticker in table["ticker"].unique()}
    after, before = (
        (table["timing"] == timing).to_numpy() for timing in (ReportTiming.AFTER_CLOSE, ReportTiming.BEFORE_OPEN)
    )
    return {ticker: Reports(days[rows & after], days[rows & before]) for ticker, rows in is_of.items()}


def report_bars(blind: Blind, reports: Reports | None) -> BoolArray:
    """Whether each of the H bars ahead contains a report. [m, H].

    The first bar of a session contains the reports after the close of the session before, up to those before its open.
    """
    result = np.zeros((len(blind), HORIZON_COUNT), dtype=np.bool_)
    if reports is None or not len(blind):
        return result
    days = new_york_days(blind.closed_at).astype("datetime64[D]")
    is_first = np.concatenate([[False], days[1:] > days[:-1]])
    previous = np.concatenate([days[:1], days[:-1]])
    has_report = np.zeros(len(blind), dtype=np.bool_)
    for place in np.flatnonzero(is_first):
        after = (reports.after_close >= previous[place]) & (reports.after_close < days[place])
        before = (reports.before_open > previous[place]) & (reports.before_open <= days[place])
        has_report[place] = after.any() or before.any()
    for column in range(HORIZON_COUNT):
        result[: len(blind) - column - 1, column] = has_report[column + 1 :]
    return result


def widened(blind: Blind, quantiles: FloatArray, is_report: BoolArray, width: float) -> FloatArray:
    """The forecasts with the bars of reports this many times as wide. [m, H, Q]."""
    result = quantiles.copy()
    for row in np.flatnonzero(is_report.any(axis=1)):
        widths = np.where(is_report[row], width, 1.0)
        result[row] = widen(quantiles[row], blind.bar_variance[row], widths)
    return result
