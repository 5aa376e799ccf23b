"""Whether what was fine-tuned may serve in its origin's place: a wager on every forecast that matures.

A ticker's *line* is the sequence of weights that its hours of training give, since it last began at its *origin* (the
backbone). Every bar that it had not learnt from is forecast by both, and the line stakes a share of its wealth on being
better one bar ahead. If it is not better, no sequence of stakes can be expected to gain, so its wealth exceeds 1/a with
a probability of at most a, however often one looks. Hence the rule, whose error does not grow with the hours:

* the line serves once its wealth has reached ``needed_wealth`` and it has lost nothing over all horizons together;
* it ends, and the origin serves, when that wealth is lost again, when it loses over all horizons, or when a second
  account, which stakes on its being worse and never falls below 1, reaches ``ALARM``;
* the next line begins at the origin and needs more: over a ticker's life, the chance that any line which is no better
  than its origin ever serves is at most ``LEVEL``.

Pure; it knows no network and no store. Where next: ``pipeline/lines.py``, which applies it.

Source: Shafer, Testing by Betting, JRSS A (2021); Choe and Ramdas, Comparing Sequential Forecasters, Operations
Research (2023); for the second account Shin, Ramdas and Rinaldo, E-detectors, NEJSDS (2024).
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
"""Chance, over a ticker's whole life, that a line which is no better than its origin serves."""
STAKES = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
"""Shares of the wealth that are staked on each bar, each by an account of its own; wealth is their mean."""
ALARM = 200.0
"""A line that is no worse than its origin reaches this, and ends by mistake, after 200 bars or more on average: that
much is proven; where lines were simulated that know nothing, it was every 15,000 bars."""
_GREATEST = math.log(1e6)  # of an account: what was earned long ago must not hide for long that a line has turned bad
_NO_GAINS = (0.0,) * len(STAKES)


@dataclass(frozen=True)
class Evidence:
    """What is known of a ticker's line against its origin; plain JSON either way."""

    origin: str
    """model_version of the network that the line began at and is compared with."""
    counted_at: datetime
    """Close of the newest bar whose forecast was counted, or the instant at which the line began, UTC."""
    line: int = 1
    """Number of the line, from 1."""
    bars: int = 0
    """Forecasts counted."""
    gains: tuple[float, ...] = _NO_GAINS
    """Logarithm of each account that stakes on the line's being better."""
    alarms: tuple[float, ...] = _NO_GAINS
    """Logarithm of each account that stakes on its being worse, refilled to 1 whenever it falls below."""
    balance: float = 0.0
    """Sum over bars of the line's mean CRPS over all horizons less the origin's, in scaled units; below 0: better."""
    is_proven: bool = False
    """Whether the wealth needed was reached, once."""

    @property
    def wealth(self) -> float:
        """What a stake of 1 on the line's being better has become."""
        return _mean_account(self.gains)

    @property
    def needed_wealth(self) -> float:
        """What the wealth must reach: the shares 1/2, 1/6, 1/12, ... of ``LEVEL`` for the lines 1, 2, 3, ..."""
        return self.line * (self.line + 1) / LEVEL

    @property
    def is_lost(self) -> bool:
        """Whether the line ends, and its origin serves."""
        has_lost_proof = self.is_proven and (self.wealth < 1.0 or self.balance > 0.0)
        return has_lost_proof or _mean_account(self.alarms) >= ALARM

    @property
    def may_serve(self) -> bool:
        """Whether the line serves in its origin's place."""
        return self.is_proven and not self.is_lost

    def count(self, wagers: Iterable[float], balances: Iterable[float], until: datetime) -> Evidence:
        """The evidence after more bars, oldest first, the newest of which closed at ``until``."""
        gains, alarms = list(self.gains), list(self.alarms)
        bars, balance = self.bars, self.balance
        for wager, difference in zip(wagers, balances, strict=True):
            bars, balance = bars + 1, balance + float(difference)
            for k, stake in enumerate(STAKES):
                gains[k] = min(gains[k] + math.log1p(-stake * float(wager)), _GREATEST)
                alarms[k] = min(max(alarms[k], 0.0) + math.log1p(stake * float(wager)), _GREATEST)
        counted = replace(self, counted_at=until, bars=bars, gains=tuple(gains), alarms=tuple(alarms), balance=balance)
        is_proven = self.is_proven or (counted.wealth >= counted.needed_wealth and balance < 0.0)
        return replace(counted, is_proven=is_proven)

    def to_dict(self) -> dict[str, Any]:
        """The evidence as plain JSON values."""
        lists = {"gains": list(self.gains), "alarms": list(self.alarms)}
        return {**asdict(self), **lists, "counted_at": self.counted_at.isoformat()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Evidence:
        """The evidence that ``to_dict`` wrote down.

        Raises:
            DataContractError: a name is missing or unknown, or its time has no zone.
        """
        if set(value) != {item.name for item in fields(cls)}:
            message = f"{sorted(value)} are not the fields of a line's evidence."
            raise DataContractError(message)
        until = require_utc(datetime.fromisoformat(value["counted_at"]), "counted_at")
        lists = {"gains": tuple(map(float, value["gains"])), "alarms": tuple(map(float, value["alarms"]))}
        return cls(**{**value, **lists, "counted_at": until, "balance": float(value["balance"])})


def differences(line: FloatArray, origin: FloatArray, outcomes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What each bar's forecasts say of the line: the wagers ``[n]`` and the balances ``[n]``; above 0: it was worse.

    ``line`` and ``origin`` are quantiles ``[n, H, Q]``, ``outcomes [n, H]``, all in one unit. A wager is the difference
    of the CRPS one bar ahead over the greatest that it could have been, whatever came true: between -1 and 1, and 0
    where both say the same. A balance is the difference of the mean CRPS over all horizons. A line that says something
    that is no number loses its whole stake.
    """
    levels = np.asarray(QUANTILE_LEVELS)
    reach = 2.0 * np.abs(line[:, 0] - origin[:, 0]) @ (np.asarray(CRPS_WEIGHTS) * np.maximum(levels, 1.0 - levels))
    difference = crps(outcomes, line) - crps(outcomes, origin)
    wagers = np.divide(difference[:, 0], reach, out=np.zeros(len(line)), where=reach > 0.0)
    is_sound = np.isfinite(line).all(axis=(1, 2))
    wagers = np.where(is_sound, np.clip(wagers, -1.0, 1.0), 1.0)
    return wagers, np.where(is_sound, difference.mean(axis=1), 1.0)


def _mean_account(logarithms: tuple[float, ...]) -> float:
    return sum(math.exp(value) for value in logarithms) / len(logarithms)
