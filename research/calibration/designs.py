"""Designs of calibration, and the forecasts that each of them gives. Where next: ``tables.py``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.evaluation.history import FloatArray
from include.model.calibration import CALM_POWER, CHANCE, LEAK, STEP, calibrate, factors_of, interval_scores, widen_calm
from include.pipeline.pretraining.backbone_forecaster import matured_scores
from research.calibration.past import Past

_ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Design:
    """Constants of ``include/model/calibration.py``, by default the product's. A step of 0 leaves factors at 1."""

    name: str
    step: float = STEP
    leak: float = LEAK
    chance: float = CHANCE
    calm_power: float = CALM_POWER


_NOT_SHRUNK = 1e-9
NONE = Design("none", step=0.0, calm_power=0.0)
PRODUCT = Design("product")
DESIGNS = (
    NONE,
    Design("before: steps of 0.03", 0.03, 0.004, _NOT_SHRUNK, 0.0),
    Design("steps of 0.02, a smaller leak", chance=_NOT_SHRUNK, calm_power=0.0),
    Design("+ shrunk to 1", calm_power=0.0),
    PRODUCT,
    Design("calm hours twice as much wider", calm_power=2.0 * CALM_POWER),
    Design("calm hours wider, no factors", step=0.0),
)
"""What the tables compare. ``before`` is the calibration that the product had without shrinking and without state."""


def calibrated(design: Design, past: Past, wanted: slice) -> FloatArray:
    """The design's forecasts at the rows ``wanted``; each uses the outcomes known when its bar closed. [m, H, Q]."""
    widened = widen_calm(past.network, past.log_level, design.calm_power)
    if design.step == 0.0:
        return widened[wanted]
    scores = interval_scores(widened, past.outcome)
    parts = []
    for start in range(wanted.start, wanted.stop, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, wanted.stop))
        matured = matured_scores(scores, past.closed_at, past.target_at, 0, rows)
        factors = factors_of(matured, step=design.step, leak=design.leak, chance=design.chance)
        parts.append(calibrate(widened[rows], factors))
    return np.concatenate(parts) if parts else widened[wanted]
