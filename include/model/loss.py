"""The training loss: pinball losses of all quantiles, weighted so that they add up to the CRPS.

It knows nothing of networks. Where next: ``train.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pinball_loss(
    quantiles: Tensor, targets: Tensor, has_target: Tensor, levels: Sequence[float], level_weights: Sequence[float]
) -> Tensor:
    """``[K]``: each ticker's mean over its targets of twice the weighted mean of the Q pinball losses, in scaled units.

    Takes quantiles ``[K, ..., H, Q]``, targets and has_target ``[K, ..., H]``. Where there is no target, nothing is
    counted and no gradient flows, whatever number stands there. A ticker without any target has loss 0.

    Source: Koenker & Bassett (1978) for the pinball loss; that its integral over the levels is half the CRPS is in
    Gneiting & Ranjan (2011).
    """
    level = quantiles.new_tensor(levels)
    weight = quantiles.new_tensor(level_weights)
    known = torch.where(has_target, targets, torch.zeros_like(targets))
    error = known.unsqueeze(-1) - quantiles
    # The level is lowered by 1 below the quantile: one product in place of a maximum of two.
    pinball = error * (level - (error < 0).to(level.dtype))
    each = (pinball @ (2.0 * weight / weight.sum())) * has_target
    counts = has_target.flatten(1).sum(1).clamp(min=1)
    return each.flatten(1).sum(1) / counts
