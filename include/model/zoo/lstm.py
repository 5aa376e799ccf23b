"""An LSTM with the interface of ``transformer.py``: inputs of bars in, quantiles at every bar out.

It has the config's ``layers`` and about as many weights as the Transformer of that config. Where next: ``layers.py``.

Source: Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation (1997); the forget gate's bias of 1 is
from Gers, Schmidhuber and Cummins, Learning to Forget, Neural Computation (2000).
"""

from __future__ import annotations

import torch
from torch import Tensor

from include.model.config import ModelConfig
from include.model.transformer import Parameters
from include.model.zoo.layers import output_shapes, quantiles

VERSION = "lstm-1"
"""Version of the computation. Change it whenever the same weights would give other outputs."""

_FORGET_BIAS = 1.0


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of one network, by name, in the order of their use."""
    width = _width(config)
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(config.layers):
        entering = width if layer else config.input_count
        shapes |= {
            f"layers.{layer}.in.weight": (entering, 4 * width),
            f"layers.{layer}.state.weight": (width, 4 * width),
            f"layers.{layer}.in.bias": (4 * width,),
        }
    return shapes | output_shapes(width, config)


def forward(parameters: Parameters, inputs: Tensor, config: ModelConfig) -> Tensor:
    """Quantiles ``[K, B, T, H, Q]`` in scaled units, ascending along Q, for inputs ``[K, B, T, F]``. Causal."""
    x = inputs
    for layer in range(config.layers):
        x = _layer(x, parameters, f"layers.{layer}")
    return quantiles(x, parameters, config)


def _layer(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    """The states ``[K, B, T, D]`` after each bar, for ``x [K, B, T, E]``."""
    networks, windows, bars, _ = x.shape
    weight = parameters[f"{name}.state.weight"]
    bias = parameters[f"{name}.in.bias"].unsqueeze(1)
    entering = torch.baddbmm(bias, x.flatten(1, 2), parameters[f"{name}.in.weight"])  # [K, B*T, 4*D]
    entering = entering.view(networks, windows, bars, -1)
    state = x.new_zeros(networks, windows, weight.shape[1])
    cell = state
    states = []
    for bar in range(bars):
        gates = torch.baddbmm(entering[:, :, bar], state, weight)
        enter, forget, value, leave = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(forget + _FORGET_BIAS) * cell + torch.sigmoid(enter) * torch.tanh(value)
        state = torch.sigmoid(leave) * torch.tanh(cell)
        states.append(state)
    return torch.stack(states, dim=2)


def _width(config: ModelConfig) -> int:
    """Width of the states: 4/3 of the config's, so that two layers have about the Transformer's number of weights."""
    return 8 * -(-config.width // 6)
