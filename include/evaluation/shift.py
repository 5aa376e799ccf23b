"""How far the values of an input are from those of the training set: population stability index, Wasserstein distance.

A ``Reference`` is what is kept of the training set's values: quantiles, and the share of the values between them. Both
distances need only the counts of the new values between the same quantiles. They describe and prove nothing: prices
have calm and wild months, and no test of the values can hold a rate of false alarms. Pure functions. Where next:
``drift.py`` for the tests that hold one.

Source: Siddiqi, Credit Risk Scorecards (2006), for the index and its limits of 0.1 and 0.25; Villani, Optimal
Transport (2009), for the distance as the area between two distribution functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.errors import DataContractError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SHIFTED_INDEX = 0.25
"""From this population stability index on, an input counts as shifted: the usual limit."""
LEAST_ROWS = 500
"""With fewer values nothing is said: the index of 500 values of the same distribution is 0.04 on average."""
_LEVELS = np.arange(0.05, 0.96, 0.05)


@dataclass(frozen=True)
class Reference:
    """The values of one input in a training set.

    ``edges`` [B - 1] ascending quantiles without repetition; ``shares`` [B] of the values up to the first edge, between
    the edges, and above the last, 0..1; ``lowest`` and ``highest`` value; ``deviation``, their standard deviation.
    """

    edges: FloatArray
    shares: FloatArray
    lowest: float
    highest: float
    deviation: float

    @classmethod
    def of(cls, values: FloatArray) -> Reference:
        """The reference of these values, rounded to four places. [n].

        Raises:
            DataContractError: there are no values, or one is not finite.
        """
        if not len(values) or not np.isfinite(values).all():
            message = f"A reference needs finite values; of {len(values)}, {int(np.isfinite(values).sum())} are."
            raise DataContractError(message)
        edges = np.unique(np.round(np.quantile(values, _LEVELS), 4))
        shares = bin_counts(values, edges) / len(values)
        ends = float(np.round(values.min(), 4)), float(np.round(values.max(), 4))
        return cls(edges, np.round(shares, 4), *ends, float(np.round(values.std(), 4)))

    def to_dict(self) -> dict[str, Any]:
        """The reference as plain JSON values."""
        lists = {"edges": self.edges.tolist(), "shares": self.shares.tolist()}
        return {**lists, "lowest": self.lowest, "highest": self.highest, "deviation": self.deviation}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Reference:
        """The reference that ``to_dict`` wrote.

        Raises:
            DataContractError: a name is missing, or the numbers of edges and shares do not fit.
        """
        try:
            edges, shares = (np.asarray(value[name], dtype=np.float64) for name in ("edges", "shares"))
            numbers = [float(value[name]) for name in ("lowest", "highest", "deviation")]
        except (KeyError, TypeError, ValueError) as error:
            message = f"{sorted(value)} is no reference of an input ({error}); train the backbone again."
            raise DataContractError(message) from error
        if edges.ndim != 1 or len(shares) != len(edges) + 1:
            message = f"A reference with {edges.size} edges has {shares.size} shares; train the backbone again."
            raise DataContractError(message)
        return cls(edges, shares, *numbers)


def bin_counts(values: FloatArray, edges: FloatArray) -> IntArray:
    """The number of values up to the first edge, between the edges, and above the last. [n], [B - 1] -> [B]."""
    places = np.searchsorted(edges, values, side="left")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.int64)


def stability_index(counts: IntArray, reference: Reference) -> float:
    """The population stability index: the sum over bins of (p - q) * ln(p / q), at least 0; NaN without values.

    Half a value is added to each bin of the new values and half a thousandth to each of the reference, so that an empty
    bin does not make it infinite.
    """
    if not counts.sum():
        return float("nan")
    found = (counts + 0.5) / (counts + 0.5).sum()
    expected = (reference.shares + 0.0005) / (reference.shares + 0.0005).sum()
    return float(((found - expected) * np.log(found / expected)).sum())


def wasserstein(counts: IntArray, reference: Reference) -> float:
    """The first Wasserstein distance, in standard deviations of the reference, at least 0; NaN without values.

    It is the area between the two distribution functions. These are known at the edges and are drawn straight between
    them; values beyond the ends of the reference count as at its ends.
    """
    if not counts.sum():
        return float("nan")
    difference = np.cumsum(counts / counts.sum() - reference.shares / reference.shares.sum())[:-1]
    height = np.abs(np.concatenate([[0.0], difference, [0.0]]))
    points = np.concatenate([[reference.lowest], reference.edges, [reference.highest]])
    area = float((np.diff(points) * (height[1:] + height[:-1]) / 2.0).sum())
    return area / reference.deviation if reference.deviation > 0.0 else 0.0
