"""What a night's price does to a forecast: it moves the location, and what is left of the night sets the width.

Between two sessions a forecast is *refreshed*: it is about the same bars, and starts from the price of the extended
hours (the believed price) in place of the last close. The first bar ahead contains the night, so only its part of a
path's variance becomes smaller. After a large move more is left than usual, so the width grows with the move. The
constants are pooled over all tickers and depend on New York's clock and the price's age only. ``docs/model.md``
(Refreshed forecasts) has the measurements. Numpy only. Where next: ``events.py`` for the nights of companies' reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from include.contracts import QUANTILE_LEVELS

Floats = npt.NDArray[np.float64]

HOUR: Final = 60

EVENING: Final = ((0, 0.9, 0.95),)
"""From which minute of the evening on, the weight of the move, and the width that is left of the first bar."""

MORNING: Final = ((0, 1.0, 0.85), (6 * HOUR, 1.0, 0.8), (8 * HOUR, 1.0, 0.77))
"""The same from midnight on."""

STALE_MINUTES: Final = 40.0
"""A believed price that is as old as this, or older, is stale."""

STALE_WEIGHT: Final = 0.75
"""A stale price's move counts for this share of its weight. Measured on such moves: 0.60 (0.12) to 0.83 (0.13)."""

MOVE_GAIN: Final = 0.4
"""The width of what is left grows with the move, by the factor sqrt(1 + (gain * move / expected move) ** 2)."""

_MEDIAN: Final = QUANTILE_LEVELS.index(0.5)


@dataclass(frozen=True)
class Night:
    """What is known of a night at an instant.

    ``move``: log of the believed price over the last regular close. ``clock_minutes``: the exchange's clock at the
    instant, in minutes since midnight. ``is_evening``: the instant is on the day of the last close; else it is on a
    later day. ``age_minutes``: minutes since the believed price's newest close.
    """

    move: float
    clock_minutes: int
    is_evening: bool
    age_minutes: float


def move_weight(night: Night) -> float:
    """The share (0..1) of the night's move that the location follows, by clock and by the price's age."""
    weight = _constants(night)[0]
    return weight * STALE_WEIGHT if night.age_minutes >= STALE_MINUTES else weight


def remaining_ratio(night: Night, shares: Floats) -> Floats:
    """``[H]``: what is left of the width of each path when the night is known until the instant; in (0, 1].

    ``shares [H]``: the first bar's share of each path's variance, ``first_bar_shares``.
    """
    left = _constants(night)[1]
    return np.sqrt(1.0 - (1.0 - left * left) * np.clip(shares, 0.0, 1.0))


def first_bar_shares(bar_variance: Floats, passed_count: int = 0) -> Floats:
    """``[H]``: the first bar's share of the variance of the paths of 1..H bars; the first is 1.

    ``passed_count`` bars before the night's have ended already; they count with the night's bar.

    ``bar_variance [H]``: the variance of each bar ahead in any common unit, such as the squared seasonal shape of
    ``evaluation.volatility``: ``seasonal_shape(...)[history.next_key[-1]] ** 2``; a bar with a report times its width
    squared.
    """
    until_night = bar_variance[: passed_count + 1].sum()
    return np.asarray(np.minimum(until_night / np.cumsum(bar_variance), 1.0), dtype=np.float64)


def refresh(quantiles: Floats, expected: float, shares: Floats, night: Night) -> Floats:
    """``[H, Q]``: the forecast of the same bars when the night's move is known, as log returns since the last close.

    The location moves by ``move_weight`` times the move. Distances from the median are multiplied by
    ``remaining_ratio``, and the first bar's part grows with the move over what was expected.

    Args:
        quantiles: The forecast without the night, log returns since the last close, ascending; [H, Q].
        expected: The scale of the first bar's log return at the last close (``scale_1`` of the features), positive. In
            a report's night it is multiplied by what is left of the report's width (``events.width_left``), so that the
            variances of the report and of the move add up.
        shares: ``first_bar_shares``; [H]. In a report's night the first bar's variance is multiplied by the square of
            what is left of the report's width.
        night: What is known.
    """
    left = _constants(night)[1]
    surprise = MOVE_GAIN * night.move / expected
    grown = left * left * (1.0 + surprise * surprise)
    stretch = np.sqrt(1.0 - (1.0 - grown) * np.clip(shares, 0.0, 1.0))
    return _stretched(quantiles, stretch, move_weight(night) * night.move)


def refreshed_baseline(quantiles: Floats, shares: Floats, night: Night) -> Floats:
    """``[H, Q]``: a baseline's forecast at the location of ``refresh`` with the remaining width; no width by the move.

    The arguments are those of ``refresh``.
    """
    return _stretched(quantiles, remaining_ratio(night, shares), move_weight(night) * night.move)


def _stretched(quantiles: Floats, stretch: Floats, move: float) -> Floats:
    """The quantiles with their distances from the median multiplied, all moved by the same distance. [H, Q]."""
    median = quantiles[:, _MEDIAN, np.newaxis]
    return np.asarray(median + move + (quantiles - median) * stretch[:, np.newaxis], dtype=np.float64)


def _constants(night: Night) -> tuple[float, float]:
    """The weight of the move and the width left of the first bar, by clock."""
    table = EVENING if night.is_evening else MORNING
    _, weight, left = [row for row in table if row[0] <= night.clock_minutes][-1]
    return weight, left
