"""The operations computed from the shapes equal those that torch counts."""

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
    """Operations of attention for one window, which torch does not count on a CPU."""
    return config.layers * 4.0 * config.width * config.context_bars * (config.context_bars + 1) / 2.0


def test_the_operations_of_a_forecast_equal_torchs_count():
    with FlopCounterMode(display=False) as counter:
        forward(initial_state(("A",), CONFIG, (1,)).parameters, torch.randn(1, 1, 12, 5), CONFIG)
    assert counter.get_total_flops() == pytest.approx(forward_operations(CONFIG) - _attention(CONFIG))


def test_the_operations_of_training_the_output_layer_equal_torchs_count():
    train = TrainConfig(3, 4, scope="head", steps_per_draw=3, holdout_bars=24)
    with FlopCounterMode(display=False) as counter:
        fine_tune(initial_state(("A",), CONFIG, (1,)), [made_up_series(1, config=CONFIG)], train, [1])
    windows = train.batch_windows + 4  # drawn once; 24 held-out bars, 6 of each window
    assert counter.get_total_flops() == pytest.approx(training_operations(CONFIG, train) - windows * _attention(CONFIG))


def test_the_loop_needs_more_operations_because_it_trains_all_layers():
    head, loop = training_operations(CONFIG, TrainConfig(4, scope="head", steps_per_draw=4)), loop_operations
    assert loop(CONFIG, TrainConfig(4)) > 4 * head
    assert loop(CONFIG, TrainConfig(4)) == 2 * loop(CONFIG, TrainConfig(2))
    assert layer_operations(CONFIG) > 0
