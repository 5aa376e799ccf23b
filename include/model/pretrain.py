"""Pre-training of the backbone: one network, trained on many tickers, from which every ticker's model starts.

One ticker has few hourly bars, and they are noisy; how volatility develops is similar for all tickers. Five measures
reduce overfitting. Windows are drawn from all tickers. In half of them all signs are reversed. A fifth of the inputs of
each window is set to 0. Weights decay. The result is the moving average of the weights over the training, with the
output layer multiplied by a half. Arrays in, one network out; no files. Where next: ``backbone.py`` for the backbone
that is shipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from include.contracts import CRPS_WEIGHTS
from include.errors import DataContractError, SettingsError
from include.model.checkpoint import BACKBONE
from include.model.config import ModelConfig
from include.model.loss import pinball_loss
from include.model.optimiser import AdamW, clipped, decay_of, learning_rate, split
from include.model.shard import ShardState, initial_state, reproducible_torch
from include.model.train import TrainingSeries, mirror
from include.model.transformer import Parameters, forward

_OUTPUT = ("output.weight", "output.bias")


class Network(Protocol):
    """An architecture: ``transformer.forward`` and those of ``zoo``."""

    def __call__(self, parameters: Parameters, inputs: Tensor, config: ModelConfig) -> Tensor:
        """Quantiles ``[K, B, T, H, Q]`` in scaled units, ascending along Q, for inputs ``[K, B, T, F]``; causal."""


@dataclass(frozen=True)
class PretrainConfig:
    """How the backbone is trained. The defaults were chosen on quarters before 2025-02-28; see ``docs/model.md``."""

    steps: int = 300
    batch_windows: int = 48
    learning_rate: float = 1e-3
    warmup_steps: int = 20
    final_rate_ratio: float = 0.1
    weight_decay: float = 0.1
    clip_norm: float = 1.0
    mirrored_inputs: int = 0
    """Number of the first inputs whose sign depends on that of the returns; see ``TrainConfig``. 0: no mirroring."""
    hidden_ratio: float = 0.2
    """Share of the inputs that are set to 0 in all bars of a window (input dropout)."""
    average_decay: float = 0.98
    """Decay of the moving average of the weights at each step; smaller in the first steps."""
    ticker_power: float = 0.5
    """A ticker's probability is proportional to its number of windows to this power; 0: the same for all tickers."""
    horizon_power: float = 1.0
    """Horizon h has the weight h ** -horizon_power: outcomes of far horizons overlap and carry less information."""
    minimum_windows: int = 200
    """A ticker with fewer windows is left out of the training set."""
    output_ratio: float = 0.5
    """Factor of the output layer after the training. It shrinks the forecast towards that of the scale alone. On
    validation quarters 0.5 was better than 1 and better than 0."""

    def __post_init__(self) -> None:
        """Checks that a training is possible with these values.

        Raises:
            SettingsError: a count is below 1, or a share is not in [0, 1).
        """
        shares = (self.hidden_ratio, self.average_decay, self.final_rate_ratio)
        if min(self.steps, self.batch_windows, self.minimum_windows) < 1 or not all(0.0 <= s < 1.0 for s in shares):
            message = f"{self}: counts must be at least 1, shares from 0 to below 1."
            raise SettingsError(message)

    def to_dict(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class _Pool:
    """All tickers' rows, concatenated; the rows at which each ticker's windows end; each ticker's probability."""

    x: Tensor
    y: Tensor
    has_target: Tensor
    ends: tuple[npt.NDArray[np.int64], ...]
    probabilities: npt.NDArray[np.float64]


def pretrain(
    series: Mapping[str, TrainingSeries], config: ModelConfig, training: PretrainConfig, seed: int
) -> ShardState:
    """One network named ``BACKBONE``, trained on windows of all tickers. The same arguments give the same bytes.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    start = initial_state((BACKBONE,), config, (seed,)).parameters
    return ShardState((BACKBONE,), train_network(series, start, forward, config, training, seed), config)


def train_network(
    series: Mapping[str, TrainingSeries],
    start: Mapping[str, Tensor],
    network: Network,
    config: ModelConfig,
    training: PretrainConfig,
    seed: int,
) -> dict[str, Tensor]:
    """The parameters of a network of any architecture after its training, ``[1, ...]`` each, from those in ``start``.

    The windows of each step depend on the series and the seed alone, so all architectures see the same ones. The names
    of the output layer are ``output.weight`` and ``output.bias``.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    shapes = {name: tuple(part.shape[1:]) for name, part in start.items()}
    with reproducible_torch():
        pool = _pool(series, training)
        first = torch.cat([part.flatten(1) for part in start.values()], dim=1)
        optimiser = AdamW(first, training.weight_decay * decay_of(shapes, first.dtype))
        average, generator = first.clone(), np.random.default_rng(seed)
        for step in range(training.steps):
            quantiles = partial(network, split(optimiser.weights, shapes), config=config)
            losses = _loss(quantiles, _draw(pool, config, training, generator), config, training)
            (gradient,) = torch.autograd.grad(losses, optimiser.weights)
            rate = learning_rate(
                step, training.steps, training.learning_rate, training.warmup_steps, training.final_rate_ratio
            )
            optimiser.step(clipped(gradient, training.clip_norm), rate)
            decay = min(training.average_decay, (1.0 + step) / (10.0 + step))
            average.lerp_(optimiser.weights.detach(), 1.0 - decay)
    factors = {name: training.output_ratio if name in _OUTPUT else 1.0 for name in shapes}
    return {name: part * factors[name] for name, part in split(average, shapes).items()}


def _pool(series: Mapping[str, TrainingSeries], training: PretrainConfig) -> _Pool:
    kept = [one for _, one in sorted(series.items()) if len(one.window_ends) >= training.minimum_windows]
    if not kept:
        message = f"None of {len(series)} tickers has {training.minimum_windows} windows; pass longer histories."
        raise DataContractError(message)
    firsts = np.cumsum([0, *(len(one.x) for one in kept[:-1])])
    counts = np.array([len(one.window_ends) for one in kept], dtype=np.float64)
    weights = counts**training.ticker_power
    return _Pool(
        x=torch.tensor(np.concatenate([one.x for one in kept]), dtype=torch.float32),
        y=torch.tensor(np.concatenate([one.y for one in kept]), dtype=torch.float32),
        has_target=torch.tensor(np.concatenate([one.has_target for one in kept])),
        ends=tuple(first + np.asarray(one.window_ends) for first, one in zip(firsts, kept, strict=True)),
        probabilities=weights / weights.sum(),
    )


def _draw(
    pool: _Pool, config: ModelConfig, training: PretrainConfig, generator: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The windows of one step: ``x [1, B, T, F]``, ``y [1, B, T, H]`` and ``has_target [1, B, T, H]``."""
    tickers = generator.choice(len(pool.ends), training.batch_windows, p=pool.probabilities)
    ends = np.array([pool.ends[k][generator.integers(len(pool.ends[k]))] for k in tickers])
    rows = torch.from_numpy(ends[:, None] + np.arange(1 - config.context_bars, 1))
    x, y = pool.x[rows], pool.y[rows]
    if training.mirrored_inputs:
        x, y = mirror(x, y, generator.random(len(x)) < 0.5, training.mirrored_inputs)
    is_shown = generator.random((len(x), 1, x.shape[2])) >= training.hidden_ratio
    x = x * torch.from_numpy(is_shown)
    return x.unsqueeze(0), y.unsqueeze(0), pool.has_target[rows].unsqueeze(0)


def _loss(
    network: Callable[[Tensor], Tensor],
    batch: tuple[Tensor, Tensor, Tensor],
    config: ModelConfig,
    training: PretrainConfig,
) -> Tensor:
    """CRPS in scaled units: the weighted mean over horizons of each horizon's mean CRPS. A scalar."""
    x, y, has_target = batch
    quantiles = network(x)
    by_horizon = [
        pinball_loss(quantiles[..., h, :], y[..., h], has_target[..., h], config.quantile_levels, CRPS_WEIGHTS)
        for h in range(config.horizon_count)
    ]
    weight = torch.arange(1, config.horizon_count + 1, dtype=quantiles.dtype) ** -training.horizon_power
    return (torch.cat(by_horizon) * weight).sum() / weight.sum()
