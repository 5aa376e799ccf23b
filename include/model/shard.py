"""A shard's weights: the networks of K tickers, stacked on the first axis. Functions that split and join shards.

Where next: ``train.py``, ``predict.py``, ``checkpoint.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from include.errors import DataContractError
from include.model.config import ModelConfig
from include.model.transformer import parameter_shapes


@dataclass(frozen=True)
class ShardState:
    """The networks of K tickers: row k of every parameter belongs to ``tickers[k]``. Never changed in place."""

    tickers: tuple[str, ...]
    parameters: dict[str, Tensor]
    config: ModelConfig

    def select(self, positions: Sequence[int]) -> ShardState:
        """A copy of the networks at ``positions``, in that order."""
        rows = torch.tensor(list(positions), dtype=torch.int64)
        parameters = {name: value.index_select(0, rows) for name, value in self.parameters.items()}
        return ShardState(tuple(self.tickers[i] for i in positions), parameters, self.config)

    def to(self, device: str) -> ShardState:
        """The same networks on that device; the same tensors if they are there already."""
        return ShardState(self.tickers, {name: part.to(device) for name, part in self.parameters.items()}, self.config)

    def split(self, group_tickers: int) -> list[ShardState]:
        """Consecutive parts of the shard with at most ``group_tickers`` networks each; copies."""
        return [self.select(group) for group in groups(len(self.tickers), group_tickers)]


def initial_state(tickers: Sequence[str], config: ModelConfig, seeds: Sequence[int]) -> ShardState:
    """New float32 networks with random weights. A ticker's weights depend only on its seed and the config.

    The output layer is zero, so a new network forecasts the reference distribution for every input.

    Raises:
        DataContractError: the number of seeds is not that of the tickers.
    """
    if len(seeds) != len(tickers):
        message = f"{len(tickers)} tickers came with {len(seeds)} seeds; pass one seed for each ticker."
        raise DataContractError(message)
    shapes = parameter_shapes(config)
    networks = [_initial_network(shapes, config, seed) for seed in seeds]
    parameters = {
        name: torch.stack([network[name] for network in networks]) if networks else torch.zeros(0, *shape)
        for name, shape in shapes.items()
    }
    return ShardState(tuple(tickers), parameters, config)


def concat(states: Sequence[ShardState]) -> ShardState:
    """One shard with the networks of all states, in order.

    Raises:
        DataContractError: there is no state, or the configs differ.
    """
    if not states or any(state.config != states[0].config for state in states):
        message = f"{len(states)} states with one common config are needed; these cannot be stacked."
        raise DataContractError(message)
    parameters = {name: torch.cat([state.parameters[name] for state in states]) for name in states[0].parameters}
    return ShardState(tuple(t for state in states for t in state.tickers), parameters, states[0].config)


def groups(count: int, size: int) -> list[range]:
    """The positions 0..count-1 as consecutive ranges of at most ``size``."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


@contextmanager
def reproducible_torch(device: str = "cpu") -> Iterator[None]:
    """Inside the block torch uses one thread and deterministic algorithms; afterwards its settings are restored.

    The bits of a sum depend on the number of threads. The other cores are used by processes, not by threads. On a GPU
    some operations have no deterministic algorithm; torch then warns and uses another one (never run).
    """
    # use_deterministic_algorithms would do the same, but it imports torch's compiler, which takes a second
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error" if device == "cpu" else "warn")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        torch.set_num_threads(threads)


def _initial_network(shapes: dict[str, tuple[int, ...]], config: ModelConfig, seed: int) -> dict[str, Tensor]:
    """Random weights from numpy, whose generator gives the same numbers in every version; torch's does not."""
    generator = np.random.default_rng(seed)
    network = {}
    for name, shape in shapes.items():
        if name.endswith(".norm"):
            value = np.ones(shape)
        elif name.startswith("output.") or name.endswith(".bias"):
            value = np.zeros(shape)
        else:
            # Layers that add to the residual stream have smaller weights in deeper networks, as in GPT-2.
            depth = math.sqrt(2.0 * config.layers) if name.endswith(".out.weight") else 1.0
            value = generator.standard_normal(shape) / (math.sqrt(shape[0]) * depth)
        network[name] = torch.tensor(value, dtype=torch.float32)
    return network
