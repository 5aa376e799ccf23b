"""The shape of a network (``ModelConfig``) and the settings of a training (``TrainConfig``): frozen, with plain JSON.

A checkpoint stores its ``ModelConfig`` and can only be loaded with an equal one. Where next: ``transformer.py`` for the
network, ``train.py`` for the training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from typing import Any

from include.contracts import CRPS_WEIGHTS, HORIZON_COUNT, QUANTILE_LEVELS
from include.errors import CheckpointError, SettingsError
from include.model.device import choose_device, choose_group, has_gpu
from include.settings import ModelSettings

ARCHITECTURE = "decoder-1"
"""Version of the computation in ``transformer.py``. Change it whenever the same weights would give other outputs."""
HEAD = "head"
SCOPES = ("all", HEAD)
"""The parameters that a training changes: all of them, or the output layer with its norm."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of one ticker's network. Weights can be exchanged between networks of equal config only."""

    input_count: int
    """F: number of model inputs of one bar."""
    context_bars: int = 64
    """T: bars of a window."""
    width: int = 32
    """D: width of the residual stream."""
    layers: int = 2
    heads: int = 4
    horizon_count: int = HORIZON_COUNT
    quantile_levels: tuple[float, ...] = QUANTILE_LEVELS
    """Q levels, ascending, symmetric about 0.5 and with 0.5 among them."""
    version: str = ARCHITECTURE

    def __post_init__(self) -> None:
        """Checks that the shape can be computed.

        Raises:
            SettingsError: a count is below 1, the width is not an even multiple of the heads, or the levels do not
                ascend or lack 0.5.
        """
        counts = (self.input_count, self.context_bars, self.width, self.layers, self.heads, self.horizon_count)
        if min(counts) < 1 or self.width % (2 * self.heads):
            message = f"{self}: every count must be at least 1, and the width an even multiple of the heads."
            raise SettingsError(message)
        levels = self.quantile_levels
        ascending = all(low < high for low, high in pairwise(levels))
        if not ascending or 0.5 not in levels or not 0.0 < levels[0] <= levels[-1] < 1.0:
            message = f"{self}: quantile levels must ascend within (0, 1) and hold 0.5."
            raise SettingsError(message)

    @property
    def median_index(self) -> int:
        """Position of level 0.5 among the levels."""
        return self.quantile_levels.index(0.5)

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    @property
    def hidden_width(self) -> int:
        """Width of the SwiGLU layer: 8/3 of ``width``, so that its matrices have 8 * width ** 2 weights, as usual."""
        return 8 * -(-self.width // 3)

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return {**asdict(self), "quantile_levels": list(self.quantile_levels)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> ModelConfig:
        """The config that ``to_dict`` returned.

        Raises:
            CheckpointError: a field is missing or unknown.
        """
        if set(value) != {item.name for item in fields(cls)}:
            message = f"{sorted(value)} are not the fields of a model config; the checkpoint has another version."
            raise CheckpointError(message)
        return cls(**{**value, "quantile_levels": tuple(value["quantile_levels"])})


@dataclass(frozen=True)
class TrainConfig:
    """How ``fine_tune`` trains each of its tickers."""

    steps: int
    """Optimiser steps. With 0 the weights stay the same."""
    batch_windows: int = 16
    """Windows (N) of one step."""
    steps_per_draw: int = 1
    """Steps on the same windows before new ones are drawn. With the scope ``head`` the output of the frozen layers is
    computed once for these windows; it is most of a step's cost."""
    learning_rate: float = 2e-4
    """Peak learning rate of AdamW; it falls to ``final_rate_ratio`` of this along half a cosine. Default 2e-4. Networks
    of this size that were trained on one ticker's recorded bars overfitted at higher rates: their CRPS was 0.5 % worse
    at 5e-4 and 5 % worse at 2e-3."""
    warmup_steps: int = 10
    """Steps over which the rate rises linearly from nearly 0; at most a quarter of ``steps``."""
    final_rate_ratio: float = 0.1
    weight_decay: float = 0.1
    """Decoupled weight decay of the matrices (not of norms and biases)."""
    clip_norm: float = 1.0
    """Norm to which one ticker's gradient is clipped."""
    holdout_bars: int = 64
    """Newest bars that are held out: never trained on, used for the losses of the report. At most a fifth of a ticker's
    windows."""
    group_tickers: int = 1
    """Tickers stacked into one step (K)."""
    device: str = "cpu"
    """Device of the training, ``cpu`` or ``cuda``. It is stored with the model, because devices round differently.
    Training on a GPU was never run."""
    level_weights: tuple[float, ...] = CRPS_WEIGHTS
    """Weight of each quantile level's pinball loss."""
    scope: str = "all"
    """The parameters that are trained, one of ``SCOPES``."""
    pull: float = 0.0
    """Share of the difference to the anchor's weights that each step removes. Only with an anchor, and then instead of
    weight decay."""
    mirrored_inputs: int = 0
    """Number of the first inputs whose sign depends on that of the returns. If it is above 0, these inputs and the
    targets change sign in a random half of the windows."""

    def __post_init__(self) -> None:
        """Checks that a training is possible with these values.

        Raises:
            SettingsError: a count or rate is too small, the clipping norm is not above 0, or the scope is unknown.
        """
        least_one = min(self.batch_windows, self.steps_per_draw, self.holdout_bars, self.group_tickers)
        not_negative = min(self.steps, self.warmup_steps, self.learning_rate, self.weight_decay, self.mirrored_inputs)
        if least_one < 1 or not_negative < 0 or self.clip_norm <= 0:
            message = f"{self}: counts must be at least 1; steps, rates and decay at least 0; the norm above 0."
            raise SettingsError(message)
        if self.scope not in SCOPES:
            message = f"{self.scope} is not a scope of training; choose one of {', '.join(SCOPES)}."
            raise SettingsError(message)

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return {**asdict(self), "level_weights": list(self.level_weights)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> TrainConfig:
        """The config that ``to_dict`` returned.

        Raises:
            CheckpointError: a field is missing or unknown.
        """
        if set(value) != {item.name for item in fields(cls)}:
            message = f"{sorted(value)} are not the fields of a training config."
            raise CheckpointError(message)
        return cls(**{**value, "level_weights": tuple(value["level_weights"])})


def model_config(settings: ModelSettings, input_count: int) -> ModelConfig:
    """The config of the network that the settings describe, for ``input_count`` inputs of a bar."""
    return ModelConfig(
        input_count=input_count,
        context_bars=settings.context_bars,
        width=settings.model_width,
        layers=settings.model_layers,
        heads=settings.model_heads,
    )


def first_training(settings: ModelSettings, *, is_from_backbone: bool, mirrored_inputs: int = 0) -> TrainConfig:
    """The training of a ticker when it is onboarded: from initial weights, or from the backbone."""
    if is_from_backbone:
        return replace(hourly_training(settings, mirrored_inputs), steps=settings.backbone_training_steps)
    device = choose_device(settings.training_device, has_cuda=has_gpu())
    return TrainConfig(
        steps=settings.first_training_steps,
        batch_windows=settings.batch_windows,
        group_tickers=choose_group(settings.group_tickers, device),
        device=device,
        mirrored_inputs=mirrored_inputs,
    )


def hourly_training(settings: ModelSettings, mirrored_inputs: int = 0) -> TrainConfig:
    """The fine-tuning of a ticker in an hour.

    The first steps of AdamW have the size of the learning rate, whatever the gradient is. An hour takes only a few
    steps, so its rate is far below that of a first training. Each step also moves the weights some way back to the
    backbone; so hundreds of hours cannot drift far from it. With the scope ``head`` an hour draws its windows once: 16
    windows of 64 bars, spread over the history, cover most of its newest 1,000 bars.
    """
    device = choose_device(settings.training_device, has_cuda=has_gpu())
    is_head_only = settings.hourly_training_scope == HEAD
    return TrainConfig(
        steps=settings.hourly_training_steps,
        batch_windows=settings.batch_windows,
        steps_per_draw=max(1, settings.hourly_training_steps) if is_head_only else 1,
        group_tickers=choose_group(settings.group_tickers, device),
        device=device,
        learning_rate=settings.hourly_learning_rate,
        warmup_steps=0,
        scope=settings.hourly_training_scope,
        pull=settings.backbone_pull,
        mirrored_inputs=mirrored_inputs,
    )
