"""Whether a challenger may serve: a sequential test of its forecasts against the reference's.

A ticker's *challenger* is the model that its hours of fine-tuning produce, one version after the other. Its *reference*
is the model that it started from and is compared with: the backbone or, where no backbone fits, the ticker's first
training. Both forecast every bar that neither has been trained on. Each bar gives a *score difference*: the
challenger's CRPS less the reference's. The test multiplies up an *e-value* from these differences. If the challenger is
not better than the reference, the e-value exceeds 1/a with a probability of at most a, however often it is looked at.
That gives the rules:

* A challenger serves once its e-value has reached ``needed_e_value`` and its mean CRPS over all horizons is lower than
  the reference's.
* It is rejected, and the reference serves, if after that its e-value falls below 1 or its mean CRPS over all horizons
  becomes the higher one. It is also rejected when a second e-value, for its being worse, reaches ``ALARM_E_VALUE``. The
  second e-value is reset to 1 whenever it falls below 1.
* The ticker's next challenger starts from the reference and needs a higher e-value. Over a ticker's life, the
  probability that a challenger which is no better than its reference ever serves is at most ``LEVEL``.

Pure functions: no network, no store. Where next: ``pipeline/models/challengers.py``, which applies the rules.

Source: Shafer, Testing by Betting, JRSS A (2021); Choe and Ramdas, Comparing Sequential Forecasters, Operations
Research (2023); for the second e-value Shin, Ramdas and Rinaldo, E-detectors, NEJSDS (2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS, require_utc
from include.errors import DataContractError
from include.evaluation.metrics import crps

FloatArray = npt.NDArray[np.float64]

LEVEL = 0.05
"""Probability, over a ticker's whole life, that a challenger which is no better than its reference serves."""
FRACTIONS = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
"""Each bar multiplies an e-value by 1 - fraction * score difference. There is one e-value for each fraction, and the
test uses their mean: a large fraction grows fast on a clear difference, a small one on a slight difference."""
ALARM_E_VALUE = 200.0
"""For a challenger that is no worse than its reference, the second e-value reaches this after 200 bars or more on
average: that is proven. In simulations of challengers without any edge it took 15,000 bars on average."""
_LARGEST_LOG = math.log(1e6)  # bounds an e-value, so that old gains do not hide for long that a challenger got worse
_NO_EVIDENCE = (0.0,) * len(FRACTIONS)


@dataclass(frozen=True)
class SequentialTest:
    """The state of the test of one ticker's challenger against its reference; plain JSON by ``to_dict``."""

    reference: str
    """``model_version`` of the model that the challenger started from and is compared with."""
    counted_at: datetime
    """When the newest counted bar closed, or the instant at which the challenger started, UTC."""
    challenger_number: int = 1
    """Number of the ticker's challenger against this reference, from 1."""
    bar_count: int = 0
    """Bars counted."""
    log_e_values: tuple[float, ...] = _NO_EVIDENCE
    """Logarithm of the e-value for the challenger's being better, for each of ``FRACTIONS``."""
    log_alarm_e_values: tuple[float, ...] = _NO_EVIDENCE
    """Logarithm of the second e-value, for the challenger's being worse, for each of ``FRACTIONS``."""
    total_score_difference: float = 0.0
    """Sum over bars of the challenger's mean CRPS over all horizons less the reference's, in scaled units."""
    is_proven: bool = False
    """Whether ``needed_e_value`` was reached, once."""

    @property
    def e_value(self) -> float:
        """The evidence that the challenger is better: the mean of the e-values of all fractions."""
        return _mean_e_value(self.log_e_values)

    @property
    def needed_e_value(self) -> float:
        """The e-value from which on the challenger may serve.

        The ticker's challengers 1, 2, 3, ... get the shares 1/2, 1/6, 1/12, ... of ``LEVEL``, which add up to it.
        """
        return self.challenger_number * (self.challenger_number + 1) / LEVEL

    @property
    def is_rejected(self) -> bool:
        """Whether the challenger is given up, so that its reference serves."""
        has_lost_proof = self.is_proven and (self.e_value < 1.0 or self.total_score_difference > 0.0)
        return has_lost_proof or _mean_e_value(self.log_alarm_e_values) >= ALARM_E_VALUE

    @property
    def may_serve(self) -> bool:
        """Whether the challenger serves in its reference's place."""
        return self.is_proven and not self.is_rejected

    def count(self, bounded: Iterable[float], mean: Iterable[float], until: datetime) -> SequentialTest:
        """The test after more bars.

        Args:
            bounded: the bars' score differences one bar ahead, between -1 and 1, oldest first; see
                ``score_differences``.
            mean: the same bars' score differences as means over all horizons, in scaled units.
            until: when the newest of the bars closed, UTC.
        """
        better, worse = list(self.log_e_values), list(self.log_alarm_e_values)
        bar_count, total = self.bar_count, self.total_score_difference
        for difference, mean_difference in zip(bounded, mean, strict=True):
            bar_count, total = bar_count + 1, total + float(mean_difference)
            for k, fraction in enumerate(FRACTIONS):
                better[k] = min(better[k] + math.log1p(-fraction * float(difference)), _LARGEST_LOG)
                worse[k] = min(max(worse[k], 0.0) + math.log1p(fraction * float(difference)), _LARGEST_LOG)
        counted = replace(
            self,
            counted_at=until,
            bar_count=bar_count,
            log_e_values=tuple(better),
            log_alarm_e_values=tuple(worse),
            total_score_difference=total,
        )
        is_proven = self.is_proven or (counted.e_value >= counted.needed_e_value and total < 0.0)
        return replace(counted, is_proven=is_proven)

    def to_dict(self) -> dict[str, Any]:
        """The test as plain JSON values."""
        lists = {"log_e_values": list(self.log_e_values), "log_alarm_e_values": list(self.log_alarm_e_values)}
        return {**asdict(self), **lists, "counted_at": self.counted_at.isoformat()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SequentialTest:
        """The test that ``to_dict`` wrote.

        Raises:
            DataContractError: a name is missing or unknown, or its time has no zone.
        """
        if set(value) != {item.name for item in fields(cls)}:
            message = f"{sorted(value)} are not the fields of a sequential test."
            raise DataContractError(message)
        counted_at = require_utc(datetime.fromisoformat(value["counted_at"]), "counted_at")
        lists = {name: tuple(map(float, value[name])) for name in ("log_e_values", "log_alarm_e_values")}
        total = float(value["total_score_difference"])
        return cls(**{**value, **lists, "counted_at": counted_at, "total_score_difference": total})


def score_differences(
    challenger: FloatArray, reference: FloatArray, outcomes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Each bar's score differences: ``[n]`` one bar ahead, bounded, and ``[n]`` the mean over all horizons.

    Above 0 the challenger was worse. The first is divided by the greatest value that it could have had for any outcome:
    it lies between -1 and 1, and is 0 where both forecasts are equal. A challenger whose forecast is not finite gets
    the worst value, 1, in both.

    Args:
        challenger: quantiles ``[n, H, Q]``.
        reference: quantiles ``[n, H, Q]``.
        outcomes: ``[n, H]``; all three in one unit.
    """
    levels = np.asarray(QUANTILE_LEVELS)
    weights = np.asarray(CRPS_WEIGHTS) * np.maximum(levels, 1.0 - levels)
    greatest = 2.0 * np.abs(challenger[:, 0] - reference[:, 0]) @ weights
    difference = crps(outcomes, challenger) - crps(outcomes, reference)
    bounded = np.divide(difference[:, 0], greatest, out=np.zeros(len(challenger)), where=greatest > 0.0)
    is_finite = np.isfinite(challenger).all(axis=(1, 2))
    bounded = np.where(is_finite, np.clip(bounded, -1.0, 1.0), 1.0)
    return bounded, np.where(is_finite, difference.mean(axis=1), 1.0)


def _mean_e_value(logarithms: tuple[float, ...]) -> float:
    return sum(math.exp(value) for value in logarithms) / len(logarithms)
