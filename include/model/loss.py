"""The training loss: a weighted sum of the quantiles' pinball losses that approximates the CRPS.

Where next: ``train.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pinball_loss(
    quantiles: Tensor, targets: Tensor, has_target: Tensor, levels: Sequence[float], level_weights: Sequence[float]
) -> Tensor:
    """``[K]``: each ticker's CRPS in scaled units: twice the weighted mean of the Q pinball losses, mean over targets.

    Arguments: quantiles ``[K, ..., H, Q]``, targets and has_target ``[K, ..., H]``. Where has_target is false, the
    target's value has no influence on the loss or its gradient. A ticker without any target has the loss 0.

    Source: Koenker & Bassett (1978) for the pinball loss. Its integral over the levels is half the CRPS: Gneiting &
    Ranjan (2011).
    """
    level = quantiles.new_tensor(levels)
    weight = quantiles.new_tensor(level_weights)
    known = torch.where(has_target, targets, torch.zeros_like(targets))
    error = known.unsqueeze(-1) - quantiles
    # The factor is level above the quantile and level - 1 below it: one product instead of a maximum of two.
    pinball = error * (level - (error < 0).to(level.dtype))
    each = (pinball @ (2.0 * weight / weight.sum())) * has_target
    counts = has_target.flatten(1).sum(1).clamp(min=1)
    return each.flatten(1).sum(1) / counts
