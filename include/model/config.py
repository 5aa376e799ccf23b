"""What a model is (``ModelConfig``) and how it is trained (``TrainConfig``): two frozen values, plain JSON either way.

Knows nothing of tensors. A checkpoint carries its ``ModelConfig`` and is refused by any other. Where next:
``transformer.py`` reads the one, ``train.py`` the other.
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
"""Name of the computation in ``transformer.py``. Change it whenever old weights would mean something else."""


SCOPES = ("all", "last_block_head", "norms_head", "head")
"""Which weights a ticker's training may move; the output is part of each."""
_LATE_SCOPES = ("last_block_head", "head")
"""Those that hold at least one whole layer fast."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of one ticker's network. Two equal configs can share weights, two unequal ones never."""

    input_count: int
    """F: model inputs of one bar."""
    context_bars: int = 64
    """T: bars the model reads before it forecasts."""
    width: int = 32
    """Numbers that stand for one bar inside the network."""
    layers: int = 2
    heads: int = 4
    horizon_count: int = HORIZON_COUNT
    quantile_levels: tuple[float, ...] = QUANTILE_LEVELS
    """Q levels, ascending, symmetric about 0.5 and with 0.5 among them."""
    version: str = ARCHITECTURE

    def __post_init__(self) -> None:
        """Refuses shapes that cannot be computed.

        Raises:
            SettingsError: a count below 1, heads that do not divide the width into even parts, or levels that do not
                ascend around 0.5.
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
        """Numbers that one attention head compares."""
        return self.width // self.heads

    @property
    def hidden_width(self) -> int:
        """Width of the SwiGLU layer: 8/3 of the model's, so that its three matrices cost as much as the usual two."""
        return 8 * -(-self.width // 3)

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return {**asdict(self), "quantile_levels": list(self.quantile_levels)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> ModelConfig:
        """The config that ``to_dict`` wrote down.

        Raises:
            CheckpointError: a name is missing or unknown.
        """
        if set(value) != {item.name for item in fields(cls)}:
            message = f"{sorted(value)} are not the fields of a model config; the checkpoint is of another version."
            raise CheckpointError(message)
        return cls(**{**value, "quantile_levels": tuple(value["quantile_levels"])})


@dataclass(frozen=True)
class TrainConfig:
    """How one call of ``fine_tune`` trains each of its tickers."""

    steps: int
    """Optimiser steps. 0 is legal and gives the same weights back."""
    batch_windows: int = 16
    """Windows (N) in one step."""
    steps_per_draw: int = 1
    """Steps that are taken on the same windows before others are drawn. Where the scope holds the first layers fast,
    their output for these windows is computed once, which is most of a step's cost."""
    learning_rate: float = 2e-4
    """Greatest step of AdamW; falls to ``final_rate_ratio`` of it along half a cosine. Default 2e-4: on recorded bars a
    network this size, from one ticker's bars alone, lost 0.5 % of CRPS at 5e-4 and 5 % at 2e-3, by overfitting."""
    warmup_steps: int = 10
    """Steps over which the rate rises from nearly 0. Cut to a quarter of ``steps`` where that is less."""
    final_rate_ratio: float = 0.1
    weight_decay: float = 0.1
    """Decoupled decay of the matrices (not of norms and biases): pulls the output back to the reference."""
    clip_norm: float = 1.0
    """Greatest norm of one ticker's gradient."""
    holdout_bars: int = 64
    """Newest bars that are never trained on; they judge the training. At most a fifth of what a ticker has."""
    group_tickers: int = 1
    """Tickers stacked into one step (K)."""
    device: str = "cpu"
    """Where it is computed, ``cpu`` or ``cuda``: part of a model's origin, for another device rounds otherwise."""
    level_weights: tuple[float, ...] = CRPS_WEIGHTS
    """Weight of each quantile level's pinball loss."""
    scope: str = "all"
    """Which weights are trained, one of ``SCOPES``."""
    pull: float = 0.0
    """Share of the way back to the anchor's weights that each step goes, if there is an anchor; decay is then off."""
    mirrored_inputs: int = 0
    """Inputs, counted from the first, that change sign in a history turned upside down; half of the windows then are.
    0: no window is."""

    def __post_init__(self) -> None:
        """Refuses numbers that cannot be trained with.

        Raises:
            SettingsError: a negative count or rate, or no window, ticker or norm to work with.
        """
        least_one = min(self.batch_windows, self.steps_per_draw, self.holdout_bars, self.group_tickers)
        not_negative = min(self.steps, self.warmup_steps, self.learning_rate, self.weight_decay, self.mirrored_inputs)
        if least_one < 1 or not_negative < 0 or self.clip_norm <= 0:
            message = f"{self}: counts must be at least 1; steps, rates and decay at least 0; the norm above 0."
            raise SettingsError(message)
        if self.scope not in SCOPES:
            message = f"{self.scope} is not a part of a network that can be trained; choose of {', '.join(SCOPES)}."
            raise SettingsError(message)

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return {**asdict(self), "level_weights": list(self.level_weights)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> TrainConfig:
        """The config that ``to_dict`` wrote down.

        Raises:
            CheckpointError: a name is missing or unknown.
        """
        if set(value) != {item.name for item in fields(cls)}:
            message = f"{sorted(value)} are not the fields of a training config."
            raise CheckpointError(message)
        return cls(**{**value, "level_weights": tuple(value["level_weights"])})


def model_config(settings: ModelSettings, input_count: int) -> ModelConfig:
    """The network that the settings ask for, for ``input_count`` inputs a bar."""
    return ModelConfig(
        input_count=input_count,
        context_bars=settings.context_bars,
        width=settings.model_width,
        layers=settings.model_layers,
        heads=settings.model_heads,
    )


def first_training(settings: ModelSettings, *, is_from_backbone: bool, mirrored_inputs: int = 0) -> TrainConfig:
    """How a ticker is trained when it is onboarded: from nothing, or on top of the backbone if it starts from that."""
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
    """How a ticker is fine-tuned each hour.

    AdamW's first steps are as long as the rate, whatever the gradient, and an hour takes only first steps; hence a
    rate far below a first training's. Each step also goes some of the way back to the backbone, so that hundreds of
    hours cannot wander off. Where whole layers are held fast, an hour draws its windows once: 16 of 64 bars, spread
    over the history, hold most of its newest 1,000 bars.
    """
    device = choose_device(settings.training_device, has_cuda=has_gpu())
    is_late = settings.hourly_training_scope in _LATE_SCOPES
    return TrainConfig(
        steps=settings.hourly_training_steps,
        batch_windows=settings.batch_windows,
        steps_per_draw=max(1, settings.hourly_training_steps) if is_late else 1,
        group_tickers=choose_group(settings.group_tickers, device),
        device=device,
        learning_rate=settings.hourly_learning_rate,
        warmup_steps=0,
        scope=settings.hourly_training_scope,
        pull=settings.backbone_pull,
        mirrored_inputs=mirrored_inputs,
    )
