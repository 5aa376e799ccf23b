"""Forecasts before calibration, walk-forward, by the product's network and by HAR, kept in a cache folder.

The network is trained again at each start, on the bars that closed before it; the last one may be the shipped backbone.
Where next: ``designs.py``, which calibrates them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import numpy as np

from include.evaluation.har import har
from include.evaluation.history import BoolArray, FloatArray, History, InstantArray
from include.evaluation.walkforward import Fold, instant, make_folds
from include.features.scale import CLOCK_SLOTS
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT
from include.model.backbone import load_backbone
from include.model.config import model_config
from include.model.pretrain import PretrainConfig
from include.model.shard import ShardState
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster, series_of
from include.pipeline.pretraining.pretrain import train_backbone
from include.settings import load_settings


@dataclass(frozen=True)
class Past:
    """One ticker's bars with forecasts, oldest first: n rows. Known when a bar closes, but for the outcome.

    ``closed_at`` [n] UTC; ``network`` and ``har`` [n, H, Q] log-return quantiles, HAR's NaN before the first start;
    ``log_level`` [n] feature ``level``; ``is_night`` [n, H] whether the path crosses a session break; ``outcome``
    [n, H] log returns and ``target_at`` [n, H] UTC, NaN and NaT if unknown.
    """

    closed_at: InstantArray
    network: FloatArray
    har: FloatArray
    log_level: FloatArray
    is_night: BoolArray
    outcome: FloatArray
    target_at: InstantArray


def load_past(
    histories: Mapping[str, History],
    starts: Sequence[datetime],
    until: datetime,
    cache: Path,
    *,
    shipped_at: datetime,
    steps: int,
) -> dict[str, Past]:
    """Each ticker's forecasts until ``until``, from the cache if it holds them for the same bars and arguments.

    The network of ``starts[0]`` also makes the forecasts before that start, from which the first width factors are
    estimated. From ``shipped_at`` on the shipped backbone serves. ``steps`` of training each.
    """
    folder = cache / _key(histories, starts, until, shipped_at, steps)
    if not folder.exists():
        past = _forecast(histories, starts, until, shipped_at, steps)
        folder.mkdir(parents=True)
        for ticker, rows in past.items():
            np.savez(folder / f"{ticker}.npz", **{field.name: getattr(rows, field.name) for field in fields(Past)})
    return {path.stem: _read(path) for path in sorted(folder.glob("*.npz"))}


def _read(path: Path) -> Past:
    with np.load(path) as arrays:
        return Past(**{field.name: arrays[field.name] for field in fields(Past)})


def _key(
    histories: Mapping[str, History], starts: Sequence[datetime], until: datetime, shipped_at: datetime, steps: int
) -> str:
    """A name for the bars and arguments."""
    digest = hashlib.sha256(repr((*starts, until, shipped_at, steps)).encode())
    for ticker, history in sorted(histories.items()):
        digest.update(ticker.encode() + history.close.tobytes() + history.closed_at.tobytes())
    return digest.hexdigest()[:16]


def _forecast(
    histories: Mapping[str, History], starts: Sequence[datetime], until: datetime, shipped_at: datetime, steps: int
) -> dict[str, Past]:
    known = {ticker: history for ticker, history in histories.items() if history.closed_at[0] < instant(until)}
    oldest = min(history.closed_at[0] for history in known.values())
    parts: dict[str, list[FloatArray]] = {ticker: [] for ticker in known}
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], until], strict=True)):
        state = _shipped() if start >= shipped_at else _trained(known, start, steps)
        fold = Fold(number, instant(start), instant(start) if number else oldest, instant(end))
        for ticker, found in BackboneForecaster(state, is_calibrated=False)(known, fold).items():
            parts[ticker].append(found)
    baseline: dict[str, list[FloatArray]] = {ticker: [] for ticker in known}
    for fold in make_folds(starts[0], until):
        found_by_ticker = har({ticker: history.until(fold.until) for ticker, history in known.items()}, fold)
        for ticker, found in found_by_ticker.items():
            baseline[ticker].append(found)
    return {
        ticker: _past(history, np.concatenate(parts[ticker]), np.concatenate(baseline[ticker]))
        for ticker, history in known.items()
    }


def _past(history: History, network: FloatArray, baseline: FloatArray) -> Past:
    """The rows that have a forecast. ``network`` and ``baseline`` end at the same bar."""
    end = len(network)
    missing = np.full((end - len(baseline), *network.shape[1:]), np.nan)
    log_level = np.full(len(history), np.nan)
    series = series_of(history)
    log_level[np.searchsorted(history.closed_at, series.closed_at)] = series.level
    rows = np.flatnonzero(np.isfinite(network).all(axis=(1, 2)))
    return Past(
        closed_at=history.closed_at[rows],
        network=network[rows],
        har=np.concatenate([missing, baseline])[rows],
        log_level=log_level[rows],
        is_night=(history.has_gap & (history.slot_count < CLOCK_SLOTS)[:, np.newaxis])[rows],
        outcome=history.outcome[rows],
        target_at=history.target_at[rows],
    )


def _shipped() -> ShardState:
    return load_backbone(model_config(load_settings({}).model, MODEL_INPUT_COUNT)).state


def _trained(histories: Mapping[str, History], start: datetime, steps: int) -> ShardState:
    settings = load_settings({}).model
    training = PretrainConfig(steps=steps, mirrored_inputs=SIGNED_INPUT_COUNT)
    return train_backbone(histories, start, model_config(settings, MODEL_INPUT_COUNT), training, settings.seed)
