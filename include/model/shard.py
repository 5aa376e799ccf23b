"""A shard's weights: the networks of K tickers, stacked on the first axis, and how a shard is cut and joined.

It knows nothing of files and of training. Where next: ``train.py``, ``predict.py``, ``checkpoint.py``.
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
    """The networks of some tickers: row k of every parameter belongs to ``tickers[k]``. Never changed in place."""

    tickers: tuple[str, ...]
    parameters: dict[str, Tensor]
    config: ModelConfig

    def select(self, positions: Sequence[int]) -> ShardState:
        """A copy of the networks at ``positions``, in that order."""
        rows = torch.tensor(list(positions), dtype=torch.int64)
        parameters = {name: value.index_select(0, rows) for name, value in self.parameters.items()}
        return ShardState(tuple(self.tickers[i] for i in positions), parameters, self.config)

    def to(self, device: str) -> ShardState:
        """The same networks on that device; where they are there already, these very tensors."""
        return ShardState(self.tickers, {name: part.to(device) for name, part in self.parameters.items()}, self.config)

    def split(self, group_tickers: int) -> list[ShardState]:
        """The shard cut, in its order, into copies of at most ``group_tickers`` networks."""
        return [self.select(group) for group in groups(len(self.tickers), group_tickers)]


def initial_state(tickers: Sequence[str], config: ModelConfig, seeds: Sequence[int]) -> ShardState:
    """Fresh float32 networks; a ticker's depends on its own seed and the config alone.

    The output layer starts at zero, so a fresh network forecasts the reference distribution for every input.

    Raises:
        DataContractError: the seeds are not as many as the tickers.
    """
    if len(seeds) != len(tickers):
        message = f"{len(tickers)} tickers came with {len(seeds)} seeds; give each its own."
        raise DataContractError(message)
    shapes = parameter_shapes(config)
    networks = [_initial_network(shapes, config, seed) for seed in seeds]
    parameters = {
        name: torch.stack([network[name] for network in networks]) if networks else torch.zeros(0, *shape)
        for name, shape in shapes.items()
    }
    return ShardState(tuple(tickers), parameters, config)


def concat(states: Sequence[ShardState]) -> ShardState:
    """One shard of all the states' networks, in order.

    Raises:
        DataContractError: there is none, or their configs differ.
    """
    if not states or any(state.config != states[0].config for state in states):
        message = f"{len(states)} states with one common config are needed; these cannot be stacked."
        raise DataContractError(message)
    parameters = {name: torch.cat([state.parameters[name] for state in states]) for name in states[0].parameters}
    return ShardState(tuple(t for state in states for t in state.tickers), parameters, states[0].config)


def groups(count: int, size: int) -> list[range]:
    """The positions 0..count-1 cut, in order, into runs of at most ``size``."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


@contextmanager
def reproducible_torch(device: str = "cpu") -> Iterator[None]:
    """One thread and deterministic algorithms while it lasts; then torch is as it was.

    A sum's bits depend on how many threads share it. Processes, not threads, use the other cores. On a GPU, which may
    have no such algorithm, torch warns and takes the other.
    """
    # set_deterministic_debug_mode does what use_deterministic_algorithms does, but that imports a compiler: a second
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error" if device == "cpu" else "warn")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        torch.set_num_threads(threads)


def _initial_network(shapes: dict[str, tuple[int, ...]], config: ModelConfig, seed: int) -> dict[str, Tensor]:
    """Drawn by numpy, whose streams are promised not to change between versions, as torch's are not."""
    generator = np.random.default_rng(seed)
    network = {}
    for name, shape in shapes.items():
        if name.endswith(".norm"):
            value = np.ones(shape)
        elif name.startswith("output.") or name.endswith(".bias"):
            value = np.zeros(shape)
        else:
            # Layers that add to the residual stream start smaller, the more of them there are (as GPT-2's do).
            depth = math.sqrt(2.0 * config.layers) if name.endswith(".out.weight") else 1.0
            value = generator.standard_normal(shape) / (math.sqrt(shape[0]) * depth)
        network[name] = torch.tensor(value, dtype=torch.float32)
    return network
