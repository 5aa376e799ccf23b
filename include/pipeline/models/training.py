"""A training run over some tickers, and a ticker's first training.

A ticker whose training diverges gets no new version; the other tickers of the run are not affected. Where next:
``challengers.py`` for each hour's fine-tuning and which versions may serve, ``forecasting.py`` for how models forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from include.contracts import ModelRef, TickerProfile
from include.evaluation.promotion import SequentialTest
from include.features.windows import SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import start_from
from include.model.checkpoint import Backbone, model_versions, save_shard
from include.model.config import TrainConfig, first_training
from include.model.shard import ShardState, concat, initial_state
from include.model.train import TrainingArrays, TrainReport
from include.model.train import fine_tune as fine_tune_shard
from include.pipeline.data.featuring import known_targets, load_series
from include.pipeline.models import backbones, networks
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.services import Services, code_version, seed_of
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import FIRST_TRAINING, ModelVersion
from include.store.unreadable import mark_readable

STEP_TOLERANCE = 0.01
"""Largest relative increase of the loss on the held-out bars that an hour's fine-tuning may cause. A usual hour changes
the loss by a hundredth of this; a larger increase ends the challenger."""


@dataclass(frozen=True)
class OlderRows:
    """The rows of a history that a training without steps does not read, and the windows that end at them."""

    row_count: int = 0
    window_count: int = 0


@dataclass(frozen=True)
class TrainingRun:
    """What the trainings of one instant have in common, and what differs by ticker."""

    as_of: datetime
    kind: str
    """``first_training`` or ``fine_tune``."""
    config: TrainConfig
    parents: Mapping[str, str]
    """The ``model_version`` that each ticker's training starts from; a ticker that starts from nothing is absent."""
    backbone: Backbone | None
    """The network that training is pulled towards."""
    tests: Mapping[str, SequentialTest] = field(default_factory=dict)
    """The sequential test of each ticker's challenger before this training."""
    older: Mapping[str, OlderRows] = field(default_factory=dict)
    """What each ticker's history holds before the rows of its series; absent where the series is the whole history."""

    def before(self, ticker: str) -> OlderRows:
        """What the ticker's history holds before the rows of its series."""
        return self.older.get(ticker, OlderRows())


@dataclass(frozen=True)
class TrainedModels:
    """New networks and, in the order of their rows, what will be stored of each.

    The versions' ``model_version``, artefact and row are still empty: ``keep`` and ``name`` fill them in.
    """

    state: ShardState
    provenance: dict[str, dict[str, Any]]
    versions: list[ModelVersion]


def minimum_rows(services: Services, as_of: datetime) -> int:
    """Feature rows that a ticker needs for its first model: a context if it can start from the backbone, else more."""
    return _minimum_rows(services, backbones.backbone_at(services, as_of))


def _minimum_rows(services: Services, backbone: Backbone | None) -> int:
    settings = services.settings.model
    return settings.minimum_history_bars if backbone is None else settings.context_bars


def train_first(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> int:
    """Trains a first model for every ticker with enough history, and stores it; the count of those that serve."""
    backbone = backbones.backbone_at(services, as_of)
    trained = make_first(services, profiles, as_of, backbone)
    return len(keep(services, trained, backbone)) if trained else 0


def make_first(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, backbone: Backbone | None
) -> TrainedModels | None:
    """First models of the tickers with enough history, from the backbone or from nothing; stores nothing."""
    settings = services.settings.model
    config = first_training(settings, is_from_backbone=backbone is not None, mirrored_inputs=SIGNED_INPUT_COUNT)
    series, older = _first_series(services, profiles, as_of, config)
    minimum = _minimum_rows(services, backbone)
    ready = {
        ticker: found
        for ticker, found in series.items()
        if len(found.close) + older.get(ticker, OlderRows()).row_count >= minimum
    }
    tickers = sorted(ready)
    if not tickers:
        return None
    if backbone is None:
        seeds = [seed_of(settings.seed, ticker, as_of) for ticker in tickers]
        state = initial_state(tickers, networks.network_config(services), seeds)
    else:
        state = start_from(backbone.state, tickers)
    parents = dict.fromkeys(tickers, backbone.version) if backbone else {}
    run = TrainingRun(as_of, FIRST_TRAINING, config, parents, backbone, older=older)
    trained, _ = train(services, state, ready, run)
    return trained


def _first_series(
    services: Services, profiles: Sequence[TickerProfile], as_of: datetime, config: TrainConfig
) -> tuple[dict[str, Series], dict[str, OlderRows]]:
    """The rows that a first training reads, and what each history holds before them.

    A training without steps only computes the losses on the held-out bars. It needs as many of the newest windows as
    decide which bars are held out: five times their number. Other trainings read the whole history.
    """
    if config.steps:
        return load_series(services.engine, profiles, as_of), {}
    context = services.settings.model.context_bars
    decisive = 5 * config.holdout_bars
    targets = known_targets(services.engine, profiles, as_of)
    newest = load_series(services.engine, profiles, as_of, row_limit=context + decisive + config.holdout_bars)
    series, older, short = {}, {}, []
    for profile in profiles:
        ticker = profile.ticker
        if ticker not in newest or ticker not in targets:
            continue
        window_count = len(window_ends(newest[ticker], context))
        all_windows = int(targets[ticker][context - 1 :].sum())
        rows = OlderRows(len(targets[ticker]) - len(newest[ticker].close), all_windows - window_count)
        if rows.row_count and window_count < decisive:
            short.append(profile)
        else:
            series[ticker], older[ticker] = newest[ticker], rows
    return series | load_series(services.engine, short, as_of), older


def train(
    services: Services, state: ShardState, series: Mapping[str, Series], run: TrainingRun
) -> tuple[TrainedModels | None, dict[str, str]]:
    """The new versions, and for each ticker whose loss on the held-out bars rose too much the reason.

    A ticker whose training diverged is in neither: its weights stay as they were.
    """
    settings = services.settings.model
    if not state.tickers:
        return None, {}
    arrays = [_arrays(series[ticker], settings.context_bars) for ticker in state.tickers]
    seeds = [seed_of(settings.seed, ticker, run.as_of) for ticker in state.tickers]
    anchor = run.backbone.state if run.backbone else None
    trained, reports = fine_tune_shard(state, arrays, run.config, seeds, anchor)
    failed = {} if run.kind == FIRST_TRAINING else _loss_reasons(reports)
    kept = {report.ticker: report for report in reports if report.is_finite and report.ticker not in failed}
    if not kept:
        return None, failed
    seed_by_ticker = dict(zip(state.tickers, seeds, strict=True))
    versions = [_version(report, run, seed_by_ticker[ticker]) for ticker, report in kept.items()]
    provenance = {
        ticker: provenance_of(version, _described(series[ticker], run.before(ticker)))
        for ticker, version in zip(kept, versions, strict=True)
    }
    return TrainedModels(networks.only(trained, list(kept)), provenance, versions), failed


def _arrays(series: Series, context_bars: int) -> TrainingArrays:
    return TrainingArrays(
        x=series.x, y=series.y, has_target=series.has_target, window_ends=window_ends(series, context_bars)
    )


def _loss_reasons(reports: Sequence[TrainReport]) -> dict[str, str]:
    """The tickers whose loss on the held-out bars rose too much, with the reason; diverged ones are not among them."""
    reasons = {}
    for report in reports:
        before, after = report.loss_before, report.loss_after
        if not report.is_finite or before is None or after is None or after <= before * (1.0 + STEP_TOLERANCE):
            continue
        reasons[report.ticker] = (
            f"an hour's fine-tuning raised the loss on the held-out bars from {before:.4f} to {after:.4f}"
        )
    return reasons


def _version(report: TrainReport, run: TrainingRun, seed: int) -> ModelVersion:
    test = run.tests.get(report.ticker)
    return ModelVersion(
        ref=ModelRef(report.ticker, "", "", 0),
        as_of=run.as_of,
        parent_version=run.parents.get(report.ticker),
        kind=run.kind,
        is_promoted=test.may_serve if test else run.kind == FIRST_TRAINING,
        config=run.config.to_dict(),
        seed=seed,
        code_version=code_version(),
        window_count=report.window_count + run.before(report.ticker).window_count,
        loss_before=report.loss_before,
        loss_after=report.loss_after,
        sequential_test=test.to_dict() if test else None,
    )


def provenance_of(version: ModelVersion, described: Mapping[str, Any]) -> dict[str, Any]:
    """How these weights were made, for the JSON beside them."""
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


def _described(series: Series, older: OlderRows) -> dict[str, Any]:
    return {"row_count": older.row_count + len(series.close), "newest_bar_closed_at": str(series.closed_at[-1])}


def join(parts: Sequence[TrainedModels | None]) -> TrainedModels | None:
    """All parts as one, to be stored in one file; None if there is no part."""
    found = [part for part in parts if part is not None]
    if not found:
        return None
    provenance = {ticker: values for part in found for ticker, values in part.provenance.items()}
    versions = [version for part in found for version in part.versions]
    return TrainedModels(concat([part.state for part in found]), provenance, versions)


def keep(services: Services, trained: TrainedModels, backbone: Backbone | None) -> list[ModelVersion]:
    """Stores the weights as a file (only what differs from the backbone), then the versions in Postgres."""
    kept_backbone = backbones.keep_backbone(services, backbone) if backbone else None
    with transaction(services.engine) as connection:
        model_store.share_artefacts(connection)
        refs = save_shard(artefact_store(services), trained.state, trained.provenance, kept_backbone)
        kept = [replace(version, ref=ref) for version, ref in zip(trained.versions, refs, strict=True)]
        model_store.save_model_versions(connection, kept)
        mark_readable(connection, [version.ref for version in kept])  # a damaged file was written again
    return kept


def name(trained: TrainedModels) -> list[ModelVersion]:
    """The versions with their ``model_version``; stores nothing."""
    names = model_versions(trained.state, trained.provenance)
    return [
        replace(version, ref=replace(version.ref, model_version=model_version))
        for version, model_version in zip(trained.versions, names, strict=True)
    ]
