"""What happens to a shard's models: the first training, and each hour's fine-tuning.

A ticker that cannot be trained keeps what it has, and its neighbours do not notice. Whether a newly trained model
serves is decided here (``_is_worthy``); which model serves an hour is read back from Postgres by ``forecasting.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from include.contracts import ModelRef, TickerProfile
from include.features.windows import MODEL_INPUT_COUNT, SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import start_from
from include.model.checkpoint import load_tickers, model_versions, save_shard
from include.model.config import ModelConfig, TrainConfig, first_training, hourly_training, model_config
from include.model.shard import ShardState, concat, initial_state
from include.model.train import TrainingArrays, TrainReport
from include.model.train import fine_tune as fine_tune_shard
from include.pipeline.backbones import backbone_at
from include.pipeline.featuring import load_series
from include.pipeline.services import Services, code_version, seed_of
from include.store import backbones as backbone_store
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import ModelVersion

FIRST_TRAINING = "first_training"

Versions = list[ModelVersion]
Provenance = Mapping[str, Mapping[str, Any]]
_Keep = Callable[[Services, ShardState, Provenance, Versions], Versions]
"""What becomes of freshly trained weights; the versions come back with their names."""


def network_config(services: Services) -> ModelConfig:
    """The network that the settings ask for, over today's features."""
    return model_config(services.settings.model, MODEL_INPUT_COUNT)


@dataclass
class LoadedModels:
    """Models read from disk: the stacked state (None when nothing could be read), where each came from, what failed."""

    state: ShardState | None = None
    refs: dict[str, ModelRef] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def load_models(services: Services, candidates: Mapping[str, Sequence[ModelRef]]) -> LoadedModels:
    """Each ticker's first candidate that can be read; a missing, corrupt or foreign artefact gives way to the next."""
    config = network_config(services)
    loaded = LoadedModels()
    parts: list[ShardState] = []
    remaining = {ticker: list(refs) for ticker, refs in candidates.items() if refs}
    while remaining:
        tried = {ticker: refs.pop(0) for ticker, refs in remaining.items()}
        state, failures = load_tickers(services.settings.model.models_dir, list(tried.values()), config)
        loaded.problems |= failures
        if state.tickers:
            parts.append(state)
        loaded.refs |= {ticker: ref for ticker, ref in tried.items() if ticker not in failures}
        remaining = {ticker: refs for ticker, refs in remaining.items() if ticker in failures and refs}
    if parts:
        loaded.state = concat(parts)
    return loaded


def only(state: ShardState, tickers: Sequence[str]) -> ShardState:
    """The networks of these tickers, in this order."""
    position = {ticker: k for k, ticker in enumerate(state.tickers)}
    return state.select([position[ticker] for ticker in tickers])


def minimum_rows(services: Services, as_of: datetime) -> int:
    """Feature rows that a ticker needs for its first model: few where it can start from the backbone."""
    backbone, _ = _backbone(services, as_of)
    return _minimum_rows(services, backbone)


def _minimum_rows(services: Services, backbone: ShardState | None) -> int:
    settings = services.settings.model
    return settings.minimum_history_bars if backbone is None else settings.context_bars


def train_first(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> int:
    """Trains a first model for every ticker with enough history, and stores it; the count of those that serve."""
    return _promoted_count(_train_first(services, profiles, as_of, _keep))


def _train_first(services: Services, profiles: Sequence[TickerProfile], as_of: datetime, keep: _Keep) -> Versions:
    settings = services.settings.model
    series = load_series(services.engine, profiles, as_of)
    backbone, version = _backbone(services, as_of)
    minimum = _minimum_rows(services, backbone)
    ready = {t: own for t, own in series.items() if len(own.close) >= minimum}
    tickers = sorted(ready)
    if not tickers:
        return []
    if backbone is None:
        seeds = [seed_of(settings.seed, ticker, as_of) for ticker in tickers]
        state = initial_state(tickers, network_config(services), seeds)
    else:
        state = start_from(backbone, tickers)
    config = first_training(settings, is_from_backbone=backbone is not None, mirrored_inputs=SIGNED_INPUT_COUNT)
    parents = dict.fromkeys(tickers, version) if version else {}
    return _train(services, state, ready, _Round(as_of, FIRST_TRAINING, config, parents), keep)


def _backbone(services: Services, as_of: datetime) -> tuple[ShardState | None, str | None]:
    """The backbone that counts at ``as_of`` and its version, or None for both: what ``backbones.backbone_at`` says."""
    backbone = backbone_at(services, as_of)
    return (None, None) if backbone is None else (backbone.state, backbone.version)


def fine_tune(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> int:
    """Trains each ticker's champion further on its newest bars; the count of tickers that have a model to serve.

    The champion is the newest model that serves from before ``as_of``: a rerun starts from the same weights. One that
    belongs to another backbone than the one that counts now is not trained on: an output layer means nothing on another
    body, so pulling one backbone's towards another's would ruin it. Its ticker starts from the new backbone.
    """
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        champions = model_store.champions(connection, tickers, before=as_of)
    moving = _of_another_backbone(services, champions, as_of)
    loaded = load_models(services, champions)
    _fine_tune(services, loaded, [profile for profile in profiles if profile.ticker not in moving], as_of, _keep)
    _train_first(services, [profile for profile in profiles if profile.ticker in moving], as_of, _keep)
    return len(loaded.refs)


def _of_another_backbone(services: Services, champions: Mapping[str, Sequence[ModelRef]], as_of: datetime) -> set[str]:
    """Tickers whose champion belongs to another backbone than the one that counts at ``as_of``."""
    _, version = _backbone(services, as_of)
    newest = [refs[0].model_version for refs in champions.values() if refs]
    if version is None or not newest:
        return set()
    with transaction(services.engine) as connection:
        return backbone_store.tickers_of_others(connection, newest, version)


def _fine_tune(
    services: Services, loaded: LoadedModels, profiles: Sequence[TickerProfile], as_of: datetime, keep: _Keep
) -> Versions:
    settings = services.settings.model
    if loaded.state is None or settings.hourly_training_steps == 0:
        return []
    own = [profile for profile in profiles if profile.ticker in loaded.refs]
    series = load_series(services.engine, own, as_of, row_limit=settings.hourly_training_bars)
    trainable = {ticker: arrays for ticker, arrays in series.items() if _windows(services, arrays) > 0}
    parents = {ticker: ref.model_version for ticker, ref in loaded.refs.items()}
    this = _Round(as_of, "fine_tune", hourly_training(settings, SIGNED_INPUT_COUNT), parents)
    return _train(services, only(loaded.state, sorted(trainable)), trainable, this, keep)


def train_again(
    services: Services, profile: TickerProfile, stored: ModelVersion, parents: Sequence[ModelRef]
) -> ModelVersion | None:
    """What a stored training gives now from what was known then, on a path that writes nothing; None for nothing.

    ``parents`` hold the weights that a fine-tuning started from; the version's ``artefact`` is empty.
    """
    if stored.kind == FIRST_TRAINING:
        versions = _train_first(services, [profile], stored.as_of, _name)
    else:
        versions = _fine_tune(
            services, load_models(services, {profile.ticker: parents}), [profile], stored.as_of, _name
        )
    return versions[0] if versions else None


@dataclass(frozen=True)
class _Round:
    """One round of training: when, what kind, how, and from which versions."""

    as_of: datetime
    kind: str
    config: TrainConfig
    parents: Mapping[str, str]


def _windows(services: Services, series: Series) -> int:
    return len(window_ends(series, services.settings.model.context_bars))


def _train(services: Services, state: ShardState, series: Mapping[str, Series], this: _Round, keep: _Keep) -> Versions:
    """The versions that a round gave, of the tickers that did not diverge; ``keep`` says where their weights lie."""
    settings = services.settings.model
    if not state.tickers:
        return []
    arrays = [
        TrainingArrays(
            x=series[ticker].x,
            y=series[ticker].y,
            has_target=series[ticker].has_target,
            window_ends=window_ends(series[ticker], settings.context_bars),
        )
        for ticker in state.tickers
    ]
    seeds = [seed_of(settings.seed, ticker, this.as_of) for ticker in state.tickers]
    anchor, _ = _backbone(services, this.as_of)
    trained, reports = fine_tune_shard(state, arrays, this.config, seeds, anchor)
    worthy = [report for report in reports if report.is_finite]
    if not worthy:
        return []
    seed_by_ticker = dict(zip(state.tickers, seeds, strict=True))
    provenance = {
        report.ticker: _provenance(report, this, seed_by_ticker[report.ticker], series[report.ticker])
        for report in worthy
    }
    versions = [
        ModelVersion(
            ref=ModelRef(report.ticker, "", "", row),
            as_of=this.as_of,
            parent_version=this.parents.get(report.ticker),
            kind=this.kind,
            is_promoted=_is_worthy(report, this.kind),
            config=provenance[report.ticker]["config"],
            seed=seed_by_ticker[report.ticker],
            code_version=code_version(),
            window_count=report.window_count,
            loss_before=report.loss_before,
            loss_after=report.loss_after,
        )
        for row, report in enumerate(worthy)
    ]
    return keep(services, only(trained, [report.ticker for report in worthy]), provenance, versions)


def _keep(services: Services, state: ShardState, provenance: Provenance, versions: Versions) -> Versions:
    """Puts the weights on the disk, then the versions into Postgres."""
    refs = save_shard(services.settings.model.models_dir, state, provenance)
    kept = [replace(version, ref=ref) for version, ref in zip(versions, refs, strict=True)]
    with transaction(services.engine) as connection:
        model_store.save_model_versions(connection, kept)
    return kept


def _name(_services: Services, state: ShardState, provenance: Provenance, versions: Versions) -> Versions:
    """Says what the versions would be called, and puts nothing anywhere."""
    names = model_versions(state, provenance)
    return [
        replace(version, ref=replace(version.ref, model_version=name))
        for version, name in zip(versions, names, strict=True)
    ]


def _promoted_count(versions: Versions) -> int:
    return sum(version.is_promoted for version in versions)


def _is_worthy(report: TrainReport, kind: str) -> bool:
    """Whether a trained model serves: a first one always, a fine-tuned one if it lost nothing on the held-out windows.

    The windows held out are the ticker's newest, which this round did not train on.
    """
    if kind == FIRST_TRAINING or report.loss_before is None or report.loss_after is None:
        return report.is_finite
    return report.is_finite and report.loss_after <= report.loss_before


def _provenance(report: TrainReport, this: _Round, seed: int, series: Series) -> dict[str, Any]:
    """What made these weights, for the JSON beside them and the row in Postgres."""
    return {
        "as_of": this.as_of.isoformat(),
        "kind": this.kind,
        "parent_version": this.parents.get(report.ticker),
        "seed": seed,
        "code_version": code_version(),
        "config": this.config.to_dict(),
        "row_count": len(series.close),
        "newest_bar_closed_at": str(series.closed_at[-1]),
        "window_count": report.window_count,
    }
