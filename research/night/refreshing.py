"""Refreshed forecasts of the cases, as the product makes them, and with other constants.

Where next: ``tables.py``.
"""

from __future__ import annotations

import numpy as np

from include.contracts import QUANTILE_LEVELS
from include.earnings import ReportTiming
from include.evaluation.history import FloatArray
from include.model.events import report_width, widen, width_left
from include.model.night import MOVE_GAIN, Night, first_bar_shares, refresh, refreshed_baseline
from research.night.cases import Cases
from research.night.nights import REFRESHES, is_evening, minutes_of
from research.night.reports import CERTAIN

_MEDIAN = QUANTILE_LEVELS.index(0.5)


def night_of_case(cases: Cases, place: int) -> Night:
    """What the case knows of its night."""
    clock = REFRESHES[cases.refresh[place]]
    return Night(float(cases.move[place]), minutes_of(clock), is_evening(clock), float(cases.age[place]))


def report_widths(cases: Cases) -> FloatArray:
    """How many times as wide each bar ahead is at the refresh for its reports, 1 without one. [N, H]."""
    widths = np.where(cases.is_report, report_width(CERTAIN), 1.0)
    for place in np.flatnonzero(cases.is_report[:, 0]).tolist():
        night = night_of_case(cases, place)
        timing = ReportTiming.BEFORE_OPEN if cases.is_before_open[place] else ReportTiming.AFTER_CLOSE
        widths[place, 0] = width_left(widths[place, 0], timing, night.clock_minutes, is_evening=night.is_evening)
    return widths


def refreshed(cases: Cases, *, has_reports: bool = False) -> FloatArray:
    """The product's refreshed forecasts, with or without the knowledge of reports. [N, H, Q]."""
    widths = report_widths(cases) if has_reports else np.ones(cases.is_report.shape)
    result = np.empty(cases.model.shape)
    for place in range(len(cases)):
        variance = cases.bar_variance[place]
        quantiles = widen(cases.model[place], variance, widths[place])
        shares = first_bar_shares(variance * widths[place] ** 2)
        expected = float(cases.scale[place, 0] * widths[place, 0])
        result[place] = refresh(quantiles, expected, shares, night_of_case(cases, place))
    return result


def blind(cases: Cases, *, has_reports: bool = False) -> FloatArray:
    """The forecasts of the last close, with or without the knowledge of reports. [N, H, Q]."""
    if not has_reports:
        return cases.model
    widths = np.where(cases.is_report, report_width(CERTAIN), 1.0)
    rows = zip(cases.model, cases.bar_variance, widths, strict=True)
    return np.stack([widen(quantiles, variance, width) for quantiles, variance, width in rows])


def refreshed_har(cases: Cases) -> FloatArray:
    """HAR's forecasts at the location of the product's, with the remaining width. [N, H, Q]."""
    rows = zip(cases.har, cases.bar_variance, range(len(cases)), strict=True)
    return np.stack(
        [
            refreshed_baseline(quantiles, first_bar_shares(variance), night_of_case(cases, place))
            for quantiles, variance, place in rows
        ]
    )


def refreshed_walk(cases: Cases) -> FloatArray:
    """The random walk's forecasts, from the believed price. [N, H, Q]."""
    return cases.walk + cases.move[:, np.newaxis, np.newaxis]


def with_constants(cases: Cases, weight: float, left: float, move_gain: float = MOVE_GAIN) -> FloatArray:
    """Refreshed forecasts without reports, with these constants at every clock. [N, H, Q]."""
    share = cases.bar_variance[:, :1] / np.cumsum(cases.bar_variance, axis=1)
    grown = left**2 * (1.0 + (move_gain * cases.move / cases.scale[:, 0]) ** 2)
    stretch = np.sqrt(1.0 - (1.0 - grown)[:, np.newaxis] * share)[..., np.newaxis]
    median = cases.model[..., _MEDIAN, np.newaxis]
    move = (weight * cases.move)[:, np.newaxis, np.newaxis]
    return np.asarray(median + move + (cases.model - median) * stretch, dtype=np.float64)
