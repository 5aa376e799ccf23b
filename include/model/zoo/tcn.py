"""A temporal convolutional network with the interface of ``transformer.py``: bars in, quantiles at every bar out.

Causal convolutions over three bars, whose distance doubles from layer to layer, with residual connections. There are as
many layers as fit into the context. It has about as many weights as the Transformer of the same config at 64 bars.
Where next: ``layers.py``.

Source: Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling (2018).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad, silu

from include.model.config import ModelConfig
from include.model.transformer import Parameters
from include.model.zoo.layers import affine, norm, output_shapes, quantiles

VERSION = "tcn-1"
"""Version of the computation. Change it whenever the same weights would give other outputs."""

_TAPS = 3


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of one network, by name, in the order of their use."""
    width, hidden = config.width, _hidden(config)
    shapes: dict[str, tuple[int, ...]] = {"input.weight": (config.input_count, width), "input.bias": (width,)}
    for layer in range(layer_count(config)):
        shapes |= {
            f"layers.{layer}.norm": (width,),
            f"layers.{layer}.in.weight": (_TAPS * width, hidden),
            f"layers.{layer}.in.bias": (hidden,),
            f"layers.{layer}.out.weight": (hidden, width),
            f"layers.{layer}.out.bias": (width,),
        }
    return shapes | output_shapes(width, config)


def layer_count(config: ModelConfig) -> int:
    """The number of layers: the greatest whose receptive field is not longer than the context; at least 1."""
    return max(1, (config.context_bars + 1).bit_length() - 2)


def forward(parameters: Parameters, inputs: Tensor, config: ModelConfig) -> Tensor:
    """Quantiles ``[K, B, T, H, Q]`` in scaled units, ascending along Q, for inputs ``[K, B, T, F]``. Causal."""
    networks, windows, bars, _ = inputs.shape
    x = affine(inputs.flatten(1, 2), parameters, "input")  # [K, B*T, D]
    for layer in range(layer_count(config)):
        name = f"layers.{layer}"
        before = norm(x, parameters[f"{name}.norm"]).view(networks, windows, bars, -1)
        taps = [_earlier(before, tap * 2**layer) for tap in range(_TAPS)]
        hidden = silu(affine(torch.cat(taps, dim=-1).flatten(1, 2), parameters, f"{name}.in"))
        x = x + affine(hidden, parameters, f"{name}.out")
    return quantiles(x.view(networks, windows, bars, -1), parameters, config)


def _earlier(x: Tensor, bars: int) -> Tensor:
    """``x [K, B, T, D]`` moved by so many bars: each bar has the values of an earlier one, 0 before the window."""
    return x if not bars else pad(x, (0, 0, bars, 0))[:, :, : x.shape[2]]


def _hidden(config: ModelConfig) -> int:
    """Width of the hidden states: 5/4 of the config's."""
    return 8 * -(-5 * config.width // 32)
