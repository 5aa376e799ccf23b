"""Operations counted from the shapes are those that torch itself counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.operations import forward_operations, layer_operations, loop_operations, training_operations
from include.model.config import ModelConfig, TrainConfig
from include.model.shard import initial_state
from include.model.train import fine_tune
from include.model.transformer import forward
from tests.model.made_up import made_up_series

CONFIG = ModelConfig(input_count=5, context_bars=12, width=16, layers=2, heads=2, horizon_count=3)


def _attention(config: ModelConfig) -> float:
    """What we count for a window and torch does not: it knows no operations of attention on a CPU."""
    return config.layers * 4.0 * config.width * config.context_bars * (config.context_bars + 1) / 2.0


def test_a_forecast_needs_what_torch_counts():
    with FlopCounterMode(display=False) as counter:
        forward(initial_state(("A",), CONFIG, (1,)).parameters, torch.randn(1, 1, 12, 5), CONFIG)
    assert counter.get_total_flops() == pytest.approx(forward_operations(CONFIG) - _attention(CONFIG))


def test_a_training_of_the_output_needs_what_torch_counts():
    train = TrainConfig(3, 4, scope="head", steps_per_draw=3, holdout_bars=24)
    with FlopCounterMode(display=False) as counter:
        fine_tune(initial_state(("A",), CONFIG, (1,)), [made_up_series(1, config=CONFIG)], train, [1])
    windows = train.batch_windows + 4  # drawn once, and judged on 24 bars, 6 a window
    assert counter.get_total_flops() == pytest.approx(training_operations(CONFIG, train) - windows * _attention(CONFIG))


def test_a_loop_does_all_layers_in_every_step_and_ours_only_the_last():
    ours, loop = training_operations(CONFIG, TrainConfig(4, scope="head", steps_per_draw=4)), loop_operations
    assert loop(CONFIG, TrainConfig(4)) > 4 * ours
    assert loop(CONFIG, TrainConfig(4)) == 2 * loop(CONFIG, TrainConfig(2))
    assert layer_operations(CONFIG) > 0
