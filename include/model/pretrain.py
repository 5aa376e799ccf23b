"""The backbone: one network for all tickers, trained on the bars of many, from which every ticker's own starts.

Hourly bars of one ticker are few and noisy, and what they teach of another's volatility holds for this one too. What
would be learnt by heart is held off: windows are drawn from all tickers, half of them turned upside down, a fifth of
the inputs of each window is hidden, weights decay, and the result is the moving average of the weights on the way,
with an output layer of half its size.
Arrays in, one network out; no files. Where next: ``backbone.py`` for the one that is shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from include.contracts import CRPS_WEIGHTS
from include.errors import DataContractError, SettingsError
from include.model.config import ModelConfig
from include.model.loss import pinball_loss
from include.model.optimiser import AdamW, clipped, decay_mask, flatten, learning_rate, unflatten
from include.model.shard import ShardState, initial_state, reproducible_torch
from include.model.train import TrainingSeries, mirror
from include.model.transformer import forward

_OUTPUT = ("output.weight", "output.bias")

BACKBONE = "backbone"
"""The name that stands in the place of a ticker's."""


@dataclass(frozen=True)
class PretrainConfig:
    """How the backbone is trained. The defaults were chosen on quarters before 2025-02-28: see ``docs/model.md``."""

    steps: int = 300
    batch_windows: int = 48
    learning_rate: float = 1e-3
    warmup_steps: int = 20
    final_rate_ratio: float = 0.1
    weight_decay: float = 0.1
    clip_norm: float = 1.0
    mirrored_inputs: int = 0
    """Inputs, counted from the first, that change sign in a history turned upside down. 0: none is turned."""
    hidden_ratio: float = 0.2
    """Share of the inputs that are set to 0 throughout a window."""
    average_decay: float = 0.98
    """What stays of the averaged weights at each step; less in the first steps."""
    ticker_power: float = 0.5
    """A ticker is drawn as often as its number of windows to this power: 1 by bars, 0 all tickers alike."""
    horizon_power: float = 1.0
    """Horizon h weighs h to the minus this: far horizons overlap, so that they say less than they seem to."""
    minimum_windows: int = 200
    """A ticker with fewer windows teaches nothing."""
    output_ratio: float = 0.5
    """What the output layer is multiplied by in the end: how far the network is believed against its scale. On
    validation quarters half of what it says was better than all of it, and than nothing."""

    def __post_init__(self) -> None:
        """Refuses numbers that cannot be trained with.

        Raises:
            SettingsError: no step or window, or a share outside of 0..1.
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
    """All tickers' rows, one after another, and where windows end that teach."""

    x: Tensor
    y: Tensor
    has_target: Tensor
    ends: tuple[npt.NDArray[np.int64], ...]
    chances: npt.NDArray[np.float64]


def pretrain(
    series: Mapping[str, TrainingSeries], config: ModelConfig, training: PretrainConfig, seed: int
) -> ShardState:
    """One network, of the name ``BACKBONE``, trained on every window of every ticker; the same bytes every time.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    with reproducible_torch():
        pool = _pool(series, training)
        start = flatten(initial_state((BACKBONE,), config, (seed,)))
        optimiser = AdamW(start, training.weight_decay * decay_mask(config, start.dtype))
        average, generator = start.clone(), np.random.default_rng(seed)
        for step in range(training.steps):
            losses = _loss(optimiser.weights, _draw(pool, config, training, generator), config, training)
            (gradient,) = torch.autograd.grad(losses, optimiser.weights)
            rate = learning_rate(
                step, training.steps, training.learning_rate, training.warmup_steps, training.final_rate_ratio
            )
            optimiser.step(clipped(gradient, training.clip_norm), rate)
            kept = min(training.average_decay, (1.0 + step) / (10.0 + step))
            average.lerp_(optimiser.weights.detach(), 1.0 - kept)
    parts = unflatten(average, config)
    believed = {name: training.output_ratio if name in _OUTPUT else 1.0 for name in parts}
    return ShardState((BACKBONE,), {name: part * believed[name] for name, part in parts.items()}, config)


def _pool(series: Mapping[str, TrainingSeries], training: PretrainConfig) -> _Pool:
    kept = [own for _, own in sorted(series.items()) if len(own.window_ends) >= training.minimum_windows]
    if not kept:
        message = f"None of {len(series)} tickers has {training.minimum_windows} windows; give longer histories."
        raise DataContractError(message)
    firsts = np.cumsum([0, *(len(own.x) for own in kept[:-1])])
    counts = np.array([len(own.window_ends) for own in kept], dtype=np.float64)
    chances = counts**training.ticker_power
    return _Pool(
        x=torch.tensor(np.concatenate([own.x for own in kept]), dtype=torch.float32),
        y=torch.tensor(np.concatenate([own.y for own in kept]), dtype=torch.float32),
        has_target=torch.tensor(np.concatenate([own.has_target for own in kept])),
        ends=tuple(first + np.asarray(own.window_ends) for first, own in zip(firsts, kept, strict=True)),
        chances=chances / chances.sum(),
    )


def _draw(
    pool: _Pool, config: ModelConfig, training: PretrainConfig, generator: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """One step's windows: ``x [1, B, T, F]``, ``y [1, B, T, H]`` and what counts."""
    tickers = generator.choice(len(pool.ends), training.batch_windows, p=pool.chances)
    ends = np.array([pool.ends[k][generator.integers(len(pool.ends[k]))] for k in tickers])
    rows = torch.from_numpy(ends[:, None] + np.arange(1 - config.context_bars, 1))
    x, y = pool.x[rows], pool.y[rows]
    if training.mirrored_inputs:
        x, y = mirror(x, y, generator.random(len(x)) < 0.5, training.mirrored_inputs)
    is_shown = generator.random((len(x), 1, x.shape[2])) >= training.hidden_ratio
    x = x * torch.from_numpy(is_shown)
    return x.unsqueeze(0), y.unsqueeze(0), pool.has_target[rows].unsqueeze(0)


def _loss(
    weights: Tensor, batch: tuple[Tensor, Tensor, Tensor], config: ModelConfig, training: PretrainConfig
) -> Tensor:
    """CRPS in scaled units: the weighted mean of the horizons' own means."""
    x, y, counted = batch
    quantiles = forward(unflatten(weights, config), x, config)
    by_horizon = [
        pinball_loss(quantiles[..., h, :], y[..., h], counted[..., h], config.quantile_levels, CRPS_WEIGHTS)
        for h in range(config.horizon_count)
    ]
    weight = torch.arange(1, config.horizon_count + 1, dtype=weights.dtype) ** -training.horizon_power
    return (torch.cat(by_horizon) * weight).sum() / weight.sum()
