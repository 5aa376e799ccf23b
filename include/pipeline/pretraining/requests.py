"""A request to pre-train a backbone on the bars in Postgres, stage by stage: what the DAG ``pretrain_backbone`` runs.

``plan`` stores the request. ``train`` trains a network on the bars before the cut-off. What follows is in
``promotions.py``: the network is compared with others on the bars since the cut-off, and serves if it passes. The
network that was scored is the one that serves: it is never trained on the bars that score it. Every stage reads the
stored request, so it can be run again. Where next: ``pretrain.py`` for the same on a folder of bars,
``pipeline/models/backbones.py`` for which backbone is in use at an instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.errors import InvalidRequestError
from include.evaluation.records import fingerprint
from include.features.windows import SIGNED_INPUT_COUNT
from include.model.backbone import backbone_version, save_backbone
from include.model.pretrain import PretrainConfig
from include.pipeline.models import backbones
from include.pipeline.models.input_reference import KEY
from include.pipeline.models.networks import network_config
from include.pipeline.pretraining import promotions
from include.pipeline.pretraining.pretrain import LEAST_BARS, input_references, train_backbone
from include.pipeline.pretraining.stored import stored_request
from include.pipeline.pretraining.training_set import training_config, training_set
from include.pipeline.services import Services, code_version
from include.store import backbones as backbone_store
from include.store.backbones import BackboneRow
from include.store.engine import transaction

HELD_OUT_DAYS = 28
"""Newest days that are held out for scoring unless the request says otherwise: about 130 bars of a US share, 670 of a
market that never closes."""
ENOUGH_TICKERS = 25
"""From this many tracked tickers on, training on simulated ones as well makes the backbone worse. With three tickers
alone it gets worse than no backbone (``docs/model.md``)."""

_LEAST_TICKERS = 3
_LIMITS = {
    "simulated_tickers": (0, 200),
    "held_out_days": (1, 365),
    "taught_days": (14, 7300),
    "seed": (0, 2**63 - 1),
}
"""Smallest and largest value of each number of a request."""


@dataclass(frozen=True)
class BackboneRequest:
    """A request of a person or a schedule, with its instant and the id under which it is stored."""

    request_id: str
    as_of: datetime
    simulated_count: int | None
    """Simulated tickers to train on as well; None: as many as make ``ENOUGH_TICKERS`` with the tracked ones."""
    held_out_days: int
    seed: int | None
    taught_days: int | None = None
    """Days before those that teach; None: all. After a change of the market, older days teach the wrong market."""

    @classmethod
    def from_params(cls, request_id: str, as_of: datetime, params: Mapping[str, Any]) -> BackboneRequest:
        """The request that the parameters of a DAG run describe.

        Raises:
            InvalidRequestError: a number is beyond its limits.
        """
        found = {name: params.get(name) for name in _LIMITS}
        for name, (least, greatest) in _LIMITS.items():
            value = found[name]
            if value is not None and not least <= value <= greatest:
                message = f"{name}={value} is not from {least} to {greatest}; give another number."
                raise InvalidRequestError(message)
        return cls(
            request_id=request_id,
            as_of=as_of,
            simulated_count=found["simulated_tickers"],
            held_out_days=int(found["held_out_days"] or HELD_OUT_DAYS),
            seed=found["seed"],
            taught_days=found["taught_days"],
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
        CheckpointError: the files cannot be written.
    """
    row = stored_request(services, request_id)
    histories, simulated = training_set(services, row)
    everything = histories | simulated
    training = training_config(row, PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT))
    config, since = network_config(services), row.taught_since_at
    state = train_backbone(everything, row.cutoff_at, config, training, row.seed, since)
    bar_count = sum(len(history) for history in everything.values())
    provenance = {
        "as_of": row.as_of.isoformat(),
        "kind": "backbone",
        "seed": row.seed,
        "code_version": code_version(),
        "cutoff_at": row.cutoff_at.isoformat(),
        **({} if since is None else {"taught_since_at": since.isoformat()}),
        "tickers": sorted(histories),
        "simulated_count": row.simulated_count,
        "bar_count": bar_count,
        "training": training.to_dict(),
        "data": fingerprint(histories),
        KEY: input_references(histories, row.cutoff_at),
    }
    version = backbone_version(state, provenance)
    save_backbone(backbones.backbone_store_of(services, version), state, provenance)
    with transaction(services.engine) as connection:
        backbone_store.set_trained(connection, request_id, version, bar_count, code_version())
    return {"model_version": version, "bars": bar_count}


def pretrain(services: Services, request: BackboneRequest) -> dict[str, Any]:
    """Runs the whole request in this process, as the DAG does, without Airflow; the counts and the decision."""
    planned = plan(services, request)
    train(services, request.request_id)
    promotions.score(services, request.request_id)
    return {**planned, **promotions.promote(services, request.request_id)}


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
            taught_since_at=cutoff_at - timedelta(days=request.taught_days) if request.taught_days else None,
            tickers=tickers,
            simulated_count=(
                max(0, ENOUGH_TICKERS - len(tickers)) if request.simulated_count is None else request.simulated_count
            ),
            seed=services.settings.model.seed if request.seed is None else request.seed,
            present_version=None if present is None or present.is_shipped else present.version,
        )
        backbone_store.open_backbone(connection, row)
    return row
