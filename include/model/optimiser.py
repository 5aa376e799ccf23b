"""AdamW on flat weights: one row for each ticker, so that a step is a few operations on one matrix.

``torch.optim`` gives the same steps. But its first step imports torch's compiler, which takes longer than an hour's
fine-tuning of a ticker. Where next: ``train.py`` (one network for each ticker), ``pretrain.py`` (one for all tickers).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from include.model.config import HEAD, ModelConfig
from include.model.shard import ShardState
from include.model.transformer import parameter_shapes

_BETAS = (0.9, 0.99)  # the second moment averages about a hundred steps, which is the length of a training
_EPSILON = 1e-8


class AdamW:
    """Weights ``[K, P]`` and their moments; ``step`` changes them in place.

    If ``anchor [1 or K, P]`` is given, each step moves the weights by the share ``pull`` of the difference towards it,
    and there is no weight decay.

    Source: Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization"; for the pull towards the starting
    weights Li, Grandvalet & Davoine (2018), "Explicit Inductive Bias for Transfer Learning" (L2-SP).
    """

    def __init__(self, start: Tensor, decay: Tensor, anchor: Tensor | None = None, pull: float = 0.0) -> None:
        self.weights = start.clone().requires_grad_()
        self._decay, self._anchor, self._pull = decay, anchor, pull
        self._first, self._second = torch.zeros_like(start), torch.zeros_like(start)
        self._steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: float) -> None:
        """One step of AdamW for ``gradient [K, P]``; each weight changes by at most about ``rate``."""
        self._steps += 1
        self._first.lerp_(gradient, 1.0 - _BETAS[0])
        self._second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1.0 - _BETAS[1])
        spread = (self._second / (1.0 - _BETAS[1] ** self._steps)).sqrt_().add_(_EPSILON)
        if self._anchor is None:
            self.weights.mul_(1.0 - rate * self._decay)
        else:
            self.weights.add_((self._anchor - self.weights) * self._pull)
        self.weights.addcdiv_(self._first, spread, value=-rate / (1.0 - _BETAS[0] ** self._steps))


def clipped(gradient: Tensor, clip_norm: float) -> Tensor:
    """``[K, P]``: the gradient with each row scaled to a norm of at most ``clip_norm``."""
    norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    shorter: Tensor = gradient * (clip_norm / norms.clamp(min=clip_norm))
    return shorter


def learning_rate(step: int, steps: int, peak: float, warmup_steps: int, final_ratio: float) -> float:
    """Learning rate of step ``step`` (from 0): a linear warm-up times half a cosine to ``final_ratio`` of the peak."""
    rise = min(1.0, (step + 1) / (min(warmup_steps, steps // 4) + 1))
    fall = 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return peak * rise * (final_ratio + (1.0 - final_ratio) * fall)


def flatten(state: ShardState, names: Sequence[str] | None = None) -> Tensor:
    """``[K, P]``: each network's parameters of these names as one row; default: all of ``parameter_shapes``."""
    chosen = parameter_shapes(state.config) if names is None else names
    return torch.cat([state.parameters[name].flatten(1) for name in chosen], dim=1)


def unflatten(flat: Tensor, config: ModelConfig, names: Sequence[str] | None = None) -> dict[str, Tensor]:
    """The inverse of ``flatten``: views of ``flat [K, P]`` by name, ``[K, ...]`` each."""
    return split(flat, _shapes(config, names))


def decay_mask(config: ModelConfig, dtype: torch.dtype, names: Sequence[str] | None = None) -> Tensor:
    """``[P]``: 1 for the weights of matrices, 0 for norms and biases, in the order of ``flatten``."""
    return decay_of(_shapes(config, names), dtype)


def split(flat: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Views of ``flat [K, P]`` by name, ``[K, ...]`` each, in the order of ``shapes``."""
    parts = torch.split_with_sizes(flat, [math.prod(shape) for shape in shapes.values()], dim=1)
    return {name: part.view(-1, *shapes[name]) for name, part in zip(shapes, parts, strict=True)}


def decay_of(shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype) -> Tensor:
    """``[P]``: 1 for the weights of matrices, 0 for norms and biases, in the order of ``shapes``."""
    return torch.cat(
        [
            torch.full((math.prod(shape),), float(name.endswith(".weight")), dtype=dtype)
            for name, shape in shapes.items()
        ]
    )


def trained_names(scope: str, config: ModelConfig) -> tuple[str, ...]:
    """Names of the parameters that ``scope`` (``config.SCOPES``) trains, in the order of ``parameter_shapes``."""
    return tuple(name for name in parameter_shapes(config) if scope != HEAD or name.startswith("output."))


def frozen_layers(scope: str, config: ModelConfig) -> int | None:
    """Number of layers that ``scope`` freezes, together with the input layer; None: it freezes nothing."""
    return config.layers if scope == HEAD else None


def _shapes(config: ModelConfig, names: Sequence[str] | None) -> dict[str, tuple[int, ...]]:
    shapes = parameter_shapes(config)
    return shapes if names is None else {name: shapes[name] for name in names}
