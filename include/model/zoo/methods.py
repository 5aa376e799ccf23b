"""The methods that can be trained for comparison with the Transformer, by name.

LightGBM is optional: ``trees.py`` is imported only where it is asked for, and ``missing_methods`` says where it cannot
be. Where next: ``networks.py``, ``trees.py``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from include.model.config import ModelConfig
from include.model.pretrain import PretrainConfig
from include.model.train import TrainingSeries
from include.model.zoo import networks

LIGHTGBM = "lightgbm"
METHODS = (*networks.ARCHITECTURES, LIGHTGBM)
LABELS = {"lstm": "LSTM", "tcn": "TCN", LIGHTGBM: "LightGBM"}
"""The methods' names on a leaderboard."""


class TrainedMethod(Protocol):
    """A trained method: its files, their hash, and its forecasts."""

    @property
    def version(self) -> str:
        """SHA-256 in hex of its file."""

    @property
    def weight_count(self) -> int:
        """The number of its weights, or of its leaves."""

    def files(self) -> dict[str, bytes]:
        """Its files by name."""

    def quantiles(self, x: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """``[N, H, Q]``: forecasts in scaled units at the rows ``ends`` of ``x [n, F]``; NaN without a full window."""


def missing_methods(methods: Sequence[str]) -> list[str]:
    """Those of the methods whose library is not installed here."""
    return [method for method in methods if method == LIGHTGBM and find_spec(LIGHTGBM) is None]


def train_method(
    method: str, series: Mapping[str, TrainingSeries], config: ModelConfig, training: PretrainConfig, seed: int
) -> TrainedMethod:
    """The method, trained on the series on which the Transformer is trained with the same arguments.

    Raises:
        DataContractError: no ticker has enough windows.
        ImportError: the method's library is not installed.
    """
    if method == LIGHTGBM:
        trees = importlib.import_module("include.model.zoo.trees")
        return cast("TrainedMethod", trees.train(series, config, training, seed))
    return networks.train(method, series, config, training, seed)
