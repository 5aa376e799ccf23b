"""Fine-tuning: some optimiser steps for each ticker of a shard, each judged on its own newest bars.

A ticker's training depends on its own weights, series and seed alone. One that diverges keeps its old weights and
says so; its neighbours do not notice. It knows nothing of pandas, files or the store. Where next: ``predict.py``.
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
    """One ticker's rows, oldest first. Any object with these arrays will do."""

    @property
    def x(self) -> npt.NDArray[np.float32]:
        """``[n, F]`` model inputs."""

    @property
    def y(self) -> npt.NDArray[np.float32]:
        """``[n, H]`` log returns in scaled units."""

    @property
    def has_target(self) -> npt.NDArray[np.bool_]:
        """``[n, H]`` whether y is known; where it is not, y is ignored."""

    @property
    def window_ends(self) -> npt.NDArray[np.int64]:
        """``[N]`` last row of each full window with at least one target, ascending."""


@dataclass(frozen=True)
class TrainingArrays:
    """The plain ``TrainingSeries``."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    has_target: npt.NDArray[np.bool_]
    window_ends: npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainReport:
    """What training did to one ticker. Losses are CRPS in scaled units, on bars that were never trained on."""

    ticker: str
    steps: int
    """Optimiser steps that its weights have really been through."""
    window_count: int
    """Windows it could be trained on."""
    loss_before: float | None
    """None: it has too little history to be judged."""
    loss_after: float | None
    is_finite: bool
    """False: it diverged, or its numbers are not finite; its weights are the old ones."""


@dataclass(frozen=True)
class _Lesson:
    """One ticker's rows as tensors, and which windows teach (``train_ends``) and judge (``holdout_ends``)."""

    x: Tensor
    y: Tensor
    has_target: Tensor
    train_ends: npt.NDArray[np.int64]
    holdout_ends: npt.NDArray[np.int64]
    holdout_start: int
    generator: np.random.Generator


@dataclass(frozen=True)
class _Batch:
    """Windows of K tickers: what the trained layers read ``[K, B, T, F or D]``, ``y`` and ``counted [K, B, T, H]``."""

    read: Tensor
    y: Tensor
    counted: Tensor


class _Networks:
    """A group's networks, cut in two: the layers that training holds fast, and the weights that it moves."""

    def __init__(self, state: ShardState, train: TrainConfig) -> None:
        self.config, self.levels = state.config, train.level_weights
        self.names = trained_names(train.scope, state.config)
        self.start = flatten(state, self.names)
        self._fast = {name: part for name, part in state.parameters.items() if name not in self.names}
        self._frozen = frozen_layers(train.scope, state.config)

    @torch.no_grad()
    def batch(self, windows: Sequence[tuple[Tensor, Tensor, Tensor]]) -> _Batch:
        """Each ticker's windows, stacked, and already through the layers that no step changes."""
        x, y, counted = (torch.stack(part).to(self.start.device) for part in zip(*windows, strict=True))
        return _Batch(x if self._frozen is None else begin(self._fast, x, self.config, self._frozen), y, counted)

    def losses(self, weights: Tensor, batch: _Batch) -> Tensor:
        """``[K]``: the CRPS of each ticker on its windows, with ``weights [K, P]`` in the place of ``start``."""
        parameters = self._fast | unflatten(weights, self.config, self.names)
        if self._frozen is None:
            quantiles = forward(parameters, batch.read, self.config)
        else:
            quantiles = finish(parameters, batch.read, self.config, self._frozen)
        return pinball_loss(quantiles, batch.y, batch.counted, self.config.quantile_levels, self.levels)


def fine_tune(
    state: ShardState,
    series: Sequence[TrainingSeries],
    train_config: TrainConfig,
    seeds: Sequence[int],
    anchor: ShardState | None = None,
) -> tuple[ShardState, list[TrainReport]]:
    """The shard after ``train_config.steps`` optimiser steps for each ticker, and a report for each, in their order.

    ``series[k]`` and ``seeds[k]`` belong to ``state.tickers[k]``. A ticker without windows, or one that diverged,
    comes back with the weights it had. ``anchor`` is the one network (the backbone) that ``train_config.pull``
    pulls all of them towards. With ``group_tickers=1`` a ticker's bytes do not depend on its neighbours.

    Raises:
        DataContractError: series or seeds are not as many as the tickers, or a series has the wrong shape.
    """
    if not len(series) == len(seeds) == len(state.tickers):
        message = f"{len(state.tickers)} tickers came with {len(series)} series and {len(seeds)} seeds."
        raise DataContractError(message)
    names, device = trained_names(train_config.scope, state.config), train_config.device
    trained: list[Tensor] = []
    reports: list[TrainReport] = []
    pulled_to = None if anchor is None else flatten(anchor, names).to(device, state.parameters["input.weight"].dtype)
    with reproducible_torch(device):
        for group in groups(len(state.tickers), train_config.group_tickers):
            part = state.select(group)
            lessons = [_lesson(part, i - group.start, series[i], train_config, seeds[i]) for i in group]
            weights, part_reports = _fine_tune_group(part.to(device), lessons, train_config, pulled_to)
            trained.append(weights)
            reports.extend(part_reports)
    if not trained:
        return state, reports
    moved = {name: part.contiguous() for name, part in unflatten(torch.cat(trained), state.config, names).items()}
    return ShardState(state.tickers, state.parameters | moved, state.config), reports


def _lesson(state: ShardState, position: int, series: TrainingSeries, train: TrainConfig, seed: int) -> _Lesson:
    """The newest rows judge; windows teach whose last target is no later than the close where those rows begin."""
    config = state.config
    rows, horizons = len(series.x), config.horizon_count
    shapes = (series.x.shape, series.y.shape, series.has_target.shape)
    if shapes != ((rows, config.input_count), (rows, horizons), (rows, horizons)):
        message = f"{state.tickers[position]}: arrays of shapes {shapes} do not fit {config}."
        raise DataContractError(message)
    ends = np.asarray(series.window_ends, dtype=np.int64)
    if len(ends) and not config.context_bars <= ends[0] + 1 <= ends[-1] + 1 <= rows:
        message = f"{state.tickers[position]}: windows end at rows {ends[0]}..{ends[-1]} of {rows}; none fits there."
        raise DataContractError(message)
    dtype = state.parameters["input.weight"].dtype
    holdout_count = min(train.holdout_bars, len(ends) // 5)
    start = int(ends[-holdout_count]) if holdout_count else rows
    return _Lesson(
        x=torch.tensor(series.x, dtype=dtype),  # a copy: torch's own memory is aligned, and so are a sum's bits
        y=torch.tensor(series.y, dtype=dtype),
        has_target=torch.tensor(series.has_target),
        train_ends=ends[ends <= start - horizons] if holdout_count else ends,
        holdout_ends=_holdout_ends(ends, start, config.context_bars),
        holdout_start=start,
        generator=np.random.default_rng(seed),
    )


def _holdout_ends(ends: npt.NDArray[np.int64], start: int, bars: int) -> npt.NDArray[np.int64]:
    """Windows half a context apart, from the newest back, whose newer halves cover the held-out rows."""
    newest = int(ends[-1]) if len(ends) else -1
    return np.arange(newest, start - 1, -_scored_bars(bars), dtype=np.int64)


def _scored_bars(bars: int) -> int:
    """Positions of a held-out window that count: the newer half, which have seen a context worth the name."""
    return (bars + 1) // 2


def _fine_tune_group(
    state: ShardState, lessons: Sequence[_Lesson], train: TrainConfig, anchor: Tensor | None
) -> tuple[Tensor, list[TrainReport]]:
    """``[K, P]``: the weights that the scope moves, where they are now; and a report for each ticker."""
    networks = _Networks(state, train)
    judged = _held_out(networks, lessons)
    before = _judge(networks, networks.start, judged)
    new = networks.start
    if train.steps and any(len(lesson.train_ends) for lesson in lessons):
        new = _optimise(networks, lessons, train, anchor)
    after = _judge(networks, new, judged)
    is_taught = torch.tensor([len(lesson.train_ends) > 0 for lesson in lessons])
    is_finite = new.isfinite().all(dim=1).cpu() & torch.tensor([loss is None or math.isfinite(loss) for loss in after])
    kept = torch.where((is_taught & is_finite).unsqueeze(1), new.cpu(), networks.start.cpu())
    reports = [
        TrainReport(
            ticker=ticker,
            steps=train.steps if is_taught[k] and is_finite[k] else 0,
            window_count=len(lessons[k].train_ends),
            loss_before=before[k],
            loss_after=after[k],
            is_finite=bool(is_finite[k]),
        )
        for k, ticker in enumerate(state.tickers)
    ]
    return kept, reports


def _optimise(networks: _Networks, lessons: Sequence[_Lesson], train: TrainConfig, anchor: Tensor | None) -> Tensor:
    """``[K, P]``: the weights after all steps of AdamW, clipped by ticker."""
    start = networks.start
    decay = train.weight_decay * decay_mask(networks.config, start.dtype, networks.names).to(start.device)
    optimiser = AdamW(start, decay, anchor, train.pull)
    batch = _draw(networks, lessons, train)
    for step in range(train.steps):
        if step and step % train.steps_per_draw == 0:
            batch = _draw(networks, lessons, train)
        # A sum of separate losses: the gradient of each row is that of its own loss, even beside a NaN.
        (gradient,) = torch.autograd.grad(networks.losses(optimiser.weights, batch).sum(), optimiser.weights)
        rate = learning_rate(step, train.steps, train.learning_rate, train.warmup_steps, train.final_rate_ratio)
        optimiser.step(clipped(gradient, train.clip_norm), rate)
    return optimiser.weights.detach()


def _draw(networks: _Networks, lessons: Sequence[_Lesson], train: TrainConfig) -> _Batch:
    return networks.batch([_sample(lesson, networks.config, train) for lesson in lessons])


def _sample(lesson: _Lesson, config: ModelConfig, train: TrainConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Windows of one ticker for a step or some: ``x [B, T, F]``, ``y [B, T, H]`` and what counts ``[B, T, H]``.

    One window from each of B equal stretches of the history: they overlap less than if all were drawn from the whole.
    """
    count, generator = train.batch_windows, lesson.generator
    if not len(lesson.train_ends):
        return _windows(lesson, np.zeros(0, np.int64), count, config.context_bars)
    picks = ((np.arange(count) + generator.random(count)) * len(lesson.train_ends) / count).astype(np.int64)
    x, y, counted = _windows(lesson, lesson.train_ends[picks], count, config.context_bars)
    if train.mirrored_inputs:
        x, y = mirror(x, y, generator.random(count) < 0.5, train.mirrored_inputs)
    return x, y, counted


def mirror(x: Tensor, y: Tensor, is_mirrored: npt.NDArray[np.bool_], signed_inputs: int) -> tuple[Tensor, Tensor]:
    """Windows ``x [B, T, F]``, ``y [B, T, H]``, those marked turned upside down: every move of the price negated.

    The first ``signed_inputs`` inputs carry a sign, the others none. A price that fell is as good a lesson as one that
    rose, and direction, which is noise, cannot be learnt by heart.
    """
    sign = torch.from_numpy(np.where(is_mirrored, -1.0, 1.0)).to(x.dtype)[:, None, None]
    return torch.cat((x[..., :signed_inputs] * sign, x[..., signed_inputs:]), dim=-1), y * sign


def _windows(lesson: _Lesson, ends: npt.NDArray[np.int64], count: int, bars: int) -> tuple[Tensor, Tensor, Tensor]:
    """The windows that end at ``ends``, filled up to ``count`` with zeros of which nothing counts."""
    rows = torch.from_numpy(ends[:, None] + np.arange(1 - bars, 1))
    found = (lesson.x[rows], lesson.y[rows], lesson.has_target[rows])
    if len(ends) == count:
        return found
    x, y, counted = (torch.cat((part, part.new_zeros(count - len(ends), *part.shape[1:]))) for part in found)
    return x, y, counted


def _held_out(networks: _Networks, lessons: Sequence[_Lesson]) -> _Batch | None:
    """The windows that judge, filled up to one number for all tickers; None: no ticker has one."""
    count = max(len(lesson.holdout_ends) for lesson in lessons)
    bars = networks.config.context_bars
    return networks.batch([_holdout_windows(lesson, count, bars) for lesson in lessons]) if count else None


@torch.no_grad()
def _judge(networks: _Networks, weights: Tensor, judged: _Batch | None) -> list[float | None]:
    """Each ticker's loss on the windows that judge; None where it has none."""
    if judged is None:
        return [None] * len(weights)
    losses = networks.losses(weights, judged)
    has_any = judged.counted.flatten(1).any(dim=1)
    return [loss if has else None for loss, has in zip(losses.tolist(), has_any.tolist(), strict=True)]


def _holdout_windows(lesson: _Lesson, count: int, bars: int) -> tuple[Tensor, Tensor, Tensor]:
    x, y, counted = _windows(lesson, lesson.holdout_ends, count, bars)
    rows = np.full((count, bars), -1, dtype=np.int64)
    rows[: len(lesson.holdout_ends), -_scored_bars(bars) :] = lesson.holdout_ends[:, None] + np.arange(
        1 - _scored_bars(bars), 1
    )
    return x, y, counted & torch.from_numpy(rows >= lesson.holdout_start).unsqueeze(-1)
