"""Fine-tuning, hour by hour: each ticker's challenger is tested against its reference, trained further or restarted.

The *challenger* is what a ticker's hours of fine-tuning produce, one version after the other. Its *reference* is the
model that it started from: the backbone or, where no backbone fits, the ticker's first training. For each challenger,
an hour

1. forecasts with both models the bars that have matured since the last hour and that neither was trained on, and adds
   them to the sequential test (``evaluation/promotion.py`` explains the test);
2. stores a restart, with the reference's weights, if the challenger is rejected. The restart serves;
3. trains the challenger further if it is not rejected. The new version serves if the test has proven the challenger
   better;
4. gives a ticker without a model its first one, when a young listing has enough bars.

No outcome is used to choose among a challenger's versions: the test is valid only under that condition. Where next:
``policy.py`` for which challengers an hour trains, ``training.py`` for the training itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from include.contracts import HORIZON_COUNT, ModelRef, TickerProfile
from include.evaluation.promotion import SequentialTest, score_differences
from include.features.windows import SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import start_from
from include.model.checkpoint import Backbone
from include.model.config import hourly_training
from include.model.predict import predict_windows
from include.model.shard import ShardState, groups
from include.pipeline.data.featuring import load_series
from include.pipeline.models import backbones, networks, policy, unreadable
from include.pipeline.models.training import (
    TrainedModels,
    TrainingRun,
    join,
    keep,
    make_first,
    name,
    provenance_of,
    train,
    train_first,
)
from include.pipeline.services import Services, code_version, seed_of
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import FINE_TUNE, FIRST_TRAINING, RESTART, ModelVersion

Newest = Mapping[str, Sequence[ModelVersion]]
"""Each ticker's newest versions before the hour, newest first."""
LEAST_WINDOWS = 5 * (HORIZON_COUNT + 1)
"""Windows that a ticker needs for fine-tuning. With fewer, the newest fifth, which training holds out, would not cover
all bars that the sequential test counts."""
PORTION_TICKERS = 64
"""Tickers whose rows and weights are in memory at once; a group's where that is more. Each portion becomes a file."""
NOT_READABLE = "its weights cannot be read"
REJECTED = "it lost against its reference"


@dataclass(frozen=True)
class FineTuneCounts:
    """What an hour did to a shard's challengers: tickers trained, restarted, and still without any model."""

    trained_count: int
    restarted_count: int
    without_model_count: int


def fine_tune(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> FineTuneCounts:
    """Tests, trains or restarts the tickers' challengers and stores the new versions; counts of tickers.

    A challenger continues from its newest version before ``as_of``, so that a rerun starts from the same weights. If
    these weights were pruned (an hour of long ago), the ticker is left unchanged. A ticker without a model gets its
    first one if it has enough history by now.
    """
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        newest = model_store.heads(connection, tickers, before=as_of)
        chosen = policy.chosen(connection, services.settings.model, newest, as_of)
    present = [profile for profile in profiles if profile.ticker in newest and not newest[profile.ticker][0].is_pruned]
    backbone = backbones.backbone_at(services, as_of)
    if backbone is not None:
        backbones.keep_backbone(services, backbone)  # repairs a damaged copy, which every ticker's weights need
    group = hourly_training(services.settings.model, SIGNED_INPUT_COUNT).group_tickers
    kinds: list[str] = []
    for places in groups(len(present), max(PORTION_TICKERS, group)):
        portion = present[places.start : places.stop]
        versions = {profile.ticker: newest[profile.ticker] for profile in portion}
        models = read_models(services, versions, as_of, backbone)
        unreadable.mark(services, models.loaded, as_of)
        trained = update(services, portion, versions, models, chosen, as_of)
        kinds += [version.kind for version in keep(services, trained, backbone)] if trained else []
    without = [profile for profile in profiles if profile.ticker not in newest]
    first_count = train_first(services, without, as_of) if without else 0
    restarted = kinds.count(RESTART)
    return FineTuneCounts(len(kinds) - restarted + first_count, restarted, len(without) - first_count)


def make_again(
    services: Services, profile: TickerProfile, stored: ModelVersion, parents: Sequence[ModelVersion]
) -> ModelVersion | None:
    """A stored version, made again from what was known at its instant; None where nothing can be made.

    Stores nothing: the version's ``artefact`` is empty. ``parents`` hold the weights that the hour continued from.
    """
    reference = reference_of(stored)
    backbone = backbones.backbone_of_hour(services, reference, stored.as_of) if reference else None
    if stored.kind == FIRST_TRAINING:
        trained = make_first(services, [profile], stored.as_of, backbone)
    else:
        newest = {profile.ticker: parents} if parents else {}
        models = read_models(services, newest, stored.as_of, backbone)
        trained = update(services, [profile], newest, models, {profile.ticker}, stored.as_of)
    return name(trained)[0] if trained else None


@dataclass(frozen=True)
class HourModels:
    """What an hour continues from: the challengers that can be read, their references, and the backbone."""

    loaded: networks.LoadedModels
    references: _References
    backbone: Backbone | None


def read_models(services: Services, newest: Newest, as_of: datetime, backbone: Backbone | None) -> HourModels:
    """Each ticker's newest version that can be read, and its reference.

    Raises:
        ArtefactStoreUnavailableError: the store of the artefacts cannot be reached now.
    """
    loaded = networks.load_models(services, {t: [version.ref for version in found] for t, found in newest.items()})
    references = _References.of(services, sorted(newest), as_of, backbone)
    loaded.unreadable += references.unreadable
    return HourModels(loaded, references, backbone)


def update(
    services: Services,
    profiles: Sequence[TickerProfile],
    newest: Newest,
    models: HourModels,
    chosen: set[str],
    as_of: datetime,
) -> TrainedModels | None:
    """The versions that an hour makes of some tickers' challengers; None if it makes none. Stores nothing."""
    loaded, references = models.loaded, models.references
    current = {
        ticker: version
        for ticker, versions in newest.items()
        for version in versions
        if version.ref == loaded.refs.get(ticker)
    }
    endings = _endings(newest, current, references)
    training = [p for p in profiles if p.ticker in current and p.ticker in chosen and p.ticker not in endings]
    trained = None
    if training and loaded.state is not None:
        challengers = _Challengers(loaded.state, current, references)
        trained, ended = _test_and_train(services, training, challengers, as_of, models.backbone)
        endings |= ended
    ended_at = {t: current.get(t, newest[t][0]) for t in endings if t in references.states}
    return join([_restart(services, references, ended_at, endings, as_of), trained])


def count_matured(
    test: SequentialTest, challenger: ShardState, reference: ShardState, series: Series
) -> SequentialTest:
    """The test after the bars of ``series`` that closed after the newest counted bar and whose outcomes are all known.

    ``challenger`` and ``reference`` hold one network each. The counted bars are newer than those the challenger was
    trained on: an hour never trains on its newest bars (``TrainConfig.holdout_bars``).
    """
    since = np.datetime64(test.counted_at.replace(tzinfo=None), "us")
    is_new = series.has_target.all(axis=1) & (series.closed_at > since)
    ends = np.flatnonzero(is_new)
    ends = ends[ends >= challenger.config.context_bars - 1]
    if not len(ends):
        return test
    first, second = (predict_windows(state, series.x, ends) for state in (challenger, reference))
    until = series.closed_at[ends[-1]].astype("datetime64[us]").item().replace(tzinfo=UTC)
    return test.count(*score_differences(first, second, series.y[ends].astype(np.float64)), until=until)


def reference_of(version: ModelVersion) -> str | None:
    """The ``model_version`` that a version's challenger is compared with; None if the version stores no test."""
    if version.sequential_test is not None:
        return str(version.sequential_test["reference"])
    if version.kind != FIRST_TRAINING:
        return None
    return version.parent_version or version.ref.model_version


@dataclass(frozen=True)
class _References:
    """The references: their ``model_version`` by ticker, and the networks that can be read, one for each ticker.

    ``unreadable`` has those that cannot be read, with the reason.
    """

    versions: dict[str, str]
    states: dict[str, ShardState]
    unreadable: list[tuple[ModelRef, str]] = field(default_factory=list)

    @classmethod
    def of(cls, services: Services, tickers: Sequence[str], as_of: datetime, backbone: Backbone | None) -> _References:
        if backbone is not None:
            versions = dict.fromkeys(tickers, backbone.version)
            return cls(versions, {ticker: start_from(backbone.state, [ticker]) for ticker in tickers})
        with transaction(services.engine) as connection:
            firsts = model_store.first_trainings(connection, tickers, before=as_of)
        loaded = networks.load_models(services, {ticker: [first.ref] for ticker, first in firsts.items()})
        state = loaded.state
        states = {t: state.select([k]) for k, t in enumerate(state.tickers)} if state else {}
        return cls({t: str(reference_of(first)) for t, first in firsts.items()}, states, loaded.unreadable)


@dataclass(frozen=True)
class _Challengers:
    """The challengers whose weights can be read: stacked networks, their stored versions, and their references."""

    state: ShardState
    current: Mapping[str, ModelVersion]
    references: _References


def _endings(newest: Newest, current: Mapping[str, ModelVersion], references: _References) -> dict[str, str]:
    """The tickers whose challenger cannot continue, with the reason: unreadable weights, or another reference."""
    endings = {ticker: NOT_READABLE for ticker in newest if ticker not in current}
    for ticker, version in current.items():
        reference = references.versions.get(ticker)
        if reference_of(version) != reference:
            endings[ticker] = f"it is now compared with {str(reference)[:12]}"
    return endings


def _test_and_train(
    services: Services,
    profiles: Sequence[TickerProfile],
    challengers: _Challengers,
    as_of: datetime,
    backbone: Backbone | None,
) -> tuple[TrainedModels | None, dict[str, str]]:
    """Counts what has matured and trains the challengers that are not rejected; the others with the reason."""
    series = load_series(services.engine, profiles, as_of, row_limit=services.settings.model.hourly_training_bars)
    references = challengers.references
    state = networks.only(challengers.state, sorted(set(series) & set(references.states)))
    tests = {
        ticker: count_matured(
            _test_of(challengers.current[ticker], references.versions[ticker]),
            state.select([k]),
            references.states[ticker],
            series[ticker],
        )
        for k, ticker in enumerate(state.tickers)
    }
    ended = {ticker: REJECTED for ticker, test in tests.items() if test.is_rejected}
    ready = [
        ticker
        for ticker in state.tickers
        if ticker not in ended and len(window_ends(series[ticker], state.config.context_bars)) >= LEAST_WINDOWS
    ]
    parents = {ticker: version.ref.model_version for ticker, version in challengers.current.items()}
    config = hourly_training(services.settings.model, SIGNED_INPUT_COUNT)
    run = TrainingRun(as_of, FINE_TUNE, config, parents, backbone, tests)
    trained, failed = train(services, networks.only(state, ready), series, run)
    return trained, ended | failed


def _test_of(version: ModelVersion, reference: str) -> SequentialTest:
    stored = version.sequential_test
    return SequentialTest.from_dict(stored) if stored else SequentialTest(reference, version.as_of)


def _restart(
    services: Services,
    references: _References,
    ended_at: Mapping[str, ModelVersion],
    reasons: Mapping[str, str],
    as_of: datetime,
) -> TrainedModels | None:
    """New challengers in the place of those that ended: the references' weights, which serve."""
    parts = []
    for ticker, last in sorted(ended_at.items()):
        reference = references.versions[ticker]
        version = ModelVersion(
            ref=ModelRef(ticker, "", "", 0),
            as_of=as_of,
            parent_version=last.ref.model_version,
            kind=RESTART,
            is_promoted=True,
            config={"reason": reasons[ticker]},
            seed=seed_of(services.settings.model.seed, ticker, as_of),
            code_version=code_version(),
            window_count=0,
            loss_before=None,
            loss_after=None,
            sequential_test=SequentialTest(reference, as_of, challenger_number=_next_number(last, reference)).to_dict(),
        )
        parts.append(TrainedModels(references.states[ticker], {ticker: provenance_of(version, {})}, [version]))
    return join(parts)


def _next_number(last: ModelVersion, reference: str) -> int:
    """The number of the challenger after ``last``; another reference starts a new count."""
    if last.sequential_test is None or reference_of(last) != reference:
        return 1
    return SequentialTest.from_dict(last.sequential_test).challenger_number + 1
