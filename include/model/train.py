"""Fine-tuning: some optimiser steps for each ticker of a shard, with losses on the ticker's newest, held-out bars.

The result for a ticker depends only on its weights, series and seed. If its training diverges, it keeps its old weights
and its report says so; the other tickers are not affected. Where next: ``predict.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from include.errors import DataContractError
from include.model.config import ModelConfig, TrainConfig
from include.model.loss import pinball_loss
from include.model.optimiser import (
    AdamW,
    clipped,
    decay_mask,
    flatten,
    frozen_layers,
    learning_rate,
    trained_names,
    unflatten,
)
from include.model.shard import ShardState, groups, reproducible_torch
from include.model.transformer import begin, finish, forward


class TrainingSeries(Protocol):
    """One ticker's rows, oldest first: any object with these arrays."""

    @property
    def x(self) -> npt.NDArray[np.float32]:
        """``[n, F]`` model inputs."""

    @property
    def y(self) -> npt.NDArray[np.float32]:
        """``[n, H]`` log returns in scaled units."""

    @property
    def has_target(self) -> npt.NDArray[np.bool_]:
        """``[n, H]`` whether y is known; other values of y are ignored."""

    @property
    def window_ends(self) -> npt.NDArray[np.int64]:
        """``[N]`` last row of each full window with at least one known target, ascending."""


@dataclass(frozen=True)
class TrainingArrays:
    """A ``TrainingSeries`` as a plain value."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    has_target: npt.NDArray[np.bool_]
    window_ends: npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainReport:
    """The training of one ticker. Losses are CRPS in scaled units, on held-out bars."""

    ticker: str
    steps: int
    """Optimiser steps taken; 0 if the old weights were kept."""
    window_count: int
    """Windows in the training set."""
    loss_before: float | None
    """None: the ticker has too little history for held-out bars."""
    loss_after: float | None
    is_finite: bool
    """False: the training diverged or its inputs are not finite; the old weights were kept."""


@dataclass(frozen=True)
class _TrainingSet:
    """One ticker's rows as tensors, with the last rows of its training windows and of its held-out windows."""

    x: Tensor
    y: Tensor
    has_target: Tensor
    train_ends: npt.NDArray[np.int64]
    holdout_ends: npt.NDArray[np.int64]
    holdout_start: int
    generator: np.random.Generator


@dataclass(frozen=True)
class _Batch:
    """Windows of K tickers: the input of the trained layers ``[K, B, T, F or D]``, ``y`` and ``mask [K, B, T, H]``.

    ``mask``: which targets are part of the loss.
    """

    inputs: Tensor
    y: Tensor
    mask: Tensor


class _Networks:
    """A group's networks, in two parts: the frozen parameters, and the trained ones as flat weights."""

    def __init__(self, state: ShardState, train: TrainConfig) -> None:
        self.config, self.levels = state.config, train.level_weights
        self.names = trained_names(train.scope, state.config)
        self.start = flatten(state, self.names)
        self._fixed = {name: part for name, part in state.parameters.items() if name not in self.names}
        self._frozen = frozen_layers(train.scope, state.config)

    @torch.no_grad()
    def batch(self, windows: Sequence[tuple[Tensor, Tensor, Tensor]]) -> _Batch:
        """The windows of all tickers, stacked; the frozen layers are already applied to them."""
        x, y, mask = (torch.stack(part).to(self.start.device) for part in zip(*windows, strict=True))
        return _Batch(x if self._frozen is None else begin(self._fixed, x, self.config, self._frozen), y, mask)

    def losses(self, weights: Tensor, batch: _Batch) -> Tensor:
        """``[K]``: the CRPS of each ticker on its windows, with the trained ``weights [K, P]``."""
        parameters = self._fixed | unflatten(weights, self.config, self.names)
        if self._frozen is None:
            quantiles = forward(parameters, batch.inputs, self.config)
        else:
            quantiles = finish(parameters, batch.inputs, self.config, self._frozen)
        return pinball_loss(quantiles, batch.y, batch.mask, self.config.quantile_levels, self.levels)


def fine_tune(
    state: ShardState,
    series: Sequence[TrainingSeries],
    train_config: TrainConfig,
    seeds: Sequence[int],
    anchor: ShardState | None = None,
) -> tuple[ShardState, list[TrainReport]]:
    """The shard after ``train_config.steps`` optimiser steps for each ticker, and a report for each, in their order.

    ``series[k]`` and ``seeds[k]`` belong to ``state.tickers[k]``. A ticker without windows, or whose training diverges,
    keeps its weights. ``anchor`` is the network (the backbone) towards which ``train_config.pull`` moves the weights of
    all tickers. With ``group_tickers=1`` the bytes of a ticker's weights do not depend on the other tickers.

    ``train_config.device`` may be ``cuda``; training on a GPU was never run.

    Raises:
        DataContractError: the number of series or seeds is not that of the tickers, or a series has the wrong shape.
    """
    if not len(series) == len(seeds) == len(state.tickers):
        message = f"{len(state.tickers)} tickers came with {len(series)} series and {len(seeds)} seeds."
        raise DataContractError(message)
    names, device = trained_names(train_config.scope, state.config), train_config.device
    trained: list[Tensor] = []
    reports: list[TrainReport] = []
    target = None if anchor is None else flatten(anchor, names).to(device, state.parameters["input.weight"].dtype)
    with reproducible_torch(device):
        for group in groups(len(state.tickers), train_config.group_tickers):
            part = state.select(group)
            training_sets = [_training_set(part, i - group.start, series[i], train_config, seeds[i]) for i in group]
            weights, part_reports = _fine_tune_group(part.to(device), training_sets, train_config, target)
            trained.append(weights)
            reports.extend(part_reports)
    if not trained:
        return state, reports
    moved = {name: part.contiguous() for name, part in unflatten(torch.cat(trained), state.config, names).items()}
    return ShardState(state.tickers, state.parameters | moved, state.config), reports


def _training_set(
    state: ShardState, position: int, series: TrainingSeries, train: TrainConfig, seed: int
) -> _TrainingSet:
    """One ticker's training set: the newest rows are held out, and no training target is later than their start.

    Raises:
        DataContractError: an array has the wrong shape, or a window does not fit its series.
    """
    config = state.config
    rows, horizons = len(series.x), config.horizon_count
    shapes = (series.x.shape, series.y.shape, series.has_target.shape)
    if shapes != ((rows, config.input_count), (rows, horizons), (rows, horizons)):
        message = f"{state.tickers[position]}: arrays of shapes {shapes} do not fit {config}."
        raise DataContractError(message)
    ends = np.asarray(series.window_ends, dtype=np.int64)
    if len(ends) and not config.context_bars <= ends[0] + 1 <= ends[-1] + 1 <= rows:
        message = f"{state.tickers[position]}: windows end at rows {ends[0]}..{ends[-1]} of {rows}; they do not fit."
        raise DataContractError(message)
    dtype = state.parameters["input.weight"].dtype
    holdout_count = min(train.holdout_bars, len(ends) // 5)
    start = int(ends[-holdout_count]) if holdout_count else rows
    return _TrainingSet(
        x=torch.tensor(series.x, dtype=dtype),  # a copy: torch aligns its memory, and the bits of a sum depend on that
        y=torch.tensor(series.y, dtype=dtype),
        has_target=torch.tensor(series.has_target),
        train_ends=ends[ends <= start - horizons] if holdout_count else ends,
        holdout_ends=_holdout_ends(ends, start, config.context_bars),
        holdout_start=start,
        generator=np.random.default_rng(seed),
    )


def _holdout_ends(ends: npt.NDArray[np.int64], start: int, bars: int) -> npt.NDArray[np.int64]:
    """Last rows of the held-out windows: half a context apart, so that their newer halves cover the held-out rows."""
    newest = int(ends[-1]) if len(ends) else -1
    return np.arange(newest, start - 1, -_scored_bars(bars), dtype=np.int64)


def _scored_bars(bars: int) -> int:
    """Positions of a held-out window that are scored: the newer half, which have enough context."""
    return (bars + 1) // 2


def _fine_tune_group(
    state: ShardState, training_sets: Sequence[_TrainingSet], train: TrainConfig, anchor: Tensor | None
) -> tuple[Tensor, list[TrainReport]]:
    """``[K, P]``: the trained parameters after training; and a report for each ticker."""
    networks = _Networks(state, train)
    holdout = _holdout_batch(networks, training_sets)
    before = _holdout_losses(networks, networks.start, holdout)
    new = networks.start
    if train.steps and any(len(data.train_ends) for data in training_sets):
        new = _optimise(networks, training_sets, train, anchor)
    after = _holdout_losses(networks, new, holdout)
    has_windows = torch.tensor([len(data.train_ends) > 0 for data in training_sets])
    is_finite = new.isfinite().all(dim=1).cpu() & torch.tensor([loss is None or math.isfinite(loss) for loss in after])
    kept = torch.where((has_windows & is_finite).unsqueeze(1), new.cpu(), networks.start.cpu())
    reports = [
        TrainReport(
            ticker=ticker,
            steps=train.steps if has_windows[k] and is_finite[k] else 0,
            window_count=len(training_sets[k].train_ends),
            loss_before=before[k],
            loss_after=after[k],
            is_finite=bool(is_finite[k]),
        )
        for k, ticker in enumerate(state.tickers)
    ]
    return kept, reports


def _optimise(
    networks: _Networks, training_sets: Sequence[_TrainingSet], train: TrainConfig, anchor: Tensor | None
) -> Tensor:
    """``[K, P]``: the weights after all steps of AdamW; gradients are clipped for each ticker."""
    start = networks.start
    decay = train.weight_decay * decay_mask(networks.config, start.dtype, networks.names).to(start.device)
    optimiser = AdamW(start, decay, anchor, train.pull)
    batch = _draw(networks, training_sets, train)
    for step in range(train.steps):
        if step and step % train.steps_per_draw == 0:
            batch = _draw(networks, training_sets, train)
        # Each row's gradient depends only on its own loss, also if another ticker's loss is NaN.
        (gradient,) = torch.autograd.grad(networks.losses(optimiser.weights, batch).sum(), optimiser.weights)
        rate = learning_rate(step, train.steps, train.learning_rate, train.warmup_steps, train.final_rate_ratio)
        optimiser.step(clipped(gradient, train.clip_norm), rate)
    return optimiser.weights.detach()


def _draw(networks: _Networks, training_sets: Sequence[_TrainingSet], train: TrainConfig) -> _Batch:
    return networks.batch([_sample(data, networks.config, train) for data in training_sets])


def _sample(data: _TrainingSet, config: ModelConfig, train: TrainConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Random training windows of one ticker: ``x [B, T, F]``, ``y [B, T, H]`` and ``mask [B, T, H]``.

    One window is drawn from each of B equal parts of the history. They overlap less than windows drawn from all of it.
    """
    count, generator = train.batch_windows, data.generator
    if not len(data.train_ends):
        return _windows(data, np.zeros(0, np.int64), count, config.context_bars)
    picks = ((np.arange(count) + generator.random(count)) * len(data.train_ends) / count).astype(np.int64)
    x, y, mask = _windows(data, data.train_ends[picks], count, config.context_bars)
    if train.mirrored_inputs:
        x, y = mirror(x, y, generator.random(count) < 0.5, train.mirrored_inputs)
    return x, y, mask


def mirror(x: Tensor, y: Tensor, is_mirrored: npt.NDArray[np.bool_], signed_inputs: int) -> tuple[Tensor, Tensor]:
    """Windows ``x [B, T, F]``, ``y [B, T, H]``, with the signs of all returns reversed in the marked ones ``[B]``.

    Only the first ``signed_inputs`` inputs depend on the sign of returns. Mirroring is data augmentation: a network
    cannot overfit the direction of past returns, which is noise.
    """
    sign = torch.from_numpy(np.where(is_mirrored, -1.0, 1.0)).to(x.dtype)[:, None, None]
    return torch.cat((x[..., :signed_inputs] * sign, x[..., signed_inputs:]), dim=-1), y * sign


def _windows(data: _TrainingSet, ends: npt.NDArray[np.int64], count: int, bars: int) -> tuple[Tensor, Tensor, Tensor]:
    """The windows that end at ``ends``, padded to ``count`` with zeros whose mask is false."""
    rows = torch.from_numpy(ends[:, None] + np.arange(1 - bars, 1))
    found = (data.x[rows], data.y[rows], data.has_target[rows])
    if len(ends) == count:
        return found
    x, y, mask = (torch.cat((part, part.new_zeros(count - len(ends), *part.shape[1:]))) for part in found)
    return x, y, mask


def _holdout_batch(networks: _Networks, training_sets: Sequence[_TrainingSet]) -> _Batch | None:
    """The held-out windows, padded to the same number for all tickers; None if no ticker has one."""
    count = max(len(data.holdout_ends) for data in training_sets)
    bars = networks.config.context_bars
    return networks.batch([_holdout_windows(data, count, bars) for data in training_sets]) if count else None


@torch.no_grad()
def _holdout_losses(networks: _Networks, weights: Tensor, holdout: _Batch | None) -> list[float | None]:
    """Each ticker's loss on its held-out windows; None if it has none."""
    if holdout is None:
        return [None] * len(weights)
    losses = networks.losses(weights, holdout)
    has_any = holdout.mask.flatten(1).any(dim=1)
    return [loss if has else None for loss, has in zip(losses.tolist(), has_any.tolist(), strict=True)]


def _holdout_windows(data: _TrainingSet, count: int, bars: int) -> tuple[Tensor, Tensor, Tensor]:
    x, y, mask = _windows(data, data.holdout_ends, count, bars)
    rows = np.full((count, bars), -1, dtype=np.int64)
    rows[: len(data.holdout_ends), -_scored_bars(bars) :] = data.holdout_ends[:, None] + np.arange(
        1 - _scored_bars(bars), 1
    )
    return x, y, mask & torch.from_numpy(rows >= data.holdout_start).unsqueeze(-1)
