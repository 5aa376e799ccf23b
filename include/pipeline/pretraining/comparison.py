"""LSTM, TCN and LightGBM beside a new backbone: trained on its bars, scored on its held-out days, kept, never serving.

They get what the Transformer gets: the same bars and windows, inputs, scale, quantile levels, loss, number of windows
and share of the output. The networks have about as many weights. Nothing here decides what serves. Where next:
``model/zoo`` for the methods, ``promotions.py`` for the decision, ``store/method_scores.py`` for the leaderboard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from include.artefacts.store import ArtefactStore
from include.errors import InvalidRequestError
from include.evaluation.gain import skill_gain
from include.evaluation.har import har
from include.evaluation.leaderboard import Leaderboard
from include.evaluation.records import fingerprint, scores_of
from include.features.windows import SIGNED_INPUT_COUNT
from include.market.source import SIMULATED_SUFFIX
from include.model.pretrain import PretrainConfig
from include.model.zoo.methods import LABELS, METHODS, TrainedMethod, missing_methods, train_method
from include.pipeline.models import backbones
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.models.networks import network_config
from include.pipeline.pretraining.method_forecaster import MethodForecaster, SharedSeries
from include.pipeline.pretraining.pretrain import compare_backbones, training_arrays
from include.pipeline.pretraining.promotions import present_backbone
from include.pipeline.pretraining.stored import finite_or_none, known_histories, trained_request
from include.pipeline.pretraining.training_set import training_config, training_set
from include.pipeline.services import Services, code_version
from include.store import method_scores
from include.store.backbones import BackboneRow
from include.store.engine import transaction
from include.store.method_scores import MethodScore

CERTIFICATE: Final = "method.json"
BACKBONE: Final = "backbone"
_FOLDER: Final = "compared"
_NAMES: Final = {"scale": "scale alone", "present": "present backbone", "har": "HAR"}
"""The leaderboard's forecasters by the names under which they are scored; the others keep theirs."""


def checked_methods(wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The methods of a request, each once, in the order of ``METHODS``; none if none is named.

    Raises:
        InvalidRequestError: a method is not known, or its library is not installed here.
    """
    unknown = sorted(set(wanted or ()) - set(METHODS))
    if unknown:
        message = f"compare_with: {', '.join(unknown)} is no method; choose from {', '.join(METHODS)}."
        raise InvalidRequestError(message)
    chosen = tuple(method for method in METHODS if method in set(wanted or ()))
    if missing := missing_methods(chosen):
        message = (
            f"compare_with: the library of {', '.join(missing)} is not installed here. Install it with `pip install -r "
            "requirements-evaluate.txt` in the environment that trains, or leave the method out."
        )
        raise InvalidRequestError(message)
    return chosen


def compare(services: Services, request_id: str, wanted: Sequence[str] | None) -> dict[str, float]:
    """Trains the wanted methods, keeps them, and scores all forecasters; each one's CRPS skill as a ratio.

    Without a wanted method nothing is done. Running it again changes nothing.

    Raises:
        InvalidRequestError: a method is not known, or its library is not installed here.
        RetryableError: the backbone is not trained yet.
        DataContractError: no ticker has enough windows.
        CheckpointError: the backbone cannot be read, or files cannot be written.
    """
    methods = checked_methods(wanted)
    if not methods:
        return {}
    row, version = trained_request(services, request_id)
    trained, certificate = _train(services, row, methods)
    board = _board(services, row, version, trained)
    numbers = scores_of(board)
    for label, each in trained.items():
        described = {"method": label, "model_version": each.version, "weight_count": each.weight_count}
        _keep(services, each, {**described, **certificate, "scores": numbers[label]})
    scores = [_score(board, name, numbers[name], trained.get(name)) for name in board.names]
    with transaction(services.engine) as connection:
        method_scores.save_method_scores(connection, request_id, scores)
    return {score.method: score.crps_skill_ratio for score in scores if score.crps_skill_ratio is not None}


def leaderboard(services: Services, as_of: datetime, request_id: str | None = None) -> dict[str, Any]:
    """A request's forecasters, best first, as plain values; by default of the newest compared one at ``as_of`` (UTC).

    Raises:
        InvalidRequestError: no request was compared, or not this one.
    """
    with transaction(services.engine) as connection:
        chosen = request_id or method_scores.newest_compared(connection, as_of)
        found = method_scores.load_method_scores(connection, chosen) if chosen else []
    if not found:
        message = (
            f"{f'{request_id} was not' if request_id else 'No pre-training was'} compared; run `python -m include.cli "
            "pretrain --compare-with lstm tcn lightgbm`, or the DAG pretrain_backbone with compare_with."
        )
        raise InvalidRequestError(message)
    shown = [{name: value for name, value in asdict(score).items() if name != "scores"} for score in found]
    return {"request_id": chosen, "forecasters": shown}


def kept_method(services: Services, version: str) -> ArtefactStore:
    """Where the files of a compared method are stored."""
    return artefact_store(services).below(_FOLDER, version)


def _train(
    services: Services, row: BackboneRow, methods: Sequence[str]
) -> tuple[dict[str, TrainedMethod], dict[str, Any]]:
    """The trained methods by label, and what their certificates have in common."""
    histories, simulated = training_set(services, row)
    config = network_config(services)
    training = training_config(row, PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT))
    series = training_arrays(histories | simulated, row.cutoff_at, config, row.taught_since_at)
    trained = {LABELS[method]: train_method(method, series, config, training, row.seed) for method in methods}
    return trained, {
        "request_id": row.request_id,
        "as_of": row.as_of.isoformat(),
        "cutoff_at": row.cutoff_at.isoformat(),
        "seed": row.seed,
        "simulated_count": row.simulated_count,
        "code_version": code_version(),
        "training": training.to_dict(),
        "data": fingerprint(histories),
    }


def _board(services: Services, row: BackboneRow, version: str, trained: Mapping[str, TrainedMethod]) -> Leaderboard:
    """All forecasters on the held-out bars of the tickers on which the backbone is scored."""
    states = {BACKBONE: backbones.trained_backbone(services, version).state}
    present = present_backbone(services, row)
    if present is not None:
        states["present"] = present.state
    shared = SharedSeries(network_config(services).context_bars)
    others = {"har": har} | {label: MethodForecaster(each, shared) for label, each in trained.items()}
    tracked = [ticker for ticker in row.tickers if not ticker.endswith(SIMULATED_SUFFIX)]
    histories = known_histories(services, tracked or row.tickers, row.as_of)
    return compare_backbones(histories, states, row.cutoff_at, row.as_of, is_calibrated=False, others=others)


def _keep(services: Services, trained: TrainedMethod, certificate: Mapping[str, Any]) -> None:
    store = kept_method(services, trained.version)
    for name, content in trained.files().items():
        store.write(name, content)
    store.write(CERTIFICATE, (json.dumps(certificate, indent=2, sort_keys=True) + "\n").encode())


def _score(board: Leaderboard, name: str, numbers: Mapping[str, Any], trained: TrainedMethod | None) -> MethodScore:
    skill = skill_gain(board, name, block_days=1)
    gain = skill_gain(board, BACKBONE, name, block_days=1)
    return MethodScore(
        method=_NAMES.get(name, name),
        model_version=None if trained is None else trained.version,
        weight_count=None if trained is None else trained.weight_count,
        ticker_count=len(board.rows),
        day_count=skill.block_count,
        crps_skill_ratio=finite_or_none(skill.mean),
        skill_error_ratio=finite_or_none(skill.error),
        crps_skill_1_ratio=finite_or_none(skill_gain(board, name, horizons=(1,), block_days=1).mean),
        backbone_gain_ratio=finite_or_none(gain.mean),
        gain_error_ratio=finite_or_none(gain.error),
        coverage_90_ratio=numbers["coverage_90"],
        scores=numbers,
    )
