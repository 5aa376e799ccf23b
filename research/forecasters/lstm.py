"""The LSTM encoder: a window of bars becomes one state vector. Where next: ``networks.py``, which adds the quantiles.

Source: Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation (1997).
"""

from __future__ import annotations

from torch import Tensor, nn


class Lstm(nn.Module):
    """One LSTM layer with dropout on its last state."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.cell = nn.LSTM(inputs, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, bars: Tensor) -> Tensor:
        """The state after the newest bar, ``[B, D]``, for inputs ``[B, T, I]``."""
        states, _ = self.cell(bars)
        last: Tensor = self.dropout(states[:, -1])
        return last
