"""What the LSTM and the TCN share: their first weights, their first and last layer.

Both compute K networks in one call, as ``transformer.py`` does: the first axis of every parameter is the network. Where
next: ``lstm.py``, ``tcn.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import rms_norm

from include.model.config import ModelConfig
from include.model.transformer import Parameters, quantiles_of


def initial_parameters(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Random float32 weights of one network, ``[1, ...]`` each, which depend on the shapes and the seed alone.

    The output layer is zero, so an untrained network forecasts the reference distribution, as the Transformer does.
    """
    generator = np.random.default_rng(seed)
    parameters = {}
    for name, shape in shapes.items():
        if name.endswith(".norm"):
            value = np.ones(shape)
        elif name.startswith("output.") or name.endswith(".bias"):
            value = np.zeros(shape)
        else:
            value = generator.standard_normal(shape) / math.sqrt(shape[0])
        parameters[name] = torch.tensor(value, dtype=torch.float32).unsqueeze(0)
    return parameters


def output_shapes(width: int, config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of the last layer after states of ``width``."""
    outputs = config.horizon_count * len(config.quantile_levels)
    return {"output.norm": (width,), "output.weight": (width, outputs), "output.bias": (outputs,)}


def affine(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    """``[K, N, E]``: the linear layer of this name applied to ``x [K, N, D]``."""
    return torch.baddbmm(parameters[f"{name}.bias"].unsqueeze(1), x, parameters[f"{name}.weight"])


def norm(x: Tensor, gain: Tensor) -> Tensor:
    """``x [K, N, D]`` scaled to a mean square of 1 along D, times ``gain [K, D]``."""
    return rms_norm(x, (x.shape[-1],)) * gain.unsqueeze(1)


def quantiles(states: Tensor, parameters: Parameters, config: ModelConfig) -> Tensor:
    """Quantiles ``[K, B, T, H, Q]`` in scaled units for the states ``[K, B, T, D]`` of the last hidden layer."""
    flat = norm(states.flatten(1, 2), parameters["output.norm"])
    raw = affine(flat, parameters, "output")  # [K, B*T, H*Q]
    return quantiles_of(raw.view(*states.shape[:3], config.horizon_count, len(config.quantile_levels)), config)
