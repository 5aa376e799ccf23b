"""An hour's fine-tuning and forecasting, as the product does it and as a one-by-one loop does: one process a core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bench import eager, machine, market
from bench.operations import forward_operations, loop_operations, training_operations
from bench.results import Row, Section
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT
from include.model.backbone import load_backbone, start_from
from include.model.config import ModelConfig, TrainConfig, hourly_training, model_config
from include.model.predict import predict
from include.model.train import fine_tune
from include.settings import load_settings

LOOP_TICKERS = 40
"""Tickers that the loop goes through in each process; it takes one after another, so more of them cost as much each."""


@dataclass(frozen=True)
class Share:
    """What one process works on: tickers, made from some distinct ones, and how they are trained."""

    distinct: Sequence[market.Lesson]
    count: int
    config: ModelConfig
    train: TrainConfig


def measure(tickers: Sequence[int], distinct_count: int = market.DISTINCT_TICKERS) -> Section:
    """Tickers a second, ratio to the loop, share of the machine's peak, and memory, for each number of tickers."""
    settings = load_settings({}).model
    config = model_config(settings, MODEL_INPUT_COUNT)
    train = hourly_training(settings, SIGNED_INPUT_COUNT)
    distinct = market.lessons(distinct_count, settings.hourly_training_bars, config.context_bars)
    peak = machine.matmul_peak_gflops()
    rows = [_row(count, Share(distinct, count, config, train), peak) for count in tickers]
    return Section(rows, _notes(train, distinct_count, peak))


def _row(count: int, share: Share, peak_gflops: float) -> Row:
    processes = min(machine.cores(), count)
    ours = machine.on_every_core(_ours, _deal(share, count, processes))
    whole = replace(share, train=replace(share.train, scope="all", steps_per_draw=1))
    looped = min(count, LOOP_TICKERS * processes)
    all_weights = machine.on_every_core(_ours, _deal(whole, looped, processes))
    loop = machine.on_every_core(_loop, _deal(share, looped, processes))
    ours_s, loop_s = (max(cost.wall_s for cost in costs) for costs in (ours, loop))
    ours_ms, all_ms, loop_ms = (1e3 * sum(cost.cpu_s for cost in costs) for costs in (ours, all_weights, loop))
    done = training_operations(share.config, share.train) + forward_operations(share.config)
    loop_done = loop_operations(share.config, share.train) + forward_operations(share.config)
    return {
        "tickers": count,
        "processes": processes,
        "seconds": ours_s,
        "tickers_per_s": count / ours_s,
        "cpu_ms_per_ticker": ours_ms / count,
        "peak_share_percent": 100.0 * done * count / (ours_ms * 1e6 * peak_gflops),
        "peak_rss_mb": max(cost.peak_rss_mb for cost in ours),
        "loop_tickers_per_s": looped / loop_s,
        "loop_cpu_ms_per_ticker": loop_ms / looped,
        "loop_peak_share_percent": 100.0 * loop_done * looped / (loop_ms * 1e6 * peak_gflops),
        "ratio": (count / ours_s) / (looped / loop_s),
        "cpu_ratio": (loop_ms / looped) / (ours_ms / count),
        "all_weights_cpu_ratio": loop_ms / all_ms,
    }


def _deal(share: Share, count: int, processes: int) -> list[Share]:
    return [replace(share, count=len(range(k, count, processes))) for k in range(processes)]


def _ours(share: Share) -> machine.Cost:
    """A shard as the product has it: one stacked state, one call that trains, one that forecasts."""
    lessons = market.copies(share.distinct, share.count)
    backbone = load_backbone(share.config)
    names = [f"T{k}" for k in range(share.count)]

    def work(count: int) -> None:
        state = start_from(backbone, names[:count])
        arrays = [lesson.arrays for lesson in lessons[:count]]
        trained, _ = fine_tune(state, arrays, share.train, range(count), backbone)
        predict(trained, np.stack([lesson.window for lesson in lessons[:count]]))

    work(1)  # what only the first call pays: torch's own start
    return machine.cost_of(lambda: work(share.count))


def _loop(share: Share) -> machine.Cost:
    """One module, one optimiser and one forecast after another."""
    torch.set_num_threads(1)
    lessons = market.copies(share.distinct, share.count)
    backbone = load_backbone(share.config)

    def work(count: int) -> None:
        for seed, lesson in enumerate(lessons[:count]):
            network = eager.network_of(backbone)
            eager.fine_tune(network, lesson.arrays, share.train, seed)
            eager.forecast(network, lesson.window)

    work(1)
    return machine.cost_of(lambda: work(share.count))


def _notes(train: TrainConfig, distinct_count: int, peak_gflops: float) -> list[str]:
    return [
        f"Default settings: scope {train.scope}, {train.steps} steps on {train.batch_windows} windows, shipped "
        "backbone; nothing is read or written.",
        f"{distinct_count} simulated tickers are computed; the others are copies of their arrays.",
        "The loop trains all weights, with as many steps and windows, judges nothing, and goes through at most "
        f"{LOOP_TICKERS} tickers a process. `all_weights_cpu_ratio` is our code when it trains all weights too.",
        "`ratio` compares clocks, and on a busy machine tells what else ran; `cpu_ratio` compares processor time.",
        f"Peak: {peak_gflops:.0f} GFLOP/s, float32 products of square matrices, one thread. Operations of matrix "
        "products are counted from the shapes (bench/operations.py) and divided by seconds of the processor.",
    ]
