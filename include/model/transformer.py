"""The network: a decoder-only Transformer over bars that forecasts quantiles at every bar.

The first axis of every parameter and every activation is the ticker. So one call computes K independent networks:
matrix products are batched over K, and attention treats K as part of its batch. No operation mixes tickers. Where next:
``loss.py`` and ``train.py``.

Axes: ``K`` tickers, ``B`` windows, ``T`` bars, ``F`` inputs, ``D`` width, ``H`` horizons, ``Q`` quantile levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu, softplus

from include.model.config import ModelConfig

Parameters = Mapping[str, Tensor]
"""Name -> ``[K, ...]``; ``parameter_shapes`` gives the names and the other axes."""

_ROTARY_BASE = 1000.0  # the slowest pair turns once in some thousand bars; a context has about a hundred
_RAW_LIMIT = 20.0  # in scaled units; no hourly move is that large, only the output of diverged weights
# The sign of returns is noise to a network that sees one ticker. A tenth of the gradient did no harm on recorded bars.
_MEDIAN_GAIN = 0.1
_UNIT_SPACING = math.log(math.e - 1.0)  # its softplus is 1: an output of zero gives the reference distribution
_REFERENCE_MEAN_ABSOLUTE = math.sqrt(2.0 / math.pi)


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of one ticker, by name, in the order of their use."""
    width, hidden = config.width, config.hidden_width
    output = config.horizon_count * len(config.quantile_levels)
    shapes: dict[str, tuple[int, ...]] = {"input.weight": (config.input_count, width), "input.bias": (width,)}
    for layer in range(config.layers):
        shapes |= {
            f"layers.{layer}.attention.norm": (width,),
            f"layers.{layer}.attention.in.weight": (width, 3 * width),
            f"layers.{layer}.attention.out.weight": (width, width),
            f"layers.{layer}.mlp.norm": (width,),
            f"layers.{layer}.mlp.in.weight": (width, 2 * hidden),
            f"layers.{layer}.mlp.out.weight": (hidden, width),
        }
    return shapes | {"output.norm": (width,), "output.weight": (width, output), "output.bias": (output,)}


def forward(parameters: Parameters, inputs: Tensor, config: ModelConfig) -> Tensor:
    """Quantiles ``[K, B, T, H, Q]`` in scaled units, ascending along Q, for inputs ``[K, B, T, F]``.

    Causal: the quantiles at position t depend on bars 0..t of the window only.
    """
    return finish(parameters, begin(parameters, inputs, config, config.layers), config, config.layers)


def begin(parameters: Parameters, inputs: Tensor, config: ModelConfig, layers: int) -> Tensor:
    """The residual stream ``[K, B, T, D]`` after the first ``layers`` layers, for inputs ``[K, B, T, F]``.

    ``begin`` and ``finish`` are the two parts of ``forward``. If training freezes the first layers, the result of
    ``begin`` is the same in every step.
    """
    bars = inputs.shape[2]
    x = _affine(inputs.flatten(1, 2), parameters, "input")  # [K, B*T, D]
    return _layers(x, parameters, range(layers), bars, config).view(*inputs.shape[:3], config.width)


def finish(parameters: Parameters, stream: Tensor, config: ModelConfig, layers: int) -> Tensor:
    """Quantiles ``[K, B, T, H, Q]`` for the residual stream ``[K, B, T, D]`` after the first ``layers`` layers."""
    x = _layers(stream.flatten(1, 2), parameters, range(layers, config.layers), stream.shape[2], config)
    x = _affine(_norm(x, parameters["output.norm"]), parameters, "output")  # [K, B*T, H*Q]
    raw = x.view(*stream.shape[:3], config.horizon_count, len(config.quantile_levels))
    return quantiles_of(raw, config)


def _layers(x: Tensor, parameters: Parameters, layers: range, bars: int, config: ModelConfig) -> Tensor:
    """The residual stream ``[K, B*T, D]`` after these layers, for the stream ``x`` before them."""
    for layer in layers:
        x = x + _attention(x, parameters, f"layers.{layer}.attention", bars, config)
        x = x + _mlp(x, parameters, f"layers.{layer}.mlp")
    return x


def quantiles_of(raw: Tensor, config: ModelConfig) -> Tensor:
    """Quantiles ``[..., Q]`` that cannot cross, from any finite ``raw [..., Q]``.

    The median is a tenth of the raw output at its position. Each other output gives a positive factor for the distance
    between two neighbouring quantiles of the reference distribution. The distances are added up from the median
    outwards. If all outputs are 0, the result is the reference distribution.
    """
    middle = config.median_index
    limited = raw.clamp(-_RAW_LIMIT, _RAW_LIMIT)
    factors = softplus(limited + _UNIT_SPACING)
    spacings = factors * _reference_spacings(config.quantile_levels, raw.dtype, raw.device)
    median = _MEDIAN_GAIN * limited[..., middle : middle + 1]
    below = median - spacings[..., :middle].flip(-1).cumsum(-1).flip(-1)
    above = median + spacings[..., middle + 1 :].cumsum(-1)
    return torch.cat((below, median, above), dim=-1)


def reference_quantiles(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of the reference distribution, the forecast of an untrained network for a scaled return. [Q].

    It is a Student's t with four degrees of freedom, which has the fat tails of hourly returns. Its mean absolute value
    is that of a standard normal, because a return's scale is its mean absolute value times sqrt(pi / 2).

    Source: Shaw (2006), "Sampling Student's t distribution", closed form of the quantile function for 4 degrees of
    freedom; the mean absolute value of that distribution is 1.
    """
    return tuple(_REFERENCE_MEAN_ABSOLUTE * _student_quantile(level) for level in levels)


def _student_quantile(level: float) -> float:
    root = math.sqrt(4.0 * level * (1.0 - level))
    size = 2.0 * math.sqrt(max(math.cos(math.acos(min(root, 1.0)) / 3.0) / root - 1.0, 0.0))
    return math.copysign(size, level - 0.5)


@lru_cache(maxsize=8)
def _reference_spacings(levels: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """``[Q]``: distance of each quantile to its neighbour on the median's side; 0 at the median."""
    values = reference_quantiles(levels)
    middle = levels.index(0.5)
    below = [values[i + 1] - values[i] for i in range(middle)]
    above = [values[i] - values[i - 1] for i in range(middle + 1, len(values))]
    return torch.tensor([*below, 0.0, *above], dtype=dtype, device=device)


def _affine(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    return torch.baddbmm(parameters[f"{name}.bias"].unsqueeze(1), x, parameters[f"{name}.weight"])


def _norm(x: Tensor, gain: Tensor) -> Tensor:
    """``x [K, N, D]`` scaled to a mean square of 1 along D, times ``gain [K, D]``.

    Source: Zhang & Sennrich (2019), "Root Mean Square Layer Normalization".
    """
    return rms_norm(x, (x.shape[-1],)) * gain.unsqueeze(1)


def _mlp(x: Tensor, parameters: Parameters, name: str) -> Tensor:
    """SwiGLU layer. ``x [K, B*T, D]`` -> the same shape.

    Source: Shazeer (2020), "GLU Variants Improve Transformer".
    """
    hidden = torch.bmm(_norm(x, parameters[f"{name}.norm"]), parameters[f"{name}.in.weight"])
    gate, value = hidden.chunk(2, dim=-1)
    return torch.bmm(silu(gate) * value, parameters[f"{name}.out.weight"])


def _attention(x: Tensor, parameters: Parameters, name: str, bars: int, config: ModelConfig) -> Tensor:
    """Causal self-attention over the bars of each window. ``x [K, B*T, D]`` -> the same shape."""
    joint = torch.bmm(_norm(x, parameters[f"{name}.norm"]), parameters[f"{name}.in.weight"])  # [K, B*T, 3*D]
    parts = joint.view(-1, bars, 3, config.heads, config.head_width)  # [K*B, T, 3, heads, D/heads]
    query, key, value = parts.permute(2, 0, 3, 1, 4)  # 3 x [K*B, heads, T, D/heads]
    seen = scaled_dot_product_attention(_rotate(query), _rotate(key), value, is_causal=True)
    joined = seen.transpose(1, 2).reshape(x.shape)
    return torch.bmm(joined, parameters[f"{name}.out.weight"])


def _rotate(x: Tensor) -> Tensor:
    """``x [..., T, C]`` with each pair of components rotated by an angle proportional to the position.

    Source: Su et al. (2021), "RoFormer: Enhanced Transformer with Rotary Position Embedding".
    """
    cosine, sine = _rotary_table(x.shape[-2], x.shape[-1], x.dtype, x.device)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)


@lru_cache(maxsize=32)
def _rotary_table(bars: int, width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``[T, C/2]``. The tensors are cached: do not change them."""
    speeds = _ROTARY_BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(bars, dtype=torch.float64).unsqueeze(1) * speeds
    return angles.cos().to(device, dtype), angles.sin().to(device, dtype)
