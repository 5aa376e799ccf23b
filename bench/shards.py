"""An hour's fine-tuning and forecasting: the product's stacked networks compared with a loop over tickers."""

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
"""Tickers of the loop in each process. It treats them one by one, so its cost per ticker does not depend on this."""


@dataclass(frozen=True)
class Share:
    """The work of one process: ``count`` tickers, copied from ``distinct`` ones, and their training."""

    distinct: Sequence[market.TickerArrays]
    count: int
    config: ModelConfig
    train: TrainConfig


def measure(tickers: Sequence[int], distinct_count: int = market.DISTINCT_TICKERS) -> Section:
    """Tickers per second, ratio to the loop, share of the machine's peak speed, and memory, by number of tickers."""
    settings = load_settings({}).model
    config = model_config(settings, MODEL_INPUT_COUNT)
    train = hourly_training(settings, SIGNED_INPUT_COUNT)
    distinct = market.ticker_arrays(distinct_count, settings.hourly_training_bars, config.context_bars)
    peak = machine.matmul_peak_gflops()
    rows = [_row(count, Share(distinct, count, config, train), peak) for count in tickers]
    return Section(rows, _notes(train, distinct_count, peak))


def _row(count: int, share: Share, peak_gflops: float) -> Row:
    processes = min(machine.cores(), count)
    stacked = machine.on_every_core(_stacked, _deal(share, count, processes))
    whole = replace(share, train=replace(share.train, scope="all", steps_per_draw=1))
    looped = min(count, LOOP_TICKERS * processes)
    all_weights = machine.on_every_core(_stacked, _deal(whole, looped, processes))
    loop = machine.on_every_core(_loop, _deal(share, looped, processes))
    stacked_s, loop_s = (max(cost.wall_s for cost in costs) for costs in (stacked, loop))
    stacked_ms, all_ms, loop_ms = (1e3 * sum(cost.cpu_s for cost in costs) for costs in (stacked, all_weights, loop))
    done = training_operations(share.config, share.train) + forward_operations(share.config)
    loop_done = loop_operations(share.config, share.train) + forward_operations(share.config)
    return {
        "tickers": count,
        "processes": processes,
        "seconds": stacked_s,
        "tickers_per_s": count / stacked_s,
        "cpu_ms_per_ticker": stacked_ms / count,
        "peak_share_percent": 100.0 * done * count / (stacked_ms * 1e6 * peak_gflops),
        "peak_rss_mb": max(cost.peak_rss_mb for cost in stacked),
        "loop_tickers_per_s": looped / loop_s,
        "loop_cpu_ms_per_ticker": loop_ms / looped,
        "loop_peak_share_percent": 100.0 * loop_done * looped / (loop_ms * 1e6 * peak_gflops),
        "ratio": (count / stacked_s) / (looped / loop_s),
        "cpu_ratio": (loop_ms / looped) / (stacked_ms / count),
        "all_weights_cpu_ratio": loop_ms / all_ms,
    }


def _deal(share: Share, count: int, processes: int) -> list[Share]:
    return [replace(share, count=len(range(k, count, processes))) for k in range(processes)]


def _stacked(share: Share) -> machine.Cost:
    """The product's way: one stacked state, one call for the training, one for the forecasts."""
    tickers = market.copies(share.distinct, share.count)
    backbone = load_backbone(share.config).state
    names = [f"T{k}" for k in range(share.count)]

    def work(count: int) -> None:
        state = start_from(backbone, names[:count])
        training = [arrays.training for arrays in tickers[:count]]
        trained, _ = fine_tune(state, training, share.train, range(count), backbone)
        predict(trained, np.stack([arrays.window for arrays in tickers[:count]]))

    work(1)  # the first call includes the start of torch
    return machine.cost_of(lambda: work(share.count))


def _loop(share: Share) -> machine.Cost:
    """The loop: one module, one optimiser and one forecast for each ticker."""
    torch.set_num_threads(1)
    tickers = market.copies(share.distinct, share.count)
    backbone = load_backbone(share.config).state

    def work(count: int) -> None:
        for seed, arrays in enumerate(tickers[:count]):
            network = eager.network_of(backbone)
            eager.fine_tune(network, arrays.training, share.train, seed)
            eager.forecast(network, arrays.window)

    work(1)
    return machine.cost_of(lambda: work(share.count))


def _notes(train: TrainConfig, distinct_count: int, peak_gflops: float) -> list[str]:
    return [
        f"Default settings: scope {train.scope}, {train.steps} steps on {train.batch_windows} windows, shipped "
        "backbone; without files and database.",
        f"{distinct_count} simulated tickers are computed; the others are copies of their arrays.",
        "The loop trains all weights, with the same number of steps and windows and without held-out losses, for at "
        f"most {LOOP_TICKERS} tickers per process. For `all_weights_cpu_ratio` the product trains all weights, too.",
        "`ratio` compares wall time, which depends on the machine's load; `cpu_ratio` compares CPU time.",
        f"Peak: {peak_gflops:.0f} GFLOP/s, float32 products of square matrices, one thread. Operations of matrix "
        "products are computed from the shapes (bench/operations.py) and divided by CPU seconds.",
    ]
