"""How many operations training and forecasting need, counted from the shapes: a multiplication and an addition are two.

Only matrix products count, attention's at the half that causality leaves. Norms, gates, quantiles and the optimiser are
left out: they move memory rather than compute. A gradient costs its layer's forward pass twice, once for the weights
and once for what went in; the first trained layer needs no second one where nothing is trained before it.
"""

from __future__ import annotations

from include.model.config import ModelConfig, TrainConfig
from include.model.optimiser import frozen_layers


def input_operations(config: ModelConfig) -> float:
    """Of the input, for one bar."""
    return 2.0 * config.input_count * config.width


def layer_operations(config: ModelConfig) -> float:
    """Of one layer, for one bar of a window."""
    attention = 4.0 * config.width * (config.context_bars + 1) / 2.0
    return 2.0 * config.width * (4 * config.width + 3 * config.hidden_width) + attention


def output_operations(config: ModelConfig) -> float:
    """Of the output, for one bar."""
    return 2.0 * config.width * config.horizon_count * len(config.quantile_levels)


def forward_operations(config: ModelConfig) -> float:
    """Of the whole network for one window, which is what a forecast takes."""
    bar = input_operations(config) + config.layers * layer_operations(config) + output_operations(config)
    return config.context_bars * bar


def training_operations(config: ModelConfig, train: TrainConfig) -> float:
    """Of one ticker's fine-tuning as the product does it: frozen layers once a draw, and two judgements."""
    frozen = frozen_layers(train.scope, config)
    before = 0.0 if frozen is None else input_operations(config) + frozen * layer_operations(config)
    behind = forward_operations(config) / config.context_bars - before
    backward = 2.0 * behind - (input_operations(config) if frozen is None else 0.0)
    draws = -(-train.steps // train.steps_per_draw)
    judged = -(-train.holdout_bars // ((config.context_bars + 1) // 2))  # windows half a context apart
    taught = train.batch_windows * (draws * before + train.steps * (behind + backward))
    return config.context_bars * (taught + judged * (before + 2.0 * behind))


def loop_operations(config: ModelConfig, train: TrainConfig) -> float:
    """Of one ticker's fine-tuning by the loop: every weight in every step, and no judging."""
    forward = forward_operations(config)
    return train.steps * train.batch_windows * (3.0 * forward - config.context_bars * input_operations(config))
