"""Blind forecasts: those of the last closes, walk-forward, by the product and by the two baselines.

The product's network is trained again before each quarter, on the bars that closed before it. Forecasts are kept in a
cache folder, because they take minutes. Where next: ``nights.py``, which adds the prices of the night.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from include.contracts import HORIZON_COUNT
from include.evaluation.har import har
from include.evaluation.history import BoolArray, FloatArray, History, InstantArray
from include.evaluation.leaderboard import Forecaster, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.volatility import seasonal_shape
from include.evaluation.walkforward import Fold, instant, make_folds
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT
from include.model.config import model_config
from include.model.pretrain import PretrainConfig
from include.model.shard import ShardState
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster, series_of
from include.pipeline.pretraining.pretrain import train_backbone
from include.settings import load_settings

MODEL, HAR, WALK = "model", "har", "walk"
_ROWS = ("closed_at", "close", "scale", "bar_variance", "is_break", "outcome")
"""The arrays of ``Blind`` with one row for each bar."""


@dataclass(frozen=True)
class Blind:
    """One ticker's forecasts at m bars, in order. Known when a bar closes, but for the outcome.

    ``closed_at`` [m] UTC; ``close`` [m]; ``quantiles`` by forecaster, [m, H, Q] log returns; ``scale`` [m, H] of the
    features; ``bar_variance`` [m, H] squared seasonal shape of the bars ahead; ``is_break`` [m] whether the next bar
    opens a session; ``outcome`` [m, H] log returns, NaN if unknown; ``market``: the kind of market.
    """

    market: str
    closed_at: InstantArray
    close: FloatArray
    quantiles: Mapping[str, FloatArray]
    scale: FloatArray
    bar_variance: FloatArray
    is_break: BoolArray
    outcome: FloatArray

    def __len__(self) -> int:
        return len(self.closed_at)

    def until(self, instant: np.datetime64) -> Blind:
        """The forecasts at bars that closed before ``instant``."""
        end = int(np.searchsorted(self.closed_at, instant))
        cut = {name: getattr(self, name)[:end] for name in _ROWS}
        return Blind(self.market, quantiles={name: each[:end] for name, each in self.quantiles.items()}, **cut)


def blind_forecasts(
    histories: Mapping[str, History],
    starts: Sequence[datetime],
    until: datetime,
    cache: Path,
    *,
    seed: int,
    steps: int,
    has_network: bool = True,
) -> dict[str, Blind]:
    """Forecasts of all tickers from ``starts[0]`` to ``until``; the network is trained again at each start.

    A network is trained for so many ``steps`` on all bars of ``histories`` that closed before its start. Without
    ``has_network`` there are the two baselines alone, and ``scale`` is NaN; that takes minutes less. Parts that
    ``cache`` holds already are read from it; so a cache belongs to one folder of bars.
    """
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for start, end in zip(starts, [*starts[1:], until], strict=True):
        kind = "blind" if has_network else "baselines"
        path = cache / f"{kind}_{start:%Y%m%d}_{end:%Y%m%d}_{len(histories)}.pickle"
        if not path.exists():
            part = _part(histories, start, end, _trained(histories, start, seed, steps) if has_network else None)
            path.write_bytes(pickle.dumps(part))
        parts.append(pickle.loads(path.read_bytes()))  # noqa: S301  # a file that this module wrote
    tickers = sorted({ticker for part in parts for ticker in part})
    return {ticker: _joined([part[ticker] for part in parts if ticker in part]) for ticker in tickers}


def _trained(histories: Mapping[str, History], start: datetime, seed: int, steps: int) -> ShardState:
    config = model_config(load_settings({}).model, MODEL_INPUT_COUNT)
    return train_backbone(
        histories, start, config, PretrainConfig(steps=steps, mirrored_inputs=SIGNED_INPUT_COUNT), seed
    )


def _part(
    histories: Mapping[str, History], start: datetime, end: datetime, state: ShardState | None
) -> dict[str, Blind]:
    """The forecasts of one period, by ticker with bars in it."""
    active = {ticker: history for ticker, history in histories.items() if _has_bars(history, start, end)}
    forecasters: dict[str, Forecaster] = {HAR: har, WALK: random_walk}
    if state is not None:
        forecasters = {MODEL: BackboneForecaster(state), **forecasters}
    board = evaluate(forecasters, active, start, end, baseline=WALK)
    result = {}
    for ticker, history in active.items():
        rows = np.flatnonzero((history.closed_at >= instant(start)) & (history.closed_at < instant(end)))
        result[ticker] = Blind(
            market=history.market,
            closed_at=history.closed_at[rows],
            close=history.close[rows],
            quantiles={name: board.quantiles[name][ticker] for name in forecasters},
            scale=np.full((len(rows), HORIZON_COUNT), np.nan) if state is None else _scales(history)[rows],
            bar_variance=np.concatenate([_bar_variance(history, fold) for fold in make_folds(start, end)]),
            is_break=history.has_gap[rows, 0],
            outcome=history.outcome[rows],
        )
    return result


def _has_bars(history: History, start: datetime, end: datetime) -> bool:
    first, stop = np.searchsorted(history.closed_at, np.array([instant(start), instant(end)]))
    return bool(first < stop)


def _scales(history: History) -> FloatArray:
    """The features' scale at each bar, NaN where there are no features. [n, H]."""
    series = series_of(history)
    scales = np.full((len(history), series.scale.shape[1]), np.nan)
    scales[np.searchsorted(history.closed_at, series.closed_at)] = series.scale
    return scales


def _bar_variance(history: History, fold: Fold) -> FloatArray:
    """Squared seasonal shape of the bars ahead at the fold's bars, from what was known at its cutoff. [m, H]."""
    shape = seasonal_shape(np.abs(history.log_return), history, fold.cutoff)
    return np.asarray(shape[history.next_key[fold.test_rows(history)]] ** 2, dtype=np.float64)


def _joined(parts: Sequence[Blind]) -> Blind:
    """The parts of one ticker as one, in their order."""
    return Blind(
        market=parts[0].market,
        quantiles={name: np.concatenate([part.quantiles[name] for part in parts]) for name in parts[0].quantiles},
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _ROWS},
    )
