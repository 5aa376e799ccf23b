"""What a company's report does to a forecast: the bar that contains it is several times as wide.

In a night with a report a share moves far more than the scale expects. The multiplier is one pooled constant and
follows the probability that the report comes in that night. Bars without a report do not change by a bit.
``docs/model.md`` (Report nights) has the measurements. Numpy only. Where next: ``night.py`` for refreshed forecasts.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from include.contracts import QUANTILE_LEVELS
from include.earnings import ReportTiming

Floats = npt.NDArray[np.float64]

WIDTHS: Final = ((0.7, 4.0), (0.35, 3.0), (0.1, 2.0))
"""From which probability of a report on, how many times as wide its night is; below the last, 1."""

UNKNOWN_SIDE_PROBABILITY: Final = 0.45
"""Probability of each of the two nights around a report whose side of the session is not known."""

LEFT_AFTER_REPORT: Final = 0.5
"""Share of a report's width that is left of its night once the report is out."""

OUT_MINUTES: Final = 18 * 60
"""From this minute of the evening on, reports after the close are out."""

_MEDIAN: Final = QUANTILE_LEVELS.index(0.5)


def report_width(probability: float) -> float:
    """How many times as wide as usual a night is in which a report is due with this probability (0..1)."""
    return next((width for least, width in WIDTHS if probability >= least), 1.0)


def widen(quantiles: Floats, bar_variance: Floats, widths: Floats) -> Floats:
    """``[H, Q]``: the forecast with the distances from the median multiplied where a path contains a report.

    The variance of bar i is multiplied by ``widths[i] ** 2``, so a path's width by the root of
    ``1 + sum((widths ** 2 - 1) * share of the bar in the path's variance)``. A path without a report keeps its bits.

    Args:
        quantiles: Log returns, ascending; [H, Q].
        bar_variance: The usual variance of each of the H bars ahead in any common unit, such as the squared seasonal
            shape: ``seasonal_shape(...)[history.next_key[-1]] ** 2``; [H].
        widths: How many times as wide as usual each bar is: ``report_width``, 1 without a report; [H].
    """
    added = np.cumsum(bar_variance * (widths * widths - 1.0))
    stretch = np.sqrt(1.0 + added / np.cumsum(bar_variance))[:, np.newaxis]
    median = quantiles[:, _MEDIAN, np.newaxis]
    return np.asarray(np.where(stretch == 1.0, quantiles, median + (quantiles - median) * stretch), dtype=np.float64)


def width_left(width: float, timing: ReportTiming, clock_minutes: int, *, is_evening: bool) -> float:
    """What is left at a refresh of the width of the night's report: the ``widths`` entry of the first bar; at least 1.

    A report after the close is out by 18:00, and its move is in the believed price. Half of its width is left: what was
    then left of the night was twice as wide as in other nights. The minute of a report before the open is not believed,
    so its width stays until the open, as does that of a report whose side is unknown. Most reports before the open are
    out by 06:35. But what was left then was nearly four times as wide as in other nights. With less than the full width
    the intervals were too narrow. ``docs/model.md`` (Report nights) has the figures.

    The move over the expected size counts from the same width: ``night.refresh`` takes the expected size times this.

    Args:
        width: ``report_width`` at the last close.
        timing: The side on which the report is due.
        clock_minutes: The exchange's clock at the refresh, in minutes since midnight.
        is_evening: The refresh is on the day of the last close.
    """
    is_out = timing is ReportTiming.AFTER_CLOSE and (not is_evening or clock_minutes >= OUT_MINUTES)
    return max(1.0, LEFT_AFTER_REPORT * width) if is_out else width
