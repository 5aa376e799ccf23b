"""`make pretrain BARS=folder`: trains the backbone on a folder of bars and writes it with its certificate.

No bar that closed at or after the cut-off is read. Each of the last quarters before the cut-off is also forecast by a
backbone that was trained only on the bars before that quarter; these walk-forward scores go into the certificate. Reads
and writes files; no database, no clock. Where next: ``model/pretrain.py`` for the training, ``model/backbone.py`` for
the files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from include.artefacts.store import FolderStore
from include.errors import HourcastError
from include.evaluation.history import History
from include.evaluation.leaderboard import Forecaster, Leaderboard, evaluate
from include.evaluation.naive import random_walk
from include.evaluation.records import fingerprint
from include.evaluation.walkforward import instant
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT, window_ends
from include.model.backbone import SHIPPED_DIR, save_backbone
from include.model.checkpoint import BACKBONE
from include.model.config import ModelConfig, model_config
from include.model.pretrain import PretrainConfig, pretrain
from include.model.shard import ShardState, initial_state
from include.model.train import TrainingArrays
from include.pipeline.data.histories import load_histories, simulated_histories
from include.pipeline.models.input_reference import KEY, references_of
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster, series_of
from include.pipeline.services import code_version
from include.settings import load_settings

LEAST_BARS = 500
"""Bars that a ticker needs before the period that is scored: for the features' look-back and a window."""

_QUARTER = timedelta(days=91)


def pretrain_backbone(
    bars_dir: Path,
    until: datetime,
    folder: Path,
    *,
    seed: int,
    quarters: int = 0,
    simulated_count: int = 0,
    training: PretrainConfig | None = None,
) -> dict[str, Any]:
    """Trains on the bars of ``bars_dir`` that closed before ``until`` and writes into ``folder``; the certificate.

    ``quarters`` of 91 days before ``until`` are scored walk-forward first. The training set also holds
    ``simulated_count`` simulated tickers, which are not scored.

    Raises:
        InvalidRequestError: the folder holds no bars.
        SettingsError: a setting of the environment is wrong.
        DataContractError: no ticker has enough of them.
    """
    chosen = training or PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT)
    config = model_config(load_settings({}).model, MODEL_INPUT_COUNT)
    histories = load_histories(bars_dir, until, market=load_settings().market)
    oldest_at = min(history.closed_at[0] for history in histories.values())
    training_set = histories | simulated_histories(simulated_count, _aware(oldest_at), until)
    starts = [until - _QUARTER * back for back in range(quarters, 0, -1)]
    scores = [
        _score(histories, start, start + _QUARTER, train_backbone(training_set, start, config, chosen, seed))
        for start in starts
    ]
    state = train_backbone(training_set, until, config, chosen, seed)
    provenance: dict[str, Any] = {
        "as_of": until.isoformat(),
        "kind": "backbone",
        "seed": seed,
        "code_version": code_version(),
        "tickers": sorted(histories),
        "simulated_count": simulated_count,
        "bar_count": sum(len(history) for history in training_set.values()),
        "oldest_bar_closed_at": str(oldest_at),
        "newest_bar_closed_at": str(max(history.closed_at[-1] for history in histories.values())),
        "training": chosen.to_dict(),
        "data": fingerprint(histories),
        "walk_forward": scores,
        KEY: input_references(histories, until),
    }
    save_backbone(FolderStore(folder), state, provenance)
    return provenance


def input_references(histories: Mapping[str, History], until: datetime) -> dict[str, Any]:
    """What the certificate keeps of the network's inputs on the bars that closed before ``until``."""
    known = {ticker: history.until(instant(until)) for ticker, history in histories.items()}
    series = {ticker: series_of(history) for ticker, history in known.items() if len(history)}
    return references_of(series, {ticker: histories[ticker].market for ticker in series})


def train_backbone(
    histories: Mapping[str, History],
    until: datetime,
    config: ModelConfig,
    training: PretrainConfig,
    seed: int,
    since: datetime | None = None,
) -> ShardState:
    """A backbone trained on the bars that closed before ``until``, on windows as of ``training_arrays``.

    Raises:
        DataContractError: no ticker has enough windows.
    """
    return pretrain(training_arrays(histories, until, config, since), config, training, seed)


def training_arrays(
    histories: Mapping[str, History], until: datetime, config: ModelConfig, since: datetime | None = None
) -> dict[str, TrainingArrays]:
    """Inputs, targets and windows of the bars that closed before ``until``, by ticker.

    With ``since``, only windows that end at bars which closed from then on; they may begin earlier.
    """
    known = {ticker: history.until(instant(until)) for ticker, history in histories.items()}
    return {ticker: _arrays(history, config, since) for ticker, history in known.items() if len(history)}


def _arrays(history: History, config: ModelConfig, since: datetime | None) -> TrainingArrays:
    series = series_of(history)
    ends = window_ends(series, config.context_bars)
    if since is not None:
        ends = ends[series.closed_at[ends] >= instant(since)]
    return TrainingArrays(series.x, series.y, series.has_target, ends)


def compare_backbones(
    histories: Mapping[str, History],
    states: Mapping[str, ShardState],
    since: datetime,
    until: datetime,
    *,
    is_calibrated: bool,
    others: Mapping[str, Forecaster] | None = None,
) -> Leaderboard:
    """The scores of each network, of the ``scale`` alone and of the random walk at the bars in [since, until).

    ``others`` are more forecasters. Tickers with few bars before ``since`` are left out. ``is_calibrated`` says whether
    interval widths are calibrated on the ticker's past outcomes, as in the product; those of the scale alone never are.
    """
    alone = initial_state((BACKBONE,), next(iter(states.values())).config, (0,))
    return evaluate(
        {
            "random walk": random_walk,
            "scale": BackboneForecaster(alone, is_calibrated=False),
            **{name: BackboneForecaster(state, is_calibrated=is_calibrated) for name, state in states.items()},
            **(others or {}),
        },
        {ticker: history for ticker, history in histories.items() if _has_enough_bars(history, since)},
        since,
        until,
    )


def _score(histories: Mapping[str, History], since: datetime, until: datetime, state: ShardState) -> dict[str, Any]:
    """Skill against the random walk, in percent, of a backbone whose training set ends where the quarter begins."""
    board = compare_backbones(histories, {"backbone": state}, since, until, is_calibrated=True)
    skills = {name: 100.0 * board.mean_skill(name) for name in ("scale", "backbone")}
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        **{f"{name}_skill_1": round(float(values[0]), 2) for name, values in skills.items()},
        **{f"{name}_skill_mean": round(float(values.mean()), 2) for name, values in skills.items()},
        "coverage_90": round(float(board.coverage("backbone", 90).mean()), 4),
    }


def _aware(moment: np.datetime64) -> datetime:
    return datetime.fromisoformat(str(moment)).replace(tzinfo=UTC)


def _has_enough_bars(history: History, since: datetime) -> bool:
    """Whether the ticker had enough bars when the quarter began."""
    return int(np.searchsorted(history.closed_at, instant(since))) >= LEAST_BARS


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, writes and prints the certificate; the exit status: 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="make pretrain", description="Trains the backbone on a folder of bars.")
    parser.add_argument("--bars", type=Path, required=True, help="folder of Parquet or CSV files, one a ticker")
    parser.add_argument("--until", type=datetime.fromisoformat, required=True, help="cut-off; no later bar is read")
    parser.add_argument("--out", type=Path, default=SHIPPED_DIR, help="folder of the backbone")
    parser.add_argument("--seed", type=int, default=load_settings({}).model.seed)
    parser.add_argument("--quarters", type=int, default=4, help="quarters before the cut-off that are scored")
    parser.add_argument("--simulated", type=int, default=0, help="simulated tickers in the training set as well")
    chosen = parser.parse_args(arguments)
    until = chosen.until if chosen.until.tzinfo else chosen.until.replace(tzinfo=UTC)
    try:
        provenance = pretrain_backbone(
            chosen.bars,
            until,
            chosen.out,
            seed=chosen.seed,
            quarters=chosen.quarters,
            simulated_count=chosen.simulated,
        )
    except HourcastError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(json.dumps(provenance, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
