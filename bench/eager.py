"""The usual implementation of the same network, for one ticker at a time, as a comparison for the speed.

One ``nn.Module`` for each ticker, ``loss.backward()``, ``torch.optim.AdamW`` on all weights, and one forecast after the
other. ``tests/bench/test_eager.py`` shows that it computes the same quantiles and the same loss.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from include.contracts import QUANTILE_LEVELS
from include.model.config import ModelConfig, TrainConfig
from include.model.shard import ShardState
from include.model.train import TrainingSeries
from include.model.transformer import quantiles_of

_ROTARY_BASE = 1000.0


class Block(nn.Module):
    """One layer of the Transformer: causal attention and SwiGLU, each with a pre-norm and a residual connection."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.hidden_width
        self.heads = config.heads
        self.attention_norm, self.mlp_norm = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attention_in, self.attention_out = (
            nn.Linear(width, 3 * width, bias=False),
            nn.Linear(width, width, bias=False),
        )
        self.mlp_in, self.mlp_out = nn.Linear(width, 2 * hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, D]`` -> the same shape."""
        windows, bars, width = x.shape
        parts = self.attention_in(self.attention_norm(x)).view(windows, bars, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(rotate(query), rotate(key), value, is_causal=True)
        x = x + self.attention_out(attended.transpose(1, 2).reshape(x.shape))
        gate, hidden = self.mlp_in(self.mlp_norm(x)).chunk(2, dim=-1)
        result: Tensor = x + self.mlp_out(functional.silu(gate) * hidden)
        return result


class Network(nn.Module):
    """One ticker's network."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.input = nn.Linear(config.input_count, config.width)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.norm = nn.RMSNorm(config.width)
        self.output = nn.Linear(config.width, config.horizon_count * len(config.quantile_levels))

    def forward(self, x: Tensor) -> Tensor:
        """Quantiles ``[B, T, H, Q]`` for inputs ``[B, T, F]``."""
        x = self.input(x)
        for block in self.blocks:
            x = block(x)
        raw = self.output(self.norm(x))
        return quantiles_of(raw.view(*x.shape[:2], self.config.horizon_count, -1), self.config)


def rotate(x: Tensor) -> Tensor:
    """``x [..., T, C]`` with rotary position embedding."""
    bars, width = x.shape[-2:]
    angles = torch.arange(bars).unsqueeze(1) * _ROTARY_BASE ** (-torch.arange(0, width, 2) / width)
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)


def network_of(state: ShardState, position: int = 0) -> Network:
    """A module with the weights of one network of a shard."""
    source = {name: part[position] for name, part in state.parameters.items()}
    weights = {
        "input.weight": source["input.weight"].T,
        "input.bias": source["input.bias"],
        "norm.weight": source["output.norm"],
        "output.weight": source["output.weight"].T,
        "output.bias": source["output.bias"],
    }
    for layer in range(state.config.layers):
        for part in ("attention", "mlp"):
            old, new = f"layers.{layer}.{part}", f"blocks.{layer}.{part}"
            weights[f"{new}_norm.weight"] = source[f"{old}.norm"]
            weights[f"{new}_in.weight"] = source[f"{old}.in.weight"].T
            weights[f"{new}_out.weight"] = source[f"{old}.out.weight"].T
    network = Network(state.config)
    network.load_state_dict(weights)
    return network


def loss_of(quantiles: Tensor, targets: Tensor, has_target: Tensor, train: TrainConfig) -> Tensor:
    """Twice the weighted mean pinball loss over the known targets. A scalar."""
    level, weight = torch.tensor(QUANTILE_LEVELS), torch.tensor(train.level_weights)
    error = targets.unsqueeze(-1) - quantiles
    pinball = torch.maximum(level * error, (level - 1.0) * error)
    return 2.0 * ((pinball * weight).sum(-1) / weight.sum())[has_target].mean()


def fine_tune(network: Network, series: TrainingSeries, train: TrainConfig, seed: int) -> None:
    """Trains all weights in place, with the steps and windows of ``train``."""
    generator = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=train.learning_rate)
    for _ in range(train.steps):
        ends = generator.choice(series.window_ends, train.batch_windows)
        rows = ends[:, np.newaxis] + np.arange(1 - network.config.context_bars, 1)
        x, y, known = (torch.from_numpy(part[rows]) for part in (series.x, series.y, series.has_target))
        loss = loss_of(network(x), y, known, train)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it
        optimiser.step()


def forecast(network: Network, window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Quantiles ``[H, Q]`` for the newest window ``[T, F]``."""
    with torch.no_grad():
        quantiles: npt.NDArray[np.float32] = network(torch.from_numpy(window).unsqueeze(0))[0, -1].numpy()
    return quantiles
