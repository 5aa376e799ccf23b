"""Small random networks and series for the tests of this folder."""

from __future__ import annotations

import numpy as np
import torch

from include.model.config import ModelConfig
from include.model.shard import ShardState, initial_state
from include.model.train import TrainingArrays

SMALL = ModelConfig(input_count=5, context_bars=12, width=16, layers=2, heads=2, horizon_count=3)


def made_up_series(seed: int, rows: int = 300, config: ModelConfig = SMALL, strength: float = 0.0) -> TrainingArrays:
    """Heavy-tailed noise, of which the share ``strength`` (0..1) is predicted by the first input."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((rows, config.input_count))
    y = generator.standard_t(4, (rows, config.horizon_count)) * np.sqrt(2 / np.pi)
    y = strength * x[:, :1] + (1 - strength) * y
    has_target = np.arange(rows)[:, None] + np.arange(1, config.horizon_count + 1) < rows
    ends = np.arange(config.context_bars - 1, rows - 1)
    return TrainingArrays(x.astype(np.float32), y.astype(np.float32), has_target, ends)


def stirred_state(tickers: tuple[str, ...], size: float = 0.3, config: ModelConfig = SMALL) -> ShardState:
    """Networks whose output layer is not zero, so that their forecasts depend on the input."""
    state = initial_state(tickers, config, range(len(tickers)))
    generator = np.random.default_rng(99)
    for value in state.parameters.values():
        noise = torch.tensor(generator.standard_normal(value.shape), dtype=value.dtype)
        value.add_(size * noise / max(1.0, value.shape[1]) ** 0.5)
    return state


def in_double(state: ShardState) -> ShardState:
    parameters = {name: value.double() for name, value in state.parameters.items()}
    return ShardState(state.tickers, parameters, state.config)


def bytes_of(state: ShardState, position: int) -> bytes:
    return b"".join(state.parameters[name][position].numpy().tobytes() for name in sorted(state.parameters))
