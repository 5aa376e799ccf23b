"""Numbers of floating-point operations of training and forecasting, computed from the shapes.

A multiplication and an addition are two operations. Only matrix products are counted; those of attention at one half,
because it is causal. Norms, gates, quantiles and the optimiser are left out: their cost is memory traffic. The backward
pass of a layer costs twice its forward pass: the gradients of its weights and of its input. The input's gradient is not
needed if no earlier layer is trained.
"""

from __future__ import annotations

from include.model.config import ModelConfig, TrainConfig
from include.model.optimiser import frozen_layers


def input_operations(config: ModelConfig) -> float:
    """Operations of the input layer for one bar."""
    return 2.0 * config.input_count * config.width


def layer_operations(config: ModelConfig) -> float:
    """Operations of one layer for one bar of a window."""
    attention = 4.0 * config.width * (config.context_bars + 1) / 2.0
    return 2.0 * config.width * (4 * config.width + 3 * config.hidden_width) + attention


def output_operations(config: ModelConfig) -> float:
    """Operations of the output layer for one bar."""
    return 2.0 * config.width * config.horizon_count * len(config.quantile_levels)


def forward_operations(config: ModelConfig) -> float:
    """Operations of the network for one window, which is one forecast."""
    bar = input_operations(config) + config.layers * layer_operations(config) + output_operations(config)
    return config.context_bars * bar


def training_operations(config: ModelConfig, train: TrainConfig) -> float:
    """Operations of one ticker's fine-tuning in the product.

    Frozen layers are computed once for each draw of windows; the held-out loss is computed twice.
    """
    frozen = frozen_layers(train.scope, config)
    before = 0.0 if frozen is None else input_operations(config) + frozen * layer_operations(config)
    behind = forward_operations(config) / config.context_bars - before
    backward = 2.0 * behind - (input_operations(config) if frozen is None else 0.0)
    draws = -(-train.steps // train.steps_per_draw)
    held_out = -(-train.holdout_bars // ((config.context_bars + 1) // 2))  # windows half a context apart
    trained = train.batch_windows * (draws * before + train.steps * (behind + backward))
    return config.context_bars * (trained + held_out * (before + 2.0 * behind))


def loop_operations(config: ModelConfig, train: TrainConfig) -> float:
    """Operations of one ticker's fine-tuning in ``eager.py``: all weights in each step, without held-out losses."""
    forward = forward_operations(config)
    return train.steps * train.batch_windows * (3.0 * forward - config.context_bars * input_operations(config))
