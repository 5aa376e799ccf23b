"""LSTM and TCN, trained as the Transformer is and stored as safetensors; the forecasts of a stored one.

The training is ``model/pretrain.py``'s: the same windows, loss, optimiser, steps and share of the output. Where next:
``lstm.py`` and ``tcn.py`` for the architectures, ``trees.py`` for the method that is no network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor

from include.model.config import ModelConfig
from include.model.predict import quantiles_at
from include.model.pretrain import Network, PretrainConfig, train_network
from include.model.train import TrainingSeries
from include.model.zoo import lstm, tcn
from include.model.zoo.layers import initial_parameters

WEIGHTS = "weights.safetensors"
_METADATA_KEY = "hourcast"  # one key: safetensors does not fix the order of several, and the bytes must be the same


@dataclass(frozen=True)
class _Architecture:
    version: str
    shapes: Callable[[ModelConfig], Mapping[str, tuple[int, ...]]]
    forward: Network


ARCHITECTURES: Mapping[str, _Architecture] = {
    "lstm": _Architecture(lstm.VERSION, lstm.parameter_shapes, lstm.forward),
    "tcn": _Architecture(tcn.VERSION, tcn.parameter_shapes, tcn.forward),
}
"""The networks that can be trained for comparison, by method."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network; ``parameters`` are ``[1, ...]`` each."""

    method: str
    parameters: Mapping[str, Tensor]
    config: ModelConfig

    @property
    def weight_count(self) -> int:
        """The number of its weights."""
        return sum(part.numel() for part in self.parameters.values())

    @property
    def version(self) -> str:
        """SHA-256 in hex of its file."""
        return hashlib.sha256(self.files()[WEIGHTS]).hexdigest()

    def files(self) -> dict[str, bytes]:
        """The file of its weights, with method, version of the computation and config in its header."""
        described = {
            "method": self.method,
            "architecture": ARCHITECTURES[self.method].version,
            "config": self.config.to_dict(),
        }
        tensors = {name: part[0].detach().contiguous() for name, part in self.parameters.items()}
        return {WEIGHTS: save(tensors, metadata={_METADATA_KEY: json.dumps(described, sort_keys=True)})}

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """``[N, H, Q]``: forecasts in scaled units at the rows ``ends`` of ``x [n, F]``; NaN without a full window."""
        network = partial(ARCHITECTURES[self.method].forward, self.parameters, config=self.config)
        return quantiles_at(network, self.config, torch.tensor(x, dtype=torch.float32), ends)


def train(
    method: str, series: Mapping[str, TrainingSeries], config: ModelConfig, training: PretrainConfig, seed: int
) -> TrainedNetwork:
    """The network of this method, trained on the windows on which the Transformer is trained with the same arguments.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    chosen = ARCHITECTURES[method]
    start = initial_parameters(chosen.shapes(config), seed)
    return TrainedNetwork(method, train_network(series, start, chosen.forward, config, training, seed), config)
