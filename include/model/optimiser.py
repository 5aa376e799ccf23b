"""All weights of a ticker as one row, and AdamW on such rows: a step is a handful of operations.

``torch.optim`` would do as well, but its first step imports the compiler, which takes longer than an hour's fine-tuning
of a ticker. It knows nothing of losses. Where next: ``train.py`` (one network a ticker), ``pretrain.py`` (one for all).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from include.model.config import ModelConfig
from include.model.shard import ShardState
from include.model.transformer import parameter_shapes

_BETAS = (0.9, 0.99)  # a second moment over a hundred steps: trainings here are hardly longer than that
_EPSILON = 1e-8


class AdamW:
    """Rows of weights ``[K, P]`` and their moments; ``step`` moves them in place.

    ``anchor [1 or K, P]``, if given, is what each step goes ``pull`` of the way back to; decay is then
    off. ``trained [P]`` (1 or 0) holds the other weights fast.

    Source: Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization"; the pull towards the starting weights
    is Li, Grandvalet & Davoine (2018), "Explicit Inductive Bias for Transfer Learning" (L2-SP).
    """

    def __init__(
        self,
        start: Tensor,
        decay: Tensor,
        anchor: Tensor | None = None,
        pull: float = 0.0,
        trained: Tensor | None = None,
    ) -> None:
        self.weights = start.clone().requires_grad_()
        self._decay, self._trained = decay if trained is None else decay * trained, trained
        self._anchor, self._pull = anchor, torch.tensor(pull) if trained is None else pull * trained
        self._first, self._second = torch.zeros_like(start), torch.zeros_like(start)
        self._steps = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, rate: float) -> None:
        """One step of at most about ``rate`` for each weight."""
        self._steps += 1
        if self._trained is not None:
            gradient = gradient * self._trained
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


def flatten(state: ShardState) -> Tensor:
    """``[K, P]``: each network's weights in a row, in the order of ``parameter_shapes``."""
    names = parameter_shapes(state.config)
    return torch.cat([state.parameters[name].flatten(1) for name in names], dim=1)


def unflatten(flat: Tensor, config: ModelConfig) -> dict[str, Tensor]:
    """Views of ``flat [K, P]``, by name."""
    shapes = parameter_shapes(config)
    parts = torch.split_with_sizes(flat, [math.prod(shape) for shape in shapes.values()], dim=1)
    return {name: part.view(-1, *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def decay_mask(config: ModelConfig, dtype: torch.dtype) -> Tensor:
    """``[P]``: 1 for the weights of matrices, 0 for norms and biases."""
    return _mask(config, dtype, [name.endswith(".weight") for name in parameter_shapes(config)])


def scope_mask(config: ModelConfig, scope: str, dtype: torch.dtype) -> Tensor:
    """``[P]``: 1 for the weights that ``scope`` trains (``config.SCOPES``), 0 for the others."""
    return _mask(config, dtype, [is_trained(name, scope, config) for name in parameter_shapes(config)])


def is_trained(name: str, scope: str, config: ModelConfig) -> bool:
    """Whether ``scope`` moves the parameter of that name."""
    if name.startswith("output.") or scope == "all":
        return True
    if scope == "norms_head":
        return name.endswith(".norm")
    return scope == "last_block_head" and name.startswith(f"layers.{config.layers - 1}.")


def _mask(config: ModelConfig, dtype: torch.dtype, chosen: list[bool]) -> Tensor:
    shapes = parameter_shapes(config).values()
    return torch.cat(
        [
            torch.full((math.prod(shape),), float(is_in), dtype=dtype)
            for shape, is_in in zip(shapes, chosen, strict=True)
        ]
    )
