"""LSTM and TCN: the networks that everybody tries first, as rivals to measure ours against. No part of the product.

One network for all tickers, trained on sequences of bars; it says by how much the quantiles of a scaled return differ
from the pooled ones, so that an untrained one is its scale's own forecast. Arrays in, arrays out, no pandas.
Where next: ``include/pipeline/rivals.py``, which feeds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from include.contracts import CRPS_WEIGHTS, QUANTILE_LEVELS
from include.model.shard import reproducible_torch

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LSTM = "lstm"
TCN = "tcn"

_MEDIAN = QUANTILE_LEVELS.index(0.5)
_UNIT_SPACING = math.log(math.e - 1.0)  # softplus of it is 1
_DILATIONS = (1, 2, 4, 8)  # with kernels of 3, they see 31 bars
_KERNEL = 3


@dataclass(frozen=True)
class RivalConfig:
    """What a rival network is and how it is trained."""

    kind: str = LSTM
    context_bars: int = 32
    width: int = 32
    steps: int = 300
    batch_windows: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    dropout: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class RivalSeries:
    """One ticker's rows, oldest first: ``of_bar`` [n, I], ``of_path`` [n, H, P], scaled returns ``y`` [n, H].

    ``is_teaching`` [n, H]: which of y may be learnt from; the others are not looked at.
    """

    of_bar: FloatArray
    of_path: FloatArray
    y: FloatArray
    is_teaching: BoolArray


class Rival(nn.Module):
    """A trained network with the pooled quantiles that it corrects."""

    def __init__(self, config: RivalConfig, bar_width: int, path_width: int, pooled: FloatArray) -> None:
        super().__init__()
        self.config = config
        self.body = _Lstm(bar_width, config) if config.kind == LSTM else _Tcn(bar_width, config)
        self.joint = nn.Linear(config.width + path_width, config.width)
        self.head = nn.Linear(config.width, len(QUANTILE_LEVELS) - 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("spacings", torch.tensor(np.diff(pooled, axis=1), dtype=torch.float32))  # [H, Q - 1]

    def forward(self, bars: Tensor, paths: Tensor) -> Tensor:
        """Quantiles of scaled returns about a median of 0: ``[B, T, I]``, ``[B, H, P]`` -> ``[B, H, Q]``."""
        state = self.body(bars).unsqueeze(1).expand(-1, paths.shape[1], -1)
        hidden = torch.relu(self.joint(torch.cat((state, paths), dim=-1)))
        spacings = softplus(self.head(hidden) + _UNIT_SPACING) * self.get_buffer("spacings")
        below = -spacings[..., :_MEDIAN].flip(-1).cumsum(-1).flip(-1)
        above = spacings[..., _MEDIAN:].cumsum(-1)
        return torch.cat((below, torch.zeros_like(below[..., :1]), above), dim=-1)


class _Lstm(nn.Module):
    """Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation (1997)."""

    def __init__(self, inputs: int, config: RivalConfig) -> None:
        super().__init__()
        self.cell = nn.LSTM(inputs, config.width, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, bars: Tensor) -> Tensor:
        states, _ = self.cell(bars)
        last: Tensor = self.dropout(states[:, -1])
        return last


class _Tcn(nn.Module):
    """Bai, Kolter and Koltun, An Empirical Evaluation of Generic Convolutional and Recurrent Networks (2018)."""

    def __init__(self, inputs: int, config: RivalConfig) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, config.width)
        self.layers = nn.ModuleList(nn.Conv1d(config.width, config.width, _KERNEL, dilation=gap) for gap in _DILATIONS)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, bars: Tensor) -> Tensor:
        x = self.enter(bars).transpose(1, 2)  # [B, D, T]
        for gap, layer in zip(_DILATIONS, self.layers, strict=True):
            x = x + self.dropout(torch.relu(layer(pad(x, ((_KERNEL - 1) * gap, 0)))))
        last: Tensor = x[..., -1]
        return last


def fit_rival(series: Sequence[RivalSeries], is_signed: BoolArray, config: RivalConfig) -> Rival | None:
    """A network trained on all series together; None if no series may teach at every horizon.

    Half of each step's windows are turned upside down (inputs that ``is_signed`` [I] and the outcome change sign), or
    it learns which way the market went.
    """
    rows = [_teaching_ends(one, config.context_bars) for one in series]
    pooled = _pooled_quantiles(series)
    if not sum(len(ends) for ends in rows) or pooled is None:
        return None
    random = np.random.default_rng(config.seed)
    with reproducible_torch(), torch.random.fork_rng():
        torch.manual_seed(config.seed)
        rival = Rival(config, series[0].of_bar.shape[1], series[0].of_path.shape[2], pooled)
        optimiser = torch.optim.AdamW(rival.parameters(), config.learning_rate, weight_decay=config.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
        rival.train()
        for _ in range(config.steps):
            loss = _loss(rival, _draw(series, rows, is_signed, config, random))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it
            nn.utils.clip_grad_norm_(rival.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return rival.eval()


@torch.no_grad()
def ask_rival(rival: Rival, of_bar: FloatArray, of_path: FloatArray, rows: npt.NDArray[np.int64]) -> FloatArray:
    """Quantiles of scaled returns at these rows of a ticker; NaN before the first full window. [m, H, Q]."""
    bars = rival.config.context_bars
    answers = np.full((len(rows), of_path.shape[1], len(QUANTILE_LEVELS)), np.nan)
    is_full = rows >= bars - 1
    if is_full.any():
        with reproducible_torch():
            windows = of_bar[rows[is_full, None] + np.arange(1 - bars, 1)]
            answers[is_full] = rival(_tensor(windows), _tensor(of_path[rows[is_full]])).double().numpy()
    return answers


def _teaching_ends(series: RivalSeries, bars: int) -> npt.NDArray[np.int64]:
    ends = np.flatnonzero(series.is_teaching.any(axis=1))
    return ends[ends >= bars - 1].astype(np.int64)


def _pooled_quantiles(series: Sequence[RivalSeries]) -> FloatArray | None:
    """Empirical quantiles of all scaled returns by horizon, each ticker counting the same. [H, Q]. None without any."""
    by_ticker = [
        [np.quantile(one.y[taught, column], QUANTILE_LEVELS) for column, taught in enumerate(one.is_teaching.T)]
        for one in series
        if one.is_teaching.any(axis=0).all()
    ]
    return np.asarray(np.mean(by_ticker, axis=0), dtype=np.float64) if by_ticker else None


def _draw(
    series: Sequence[RivalSeries],
    rows: Sequence[npt.NDArray[np.int64]],
    is_signed: BoolArray,
    config: RivalConfig,
    random: np.random.Generator,
) -> tuple[Tensor, ...]:
    """One step's windows: of several tickers, each ticker as likely as the next."""
    able = [place for place, ends in enumerate(rows) if len(ends)]
    chosen = random.choice(able, config.batch_windows)
    parts: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = []
    for place in np.unique(chosen):
        one = series[place]
        ends = random.choice(rows[place], int((chosen == place).sum()))
        bars = one.of_bar[ends[:, None] + np.arange(1 - config.context_bars, 1)]
        flip = random.choice([-1.0, 1.0], (len(ends), 1))
        bars = np.where(is_signed, flip[..., None] * bars, bars)
        y = np.where(one.is_teaching[ends], one.y[ends], 0.0)
        parts.append((bars, one.of_path[ends], flip * y, one.is_teaching[ends]))
    return tuple(_tensor(np.concatenate(column)) for column in zip(*parts, strict=True))


def _loss(rival: Rival, batch: tuple[Tensor, ...]) -> Tensor:
    """CRPS of the windows' scaled returns, where they may be learnt from."""
    bars, paths, y, counted = batch
    levels, weights = torch.tensor(QUANTILE_LEVELS), torch.tensor(CRPS_WEIGHTS)
    error = y.unsqueeze(-1) - rival(bars, paths)
    losses = torch.maximum(levels * error, (levels - 1.0) * error) @ weights
    return 2.0 * (losses * counted).sum() / counted.sum()


def _tensor(values: npt.NDArray[np.generic]) -> Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float32))
