"""The TCN encoder: a window of bars becomes one state vector. Where next: ``networks.py``, which adds the quantiles.

Source: Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling (2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

_DILATIONS = (1, 2, 4, 8)  # with a kernel of 3, the receptive field is 31 bars
_KERNEL = 3


class Tcn(nn.Module):
    """Causal dilated convolutions with residual connections."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, _KERNEL, dilation=dilation) for dilation in _DILATIONS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, bars: Tensor) -> Tensor:
        """The state at the newest bar, ``[B, D]``, for inputs ``[B, T, I]``."""
        x = self.enter(bars).transpose(1, 2)  # [B, D, T]
        for dilation, layer in zip(_DILATIONS, self.layers, strict=True):
            x = x + self.dropout(torch.relu(layer(pad(x, ((_KERNEL - 1) * dilation, 0)))))
        last: Tensor = x[..., -1]
        return last
