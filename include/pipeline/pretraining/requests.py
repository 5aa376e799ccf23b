"""A request to pre-train a backbone on the bars in Postgres, stage by stage: what the DAG ``pretrain_backbone`` runs.

``plan`` stores the request. ``train`` trains a network on the bars before the cut-off. ``score`` compares it, on the
bars since the cut-off, with the scale alone and with the backbone that it would replace. ``promote`` lets it serve if
it is worse than neither. The network that was scored is the one that serves: it is never trained on the bars that score
it. Every stage reads the stored request, so it can be run again. Where next: ``pretrain.py`` for the same on a folder
of bars, ``pipeline/models/backbones.py`` for which backbone is in use at an instant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.errors import DataContractError, InvalidRequestError, RetryableError
from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.walkforward import instant
from include.features.windows import SIGNED_INPUT_COUNT
from include.model.backbone import backbone_version, read_certificate, save_backbone, write_certificate
from include.model.pretrain import PretrainConfig
from include.model.shard import ShardState
from include.pipeline.data.histories import history_of, simulated_histories
from include.pipeline.models import backbones
from include.pipeline.models.networks import network_config
from include.pipeline.pretraining.pretrain import LEAST_BARS, compare_backbones, train_backbone
from include.pipeline.services import Services, code_version
from include.store import backbones as backbone_store
from include.store import bars as bar_store
from include.store import registry
from include.store.backbones import BackboneRow
from include.store.engine import transaction

HELD_OUT_DAYS = 28
"""Newest days that are held out for scoring unless the request says otherwise: about 130 bars of a US share, 670 of a
market that never closes."""
ENOUGH_TICKERS = 25
"""From this many tracked tickers on, training on simulated ones as well makes the backbone worse. With three tickers
alone it gets worse than no backbone (``docs/model.md``)."""

_LEAST_TICKERS = 3
_SIMULATED_DAYS = 729


@dataclass(frozen=True)
class BackboneRequest:
    """A request of a person or a schedule, with its instant and the id under which it is stored."""

    request_id: str
    as_of: datetime
    simulated_count: int | None
    """Simulated tickers to train on as well; None: as many as make ``ENOUGH_TICKERS`` with the tracked ones."""
    held_out_days: int
    seed: int | None

    @classmethod
    def from_params(cls, request_id: str, as_of: datetime, params: Mapping[str, Any]) -> BackboneRequest:
        """The request that the parameters of a DAG run describe."""
        return cls(
            request_id=request_id,
            as_of=as_of,
            simulated_count=params.get("simulated_tickers"),
            held_out_days=int(params.get("held_out_days") or HELD_OUT_DAYS),
            seed=params.get("seed"),
        )


def plan(services: Services, request: BackboneRequest) -> dict[str, int]:
    """Stores the tickers to train on, the cut-off, and the backbone to compare with; counts of tickers.

    Raises:
        InvalidRequestError: too few tickers have enough bars.
    """
    with transaction(services.engine) as connection:
        known = backbone_store.find_backbone(connection, request.request_id)
    if known is None:
        known = _first_plan(services, request)
    return {"tickers": len(known.tickers), "simulated_tickers": known.simulated_count}


def train(services: Services, request_id: str) -> dict[str, Any]:
    """Trains the request's network and writes it, with its certificate, into a new folder; its version and bar count.

    Raises:
        DataContractError: no ticker has enough windows.
        CheckpointError: the folder cannot be written.
    """
    row = _row(services, request_id)
    histories = {ticker: found.until(instant(row.cutoff_at)) for ticker, found in _histories(services, row).items()}
    since = row.cutoff_at - timedelta(days=_SIMULATED_DAYS)
    training_set = histories | simulated_histories(row.simulated_count, since, row.cutoff_at)
    training = PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT)
    state = train_backbone(training_set, row.cutoff_at, network_config(services), training, row.seed)
    bar_count = sum(len(history) for history in training_set.values())
    provenance = {
        "as_of": row.as_of.isoformat(),
        "kind": "backbone",
        "seed": row.seed,
        "code_version": code_version(),
        "cutoff_at": row.cutoff_at.isoformat(),
        "tickers": sorted(histories),
        "simulated_count": row.simulated_count,
        "bar_count": bar_count,
        "training": training.to_dict(),
    }
    version = backbone_version(state, provenance)
    save_backbone(backbones.backbone_folder(services, version), state, provenance)
    with transaction(services.engine) as connection:
        backbone_store.set_trained(connection, request_id, version, bar_count, code_version())
    return {"model_version": version, "bars": bar_count}


def score(services: Services, request_id: str) -> dict[str, float]:
    """Scores the request's network on the bars since its cut-off and adds the scores to its certificate; the scores.

    Raises:
        CheckpointError: its weights, or those of the present backbone, cannot be read.
        DataContractError: no bar since the cut-off can be scored.
        RetryableError: it is not trained yet.
    """
    row, version = _trained_row(services, request_id)
    states = {"backbone": backbones.trained_backbone(services, version).state}
    present = _present(services, row)
    if present is not None:
        states["present"] = present
    board = compare_backbones(_histories(services, row), states, row.cutoff_at, row.as_of, is_calibrated=False)
    scores = _scores(board, ["scale", *states])
    if not all(math.isfinite(value) for value in scores.values()):
        message = f"{request_id}: no bar from {row.cutoff_at} to {row.as_of} can be scored; hold out more days."
        raise DataContractError(message)
    folder = backbones.backbone_folder(services, version)
    write_certificate(folder, read_certificate(folder) | {"scores": scores})
    with transaction(services.engine) as connection:
        backbone_store.set_scores(connection, request_id, scores)
    return scores


def promote(services: Services, request_id: str) -> dict[str, Any]:
    """Promotes the request's network, so that it serves from its instant on, unless it is worse; the decision.

    Worse means: a smaller mean CRPS skill, over tickers and horizons, than the scale alone or the present backbone.

    Raises:
        RetryableError: it is not trained or not scored yet.
    """
    row, version = _trained_row(services, request_id)
    if row.scores is None:
        message = f"{request_id} is not scored; clear its task `score`."
        raise RetryableError(message)
    scores = row.scores
    skill = scores["backbone_skill"]
    others = {"the scale alone": scores["scale_skill"]}
    if "present_skill" in scores:
        others["the present backbone"] = scores["present_skill"]
    is_promoted = all(skill >= other for other in others.values())
    beside = ", ".join(f"{name} {100.0 * other:.3f}" for name, other in others.items())
    reason = f"{'not ' if is_promoted else ''}worse: skill {100.0 * skill:.3f} %, {beside}"
    with transaction(services.engine) as connection:
        backbone_store.decide(connection, request_id, reason, is_promoted=is_promoted)
    return {"model_version": version, "is_promoted": is_promoted, "reason": reason}


def pretrain(services: Services, request: BackboneRequest) -> dict[str, Any]:
    """Runs the whole request in this process, as the DAG does, without Airflow; the counts and the decision."""
    planned = plan(services, request)
    train(services, request.request_id)
    score(services, request.request_id)
    return {**planned, **promote(services, request.request_id)}


def _first_plan(services: Services, request: BackboneRequest) -> BackboneRow:
    cutoff_at = request.as_of - timedelta(days=request.held_out_days)
    present = backbones.backbone_at(services, request.as_of)
    with transaction(services.engine) as connection:
        tickers = backbone_store.teaching_tickers(connection, request.as_of, cutoff_at, LEAST_BARS)
        if len(tickers) < _LEAST_TICKERS:
            message = (
                f"Tickers tracked at {request.as_of.isoformat()} with {LEAST_BARS} bars that closed before "
                f"{cutoff_at.isoformat()}: {len(tickers)}; a backbone needs {_LEAST_TICKERS}. Onboard more, or with a "
                "longer history, or hold out fewer days."
            )
            raise InvalidRequestError(message)
        row = BackboneRow(
            request_id=request.request_id,
            as_of=request.as_of,
            cutoff_at=cutoff_at,
            tickers=tickers,
            simulated_count=(
                max(0, ENOUGH_TICKERS - len(tickers)) if request.simulated_count is None else request.simulated_count
            ),
            seed=services.settings.model.seed if request.seed is None else request.seed,
            present_version=None if present is None or present.is_shipped else present.version,
        )
        backbone_store.open_backbone(connection, row)
    return row


def _histories(services: Services, row: BackboneRow) -> dict[str, History]:
    """The tickers' histories as known at the request's instant, without those whose bars do not fit their calendar."""
    histories = {}
    with transaction(services.engine) as connection:
        tracked = registry.get_tickers(connection, row.tickers)
        for item in tracked:  # one at a time, since all bars at once are a frame of gigabytes
            bars = bar_store.load_bars(connection, [item.ticker], row.as_of)
            if item.profile is not None:
                with suppress(DataContractError):
                    histories[item.ticker] = history_of(bars, item.profile)
    return histories


def _row(services: Services, request_id: str) -> BackboneRow:
    with transaction(services.engine) as connection:
        row = backbone_store.find_backbone(connection, request_id)
    if row is None:
        message = f"No pre-training was asked for as {request_id}; clear its task `plan`."
        raise RetryableError(message)
    return row


def _trained_row(services: Services, request_id: str) -> tuple[BackboneRow, str]:
    row = _row(services, request_id)
    if row.model_version is None:
        message = f"{request_id} is not trained; clear its task `train`."
        raise RetryableError(message)
    return row, row.model_version


def _present(services: Services, row: BackboneRow) -> ShardState | None:
    """The backbone that the request is compared with; None where none fits the settings."""
    if row.present_version is not None:
        return backbones.trained_backbone(services, row.present_version).state
    shipped = backbones.shipped_backbone(services, row.as_of)
    return None if shipped is None else shipped.state


def _scores(board: Leaderboard, names: list[str]) -> dict[str, float]:
    """Skills against the random walk one bar ahead and as the mean of the horizons, as ratios, and one coverage."""
    scores = {"coverage_90": float(board.coverage("backbone", 90).mean())}
    for name in names:
        skill = board.mean_skill(name)
        scores |= {f"{name}_skill_1": float(skill[0]), f"{name}_skill": float(skill.mean())}
    return scores
