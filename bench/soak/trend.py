"""The slope of a measure, and whether it grows by more than is stated.

The slope is Sen's: the median of the slopes of pairs of hours, which a few outliers do not move. Only pairs that are
whole days apart count, because a day has a cycle: markets open and close, and maintenance runs once. The interval is
that of the seasonal Kendall test (Gilbert, Statistical Methods for Environmental Pollution Monitoring, 1987, 17.4). It
takes hours as independent. Those of memory are not, so their interval is too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAY_HOURS = 24
_NORMAL_975 = 1.959964
FLAT, WITHIN, GROWS, OPEN = "flat", "within", "GROWS", "open"


@dataclass(frozen=True)
class Slope:
    """Growth an hour with its 95 % interval; ``low`` and ``high`` are infinite where no pair of hours can be had."""

    value: float
    low: float
    high: float


def slope_of(values: Sequence[float], cycle: int = DAY_HOURS, *, is_cyclic: bool = False) -> Slope:
    """The slope of a value an hour. With fewer than two cycles of hours, pairs of any distance count.

    ``is_cyclic``: what is added by the hour and removed by the day. Only pairs that are whole cycles apart count then.
    """
    count = len(values)
    step = cycle if is_cyclic or count >= 2 * cycle else 1
    first, second = np.triu_indices(count, 1)
    distances = second - first
    is_used = distances % step == 0
    first, second, distances = first[is_used], second[is_used], distances[is_used]
    if not len(first):
        return Slope(0.0, -np.inf, np.inf)
    numbers = np.asarray(values, dtype=np.float64)
    slopes: npt.NDArray[np.float64] = np.sort((numbers[second] - numbers[first]) / distances)
    spread = _NORMAL_975 * np.sqrt(_variance(count, step))
    last = len(slopes) - 1
    low, high = (len(slopes) - spread) / 2 - 1, (len(slopes) + spread) / 2
    bounds = (
        slopes[int(np.floor(low))] if low >= 0 else -np.inf,
        slopes[int(np.ceil(high))] if high <= last else np.inf,
    )
    return Slope(float(np.median(slopes)), float(bounds[0]), float(bounds[1]))


def verdict_of(slope: Slope, limit: float, tolerance: float = 0.0) -> str:
    """``GROWS`` if the slope is surely above the limit, ``open`` if it may be, else ``flat`` or ``within`` the limit.

    ``limit`` is what is stated, an hour: 0 for what is flat. ``tolerance`` is what does not matter.
    """
    if slope.low > limit + tolerance:
        return GROWS
    if slope.high > limit + tolerance:
        return OPEN
    return FLAT if limit == 0.0 else WITHIN


def _variance(count: int, step: int) -> float:
    """Variance of Kendall's S without a trend, summed over the hours of the day."""
    sizes = [len(range(hour, count, step)) for hour in range(step)]
    return sum(size * (size - 1) * (2 * size + 5) for size in sizes) / 18.0
