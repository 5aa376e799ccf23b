"""Training a round of tickers, and a ticker's first training.

A ticker whose training diverges gets no version and keeps what it has, and its neighbours do not notice. Where next:
``lines.py`` for each hour's fine-tuning and what of it may serve, ``forecasting.py`` for who asks the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from include.contracts import ModelRef, TickerProfile
from include.evaluation.promotion import Evidence
from include.features.windows import SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import start_from
from include.model.checkpoint import model_versions, save_shard
from include.model.config import TrainConfig, first_training
from include.model.shard import ShardState, concat, initial_state
from include.model.train import TrainingArrays, TrainReport
from include.model.train import fine_tune as fine_tune_shard
from include.pipeline import networks
from include.pipeline.featuring import load_series
from include.pipeline.networks import Backbone
from include.pipeline.services import Services, code_version, seed_of
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import FIRST_TRAINING, ModelVersion

STEP_TOLERANCE = 0.01
"""Share of its loss on the held-out bars that an hour's fine-tuning may add. A usual hour moves it by a hundredth of
this; one that adds more has gone wrong, and ends the line."""


@dataclass(frozen=True)
class Round:
    """One round of training: when, what kind, how, from which versions, on what evidence, pulled towards what."""

    as_of: datetime
    kind: str
    config: TrainConfig
    parents: Mapping[str, str]
    backbone: Backbone | None
    evidence: Mapping[str, Evidence] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """Freshly made networks; of each, row by row, what will be stored of it, its name and its place still empty."""

    state: ShardState
    provenance: dict[str, dict[str, Any]]
    versions: list[ModelVersion]


def minimum_rows(services: Services, as_of: datetime) -> int:
    """Feature rows that a ticker needs for its first model: few where it can start from the backbone."""
    return _minimum_rows(services, networks.backbone(services, as_of))


def _minimum_rows(services: Services, backbone: Backbone | None) -> int:
    settings = services.settings.model
    return settings.minimum_history_bars if backbone is None else settings.context_bars


def train_first(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> int:
    """Trains a first model for every ticker with enough history, and stores it; the count of those that serve."""
    backbone = networks.backbone(services, as_of)
    made = make_first(services, profiles, as_of, backbone)
    return len(keep(services, made, backbone)) if made else 0


def make_first(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, backbone: Backbone | None
) -> Made | None:
    """First models of the tickers with enough history, from the backbone or from nothing; writes nothing."""
    settings = services.settings.model
    series = load_series(services.engine, profiles, as_of)
    minimum = _minimum_rows(services, backbone)
    ready = {t: own for t, own in series.items() if len(own.close) >= minimum}
    tickers = sorted(ready)
    if not tickers:
        return None
    if backbone is None:
        seeds = [seed_of(settings.seed, ticker, as_of) for ticker in tickers]
        state = initial_state(tickers, networks.network_config(services), seeds)
    else:
        state = start_from(backbone.base.state, tickers)
    config = first_training(settings, is_from_backbone=backbone is not None, mirrored_inputs=SIGNED_INPUT_COUNT)
    parents = dict.fromkeys(tickers, backbone.version) if backbone else {}
    made, _ = train(services, state, ready, Round(as_of, FIRST_TRAINING, config, parents, backbone))
    return made


def train(
    services: Services, state: ShardState, series: Mapping[str, Series], this: Round
) -> tuple[Made | None, dict[str, str]]:
    """What a round made of the tickers that came through, and for those that stumbled the reason.

    One that diverged is among neither: its weights are the old ones. One that stumbled lost too much on the held-out
    bars.
    """
    settings = services.settings.model
    if not state.tickers:
        return None, {}
    arrays = [_arrays(series[ticker], settings.context_bars) for ticker in state.tickers]
    seeds = [seed_of(settings.seed, ticker, this.as_of) for ticker in state.tickers]
    anchor = this.backbone.base.state if this.backbone else None
    trained, reports = fine_tune_shard(state, arrays, this.config, seeds, anchor)
    stumbled = {report.ticker: _stumble(report) for report in reports if this.kind != FIRST_TRAINING}
    stumbled = {ticker: reason for ticker, reason in stumbled.items() if reason}
    kept = [report for report in reports if report.is_finite and report.ticker not in stumbled]
    if not kept:
        return None, stumbled
    seed_by_ticker = dict(zip(state.tickers, seeds, strict=True))
    versions = [_version(report, this, seed_by_ticker[report.ticker]) for report in kept]
    provenance = {
        version.ref.ticker: provenance_of(version, _described(series[version.ref.ticker])) for version in versions
    }
    return Made(networks.only(trained, [report.ticker for report in kept]), provenance, versions), stumbled


def _arrays(series: Series, context_bars: int) -> TrainingArrays:
    return TrainingArrays(
        x=series.x, y=series.y, has_target=series.has_target, window_ends=window_ends(series, context_bars)
    )


def _stumble(report: TrainReport) -> str:
    before, after = report.loss_before, report.loss_after
    if not report.is_finite or before is None or after is None or after <= before * (1.0 + STEP_TOLERANCE):
        return ""
    return f"an hour's fine-tuning raised the loss on the held-out bars from {before:.4f} to {after:.4f}"


def _version(report: TrainReport, this: Round, seed: int) -> ModelVersion:
    evidence = this.evidence.get(report.ticker)
    return ModelVersion(
        ref=ModelRef(report.ticker, "", "", 0),
        as_of=this.as_of,
        parent_version=this.parents.get(report.ticker),
        kind=this.kind,
        is_promoted=evidence.may_serve if evidence else this.kind == FIRST_TRAINING,
        config=this.config.to_dict(),
        seed=seed,
        code_version=code_version(),
        window_count=report.window_count,
        loss_before=report.loss_before,
        loss_after=report.loss_after,
        evidence=evidence.to_dict() if evidence else None,
    )


def provenance_of(version: ModelVersion, described: Mapping[str, Any]) -> dict[str, Any]:
    """What made these weights, for the JSON beside them."""
    return {
        "as_of": version.as_of.isoformat(),
        "kind": version.kind,
        "parent_version": version.parent_version,
        "seed": version.seed,
        "code_version": version.code_version,
        "config": version.config,
        "window_count": version.window_count,
        **described,
    }


def _described(series: Series) -> dict[str, Any]:
    return {"row_count": len(series.close), "newest_bar_closed_at": str(series.closed_at[-1])}


def join(parts: Sequence[Made | None]) -> Made | None:
    """The networks of several makings as one, to be kept in one file."""
    found = [part for part in parts if part is not None]
    if not found:
        return None
    provenance = {ticker: own for part in found for ticker, own in part.provenance.items()}
    return Made(concat([part.state for part in found]), provenance, [v for part in found for v in part.versions])


def keep(services: Services, made: Made, backbone: Backbone | None) -> list[ModelVersion]:
    """Puts the weights on the disk, what differs from the backbone alone, then the versions into Postgres."""
    base = networks.keep_backbone(services, backbone) if backbone else None
    refs = save_shard(services.settings.model.models_dir, made.state, made.provenance, base)
    kept = [replace(version, ref=ref) for version, ref in zip(made.versions, refs, strict=True)]
    with transaction(services.engine) as connection:
        model_store.save_model_versions(connection, kept)
    return kept


def name(made: Made) -> list[ModelVersion]:
    """What the versions would be called; puts nothing anywhere."""
    names = model_versions(made.state, made.provenance)
    return [
        replace(version, ref=replace(version.ref, model_version=own))
        for version, own in zip(made.versions, names, strict=True)
    ]
