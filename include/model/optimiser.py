"""The weights of a ticker that are trained as one row, and AdamW on such rows: a step is a handful of operations.

``torch.optim`` would do as well, but its first step imports the compiler, which takes longer than an hour's fine-tuning
of a ticker. It knows nothing of losses. Where next: ``train.py`` (one network a ticker), ``pretrain.py`` (one for all).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from include.model.config import ModelConfig
from include.model.shard import ShardState
from include.model.transformer import parameter_shapes

_BETAS = (0.9, 0.99)  # a second moment over a hundred steps: trainings here are hardly longer than that
_EPSILON = 1e-8


class AdamW:
    """Rows of weights ``[K, P]`` and their moments; ``step`` moves them in place.

    ``anchor [1 or K, P]``, if given, is what each step goes ``pull`` of the way back to; decay is then off.

    Source: Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization"; the pull towards the starting weights
    is Li, Grandvalet & Davoine (2018), "Explicit Inductive Bias for Transfer Learning" (L2-SP).
    """

    def __init__(self, start: Tensor, decay: Tensor, anchor: Tensor | None = None, pull: float = 0.0) -> None:
        self.weights = start.clone().requires_grad_()
        self._decay, self._anchor, self._pull = decay, anchor, pull
        self._first, self._second = torch.zeros_like(start), torch.zeros_like(start)
        self._steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: float) -> None:
        """One step of at most about ``rate`` for each weight."""
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
    """``[K, P]``: each row no longer than ``clip_norm``."""
    norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    shorter: Tensor = gradient * (clip_norm / norms.clamp(min=clip_norm))
    return shorter


def learning_rate(step: int, steps: int, peak: float, warmup_steps: int, final_ratio: float) -> float:
    """The rate of step number ``step``: a linear rise, then half a cosine down to ``final_ratio`` of the peak."""
    rise = min(1.0, (step + 1) / (min(warmup_steps, steps // 4) + 1))
    fall = 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return peak * rise * (final_ratio + (1.0 - final_ratio) * fall)


def flatten(state: ShardState, names: Sequence[str] | None = None) -> Tensor:
    """``[K, P]``: each network's weights of those names in a row; default: all of ``parameter_shapes``."""
    chosen = parameter_shapes(state.config) if names is None else names
    return torch.cat([state.parameters[name].flatten(1) for name in chosen], dim=1)


def unflatten(flat: Tensor, config: ModelConfig, names: Sequence[str] | None = None) -> dict[str, Tensor]:
    """Views of ``flat [K, P]``, by name: ``flatten`` undone."""
    shapes = parameter_shapes(config)
    chosen = tuple(shapes) if names is None else names
    parts = torch.split_with_sizes(flat, [math.prod(shapes[name]) for name in chosen], dim=1)
    return {name: part.view(-1, *shapes[name]) for name, part in zip(chosen, parts, strict=True)}


def decay_mask(config: ModelConfig, dtype: torch.dtype, names: Sequence[str] | None = None) -> Tensor:
    """``[P]``: 1 for the weights of matrices, 0 for norms and biases, of the names that ``flatten`` was given."""
    shapes = parameter_shapes(config)
    chosen = shapes if names is None else names
    return torch.cat(
        [torch.full((math.prod(shapes[name]),), float(name.endswith(".weight")), dtype=dtype) for name in chosen]
    )


def trained_names(scope: str, config: ModelConfig) -> tuple[str, ...]:
    """The parameters that ``scope`` (``config.SCOPES``) moves, in the order of ``parameter_shapes``."""
    return tuple(name for name in parameter_shapes(config) if _is_trained(name, scope, config))


def frozen_layers(scope: str, config: ModelConfig) -> int | None:
    """How many layers, counted from the first, ``scope`` holds fast with the input before them; None: not even that."""
    return {"all": None, "norms_head": 0, "last_block_head": config.layers - 1, "head": config.layers}[scope]


def _is_trained(name: str, scope: str, config: ModelConfig) -> bool:
    if name.startswith("output.") or scope == "all":
        return True
    if scope == "norms_head":
        return name.endswith(".norm")
    return scope == "last_block_head" and name.startswith(f"layers.{config.layers - 1}.")
