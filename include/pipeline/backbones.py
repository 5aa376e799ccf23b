"""A new backbone from the bars in Postgres, stage by stage, and which backbone counts at an instant.

``plan`` writes the request down, ``train`` teaches a network with the bars before its cut-off, ``score`` compares it on
the bars since then with the scale alone and with the backbone that it would replace, and ``promote`` lets it serve if
it is worse than neither. What was scored is what serves: the newest bars judge and do not teach. Every stage reads the
request back, so it can be run again. Where next: ``pretrain.py`` for the same on a folder of bars, ``training.py`` for
what a backbone does to a ticker's models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from include.errors import CheckpointError, DataContractError, InvalidRequestError, RetryableError
from include.evaluation.history import History
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.walkforward import instant
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT
from include.model.backbone import backbone_version, load_backbone, read_certificate, save_backbone, write_certificate
from include.model.config import model_config
from include.model.pretrain import PretrainConfig
from include.model.shard import ShardState
from include.pipeline.histories import history_of, simulated_histories
from include.pipeline.pretrain import LEAST_BARS, compare_backbones, train_backbone
from include.pipeline.services import Services, code_version
from include.store import backbones as backbone_store
from include.store import bars as bar_store
from include.store import registry
from include.store.backbones import BackboneRow
from include.store.engine import transaction

HELD_OUT_DAYS = 28
"""Newest days that judge, if nothing else is asked for: some 130 bars of a US share, 670 of what never closes."""
ENOUGH_TICKERS = 25
"""From so many tracked tickers on, simulated ones do harm; of three alone a backbone learns less than nothing
(``docs/model.md``)."""

_LEAST_TICKERS = 3
_SIMULATED_DAYS = 729
_FOLDER = "backbones"


@dataclass(frozen=True)
class BackboneRequest:
    """What a person asked for, as of which instant, and under which id it is written down."""

    request_id: str
    as_of: datetime
    simulated_count: int | None
    """Simulated tickers that teach as well; None: as many as make ``ENOUGH_TICKERS`` with the tracked ones."""
    held_out_days: int
    seed: int | None

    @classmethod
    def from_params(cls, request_id: str, as_of: datetime, params: Mapping[str, Any]) -> BackboneRequest:
        """The request that a filled-in form stands for."""
        return cls(
            request_id=request_id,
            as_of=as_of,
            simulated_count=params.get("simulated_tickers"),
            held_out_days=int(params.get("held_out_days") or HELD_OUT_DAYS),
            seed=params.get("seed"),
        )


@dataclass(frozen=True)
class CountingBackbone:
    """The backbone that counts at an instant: one network, and its ``model_version``."""

    state: ShardState
    version: str
    folder: Path
    is_shipped: bool


def backbone_at(services: Services, as_of: datetime) -> CountingBackbone | None:
    """The backbone that counts at ``as_of``; None if none fits the settings, or all of them knew more.

    The one place that answers this: new tickers start from it, fine-tuning pulls towards it, and challengers are
    measured against it. It is the newest promoted one that was taught and judged by nothing after ``as_of``. An hour
    or a request settles the answer with its plan, so that running or replaying it again finds the same. One whose
    files are lost, or made for another shape of network, gives way to an older one, and in the end to the one that
    comes with the code.
    """
    with transaction(services.engine) as connection:
        versions = backbone_store.backbones_at(connection, as_of)
    for version in versions:
        with suppress(CheckpointError):
            return CountingBackbone(_load(services, version), version, _folder(services, version), is_shipped=False)
    return _shipped(services, as_of)


def settle_backbone(services: Services, as_of: datetime) -> None:
    """Writes down which backbone counts at the instant of an hour or a request; what was settled before stands."""
    backbone = backbone_at(services, as_of)
    version, is_shipped = (None, False) if backbone is None else (backbone.version, backbone.is_shipped)
    with transaction(services.engine) as connection:
        backbone_store.settle_backbone(connection, as_of, version, is_shipped=is_shipped)


def plan(services: Services, request: BackboneRequest) -> dict[str, int]:
    """Writes down what will teach and judge, and which backbone has to be matched; counts of tickers.

    Raises:
        InvalidRequestError: too few tickers have bars enough.
    """
    with transaction(services.engine) as connection:
        known = backbone_store.find_backbone(connection, request.request_id)
    if known is None:
        known = _first_plan(services, request)
    return {"tickers": len(known.tickers), "simulated_tickers": known.simulated_count}


def train(services: Services, request_id: str) -> dict[str, Any]:
    """Teaches the request's network and puts it, with its certificate, into a folder of its own; what came of it.

    Raises:
        DataContractError: no ticker has windows enough.
        CheckpointError: the folder cannot be written.
    """
    row = _row(services, request_id)
    histories = {ticker: own.until(instant(row.cutoff_at)) for ticker, own in _histories(services, row).items()}
    since = row.cutoff_at - timedelta(days=_SIMULATED_DAYS)
    teaching = histories | simulated_histories(row.simulated_count, since, row.cutoff_at)
    training = PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT)
    config = model_config(services.settings.model, MODEL_INPUT_COUNT)
    state = train_backbone(teaching, row.cutoff_at, config, training, row.seed)
    bar_count = sum(len(history) for history in teaching.values())
    birth = {
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
    version = backbone_version(state, birth)
    save_backbone(_folder(services, version), state, birth)
    with transaction(services.engine) as connection:
        backbone_store.set_trained(connection, request_id, version, bar_count, code_version())
    return {"model_version": version, "bars": bar_count}


def score(services: Services, request_id: str) -> dict[str, float]:
    """Compares the request's network on the bars since its cut-off, and adds the scores to its certificate; the scores.

    Raises:
        CheckpointError: its weights, or those that it has to match, cannot be read.
        DataContractError: no bar since the cut-off can be scored.
        RetryableError: it is not trained yet.
    """
    row, version = _trained_row(services, request_id)
    states = {"backbone": _load(services, version)}
    present = _present(services, row)
    if present is not None:
        states["present"] = present
    board = compare_backbones(_histories(services, row), states, row.cutoff_at, row.as_of, is_calibrated=False)
    scores = _scores(board, ["scale", *states])
    if not all(math.isfinite(value) for value in scores.values()):
        message = f"{request_id}: no bar from {row.cutoff_at} to {row.as_of} can be scored; hold out more days."
        raise DataContractError(message)
    folder = _folder(services, version)
    write_certificate(folder, read_certificate(folder) | {"scores": scores})
    with transaction(services.engine) as connection:
        backbone_store.set_scores(connection, request_id, scores)
    return scores


def promote(services: Services, request_id: str) -> dict[str, Any]:
    """Lets the request's network serve from its instant on, unless it is worse than what is there; what was decided.

    Worse is: a smaller mean CRPS skill, over tickers and horizons, than the scale alone or than the present backbone.

    Raises:
        RetryableError: it is not trained or not scored yet.
    """
    row, version = _trained_row(services, request_id)
    if row.scores is None:
        message = f"{request_id} is not scored; clear its task `score`."
        raise RetryableError(message)
    scores = row.scores
    own = scores["backbone_skill"]
    rivals = {"the scale alone": scores["scale_skill"]}
    if "present_skill" in scores:
        rivals["the present backbone"] = scores["present_skill"]
    is_promoted = all(own >= skill for skill in rivals.values())
    beside = ", ".join(f"{name} {100.0 * skill:.3f}" for name, skill in rivals.items())
    reason = f"{'not ' if is_promoted else ''}worse: skill {100.0 * own:.3f} %, {beside}"
    with transaction(services.engine) as connection:
        backbone_store.decide(connection, request_id, reason, is_promoted=is_promoted)
    return {"model_version": version, "is_promoted": is_promoted, "reason": reason}


def pretrain(services: Services, request: BackboneRequest) -> dict[str, Any]:
    """The whole request in this process: what the DAG does, without Airflow."""
    planned = plan(services, request)
    train(services, request.request_id)
    score(services, request.request_id)
    return {**planned, **promote(services, request.request_id)}


def _first_plan(services: Services, request: BackboneRequest) -> BackboneRow:
    cutoff_at = request.as_of - timedelta(days=request.held_out_days)
    present = backbone_at(services, request.as_of)
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
    """The request's tickers, of the bars known at its instant; one whose bars do not fit its calendar is left out."""
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
    """The backbone that the request has to match; None where there is none that fits the settings."""
    if row.present_version is not None:
        return _load(services, row.present_version)
    shipped = _shipped(services, row.as_of)
    return None if shipped is None else shipped.state


def _shipped(services: Services, as_of: datetime) -> CountingBackbone | None:
    """The backbone that comes with the code, unless it does not fit or learnt from bars after ``as_of``."""
    folder = services.settings.model.backbone_dir
    with suppress(CheckpointError):
        certificate = read_certificate(folder)
        if datetime.fromisoformat(str(certificate["as_of"])) <= as_of:
            state = load_backbone(model_config(services.settings.model, MODEL_INPUT_COUNT), folder)
            return CountingBackbone(state, str(certificate["model_version"]), folder, is_shipped=True)
    return None


def _load(services: Services, version: str) -> ShardState:
    """A backbone that was trained here.

    Raises:
        CheckpointError: its files are lost, damaged or of another shape.
    """
    return load_backbone(model_config(services.settings.model, MODEL_INPUT_COUNT), _folder(services, version))


def _folder(services: Services, version: str) -> Path:
    return services.settings.model.models_dir / _FOLDER / version


def _scores(board: Leaderboard, names: list[str]) -> dict[str, float]:
    """Skills against the random walk one bar ahead and as the mean of the horizons, as ratios, and one coverage."""
    scores = {"coverage_90": float(board.coverage("backbone", 90).mean())}
    for name in names:
        skill = board.mean_skill(name)
        scores |= {f"{name}_skill_1": float(skill[0]), f"{name}_skill": float(skill.mean())}
    return scores
