"""A ticker's line, hour by hour: trained further, held against its origin, promoted or begun anew.

The *line* is what is fine-tuned; its *origin* is the backbone or, where none fits, the ticker's first training. Each
hour that looks at a line first forecasts with both the bars that have matured and that neither had learnt from, and
counts who was better (``evaluation/promotion.py``, where the rule is argued). If the line has lost, it ends: a restart
is stored, with the origin's weights, and serves. If not, it is trained further, and serves once it is proven better.
No outcome chooses among a line's weights, so that what is counted stays a fair wager. Where next: ``policy.py`` for
which lines an hour looks at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from include.contracts import HORIZON_COUNT, ModelRef, TickerProfile
from include.evaluation.promotion import Evidence, differences
from include.features.windows import SIGNED_INPUT_COUNT, Series, window_ends
from include.model.backbone import start_from
from include.model.config import hourly_training
from include.model.predict import predict_windows
from include.model.shard import ShardState, groups
from include.pipeline import networks, policy
from include.pipeline.featuring import load_series
from include.pipeline.networks import Backbone
from include.pipeline.services import Services, code_version, seed_of
from include.pipeline.training import Made, Round, join, keep, make_first, name, provenance_of, train
from include.store import models as model_store
from include.store.engine import transaction
from include.store.models import FINE_TUNE, FIRST_TRAINING, RESTART, ModelVersion

Heads = Mapping[str, Sequence[ModelVersion]]
"""Each ticker's newest versions before the hour, newest first."""
LEAST_WINDOWS = 5 * (HORIZON_COUNT + 1)
"""With fewer, the held-out fifth of a ticker's windows would not reach back over the bars that are counted."""
PORTION_TICKERS = 64
"""Tickers whose rows and weights are in memory at once, or a group's where that is more: an hour of thousands needs no
more than one of these. Each portion is a file of its own."""
NOT_READABLE = "its weights cannot be read"


@dataclass(frozen=True)
class Looked:
    """What an hour did to a shard's lines: tickers trained, begun anew, and without any model."""

    trained_count: int
    restarted_count: int
    without_model_count: int


def fine_tune(services: Services, profiles: Sequence[TickerProfile], as_of: datetime) -> Looked:
    """Looks at the lines that the policy names, and at those that cannot go on; stores what came of each.

    A line goes on from its newest version before ``as_of``: a rerun starts from the same weights. An hour so old that
    those weights are pruned is left as it is.
    """
    tickers = [profile.ticker for profile in profiles]
    with transaction(services.engine) as connection:
        heads = model_store.heads(connection, tickers, before=as_of)
        chosen = policy.chosen(connection, services.settings.model, heads, as_of)
    present = [profile for profile in profiles if profile.ticker in heads and not heads[profile.ticker][0].is_pruned]
    backbone = networks.backbone(services, as_of)
    group = hourly_training(services.settings.model, SIGNED_INPUT_COUNT).group_tickers
    kinds: list[str] = []
    for places in groups(len(present), max(PORTION_TICKERS, group)):
        portion = present[places.start : places.stop]
        own = {profile.ticker: heads[profile.ticker] for profile in portion}
        made = follow(services, portion, own, chosen, as_of, backbone)
        kinds += [version.kind for version in keep(services, made, backbone)] if made else []
    restarted = kinds.count(RESTART)
    return Looked(len(kinds) - restarted, restarted, len(tickers) - len(heads))


def make_again(
    services: Services, profile: TickerProfile, stored: ModelVersion, parents: Sequence[ModelVersion]
) -> ModelVersion | None:
    """What a stored version gives now from what was known then, on a path that writes nothing; None for nothing.

    ``parents`` hold the weights that an hour went on from; the version's ``artefact`` is empty.
    """
    origin = origin_of(stored)
    backbone = networks.find_backbone(services, origin, stored.as_of) if origin else None
    if stored.kind == FIRST_TRAINING:
        made = make_first(services, [profile], stored.as_of, backbone)
    else:
        heads = {profile.ticker: parents} if parents else {}
        made = follow(services, [profile], heads, {profile.ticker}, stored.as_of, backbone)
    return name(made)[0] if made else None


def follow(
    services: Services,
    profiles: Sequence[TickerProfile],
    heads: Heads,
    chosen: set[str],
    as_of: datetime,
    backbone: Backbone | None,
) -> Made | None:
    """What becomes of the lines of some tickers in an hour; writes nothing."""
    loaded = networks.load_models(services, {t: [version.ref for version in own] for t, own in heads.items()})
    origins = _Origins.of(services, sorted(heads), as_of, backbone)
    found = {
        ticker: version
        for ticker, versions in heads.items()
        for version in versions
        if version.ref == loaded.refs.get(ticker)
    }
    endings = {t: NOT_READABLE for t in heads if t not in found}
    endings |= {
        ticker: f"it is now compared with {str(origins.versions.get(ticker))[:12]}"
        for ticker, version in found.items()
        if origin_of(version) != origins.versions.get(ticker)
    }
    going = [p for p in profiles if p.ticker in found and p.ticker in chosen and p.ticker not in endings]
    evidence: dict[str, Evidence] = {}
    made = None
    if going and loaded.state is not None:
        series = load_series(services.engine, going, as_of, row_limit=services.settings.model.hourly_training_bars)
        lines = networks.only(loaded.state, sorted(set(series) & set(origins.states)))
        for k, ticker in enumerate(lines.tickers):
            start = _evidence_of(found[ticker], origins.versions[ticker])
            evidence[ticker] = count_matured(start, lines.select([k]), origins.states[ticker], series[ticker])
        endings |= {t: "it lost against its origin" for t, own in evidence.items() if own.is_lost}
        ready = [
            t
            for t in lines.tickers
            if t not in endings and len(window_ends(series[t], lines.config.context_bars)) >= LEAST_WINDOWS
        ]
        parents = {ticker: version.ref.model_version for ticker, version in found.items()}
        config = hourly_training(services.settings.model, SIGNED_INPUT_COUNT)
        this = Round(as_of, FINE_TUNE, config, parents, backbone, evidence)
        made, stumbled = train(services, networks.only(lines, ready), series, this)
        endings |= stumbled
    ended = {ticker: reason for ticker, reason in endings.items() if ticker in origins.states}
    ended_at = {ticker: found.get(ticker, heads[ticker][0]) for ticker in ended}
    return join([_restart(services, origins, ended_at, ended, as_of), made])


def count_matured(evidence: Evidence, line: ShardState, origin: ShardState, series: Series) -> Evidence:
    """The evidence after the bars of ``series`` that closed after the newest counted one and are known in full.

    ``line`` and ``origin`` hold one network each. What the line learnt from ends before the bars that are counted: an
    hour never trains on its newest bars (``TrainConfig.holdout_bars``).
    """
    since = np.datetime64(evidence.counted_at.replace(tzinfo=None), "us")
    is_new = series.has_target.all(axis=1) & (series.closed_at > since)
    ends = np.flatnonzero(is_new)
    ends = ends[ends >= line.config.context_bars - 1]
    if not len(ends):
        return evidence
    own, reference = (predict_windows(state, series.x, ends) for state in (line, origin))
    until = series.closed_at[ends[-1]].astype("datetime64[us]").item().replace(tzinfo=UTC)
    return evidence.count(*differences(own, reference, series.y[ends].astype(np.float64)), until=until)


def origin_of(version: ModelVersion) -> str | None:
    """What a version's line began at; None for one from before lines were kept."""
    if version.evidence is not None:
        return str(version.evidence["origin"])
    if version.kind != FIRST_TRAINING:
        return None
    return version.parent_version or version.ref.model_version


def _evidence_of(version: ModelVersion, origin: str) -> Evidence:
    return Evidence.from_dict(version.evidence) if version.evidence else Evidence(origin, version.as_of)


@dataclass(frozen=True)
class _Origins:
    """What lines begin at and are compared with: version by ticker, and the networks that can be read, one each."""

    versions: dict[str, str]
    states: dict[str, ShardState]

    @classmethod
    def of(cls, services: Services, tickers: Sequence[str], as_of: datetime, backbone: Backbone | None) -> _Origins:
        if backbone is not None:
            versions = dict.fromkeys(tickers, backbone.version)
            return cls(versions, {ticker: start_from(backbone.base.state, [ticker]) for ticker in tickers})
        with transaction(services.engine) as connection:
            firsts = model_store.first_trainings(connection, tickers, before=as_of)
        state = networks.load_models(services, {ticker: [first.ref] for ticker, first in firsts.items()}).state
        states = {t: state.select([k]) for k, t in enumerate(state.tickers)} if state else {}
        return cls({ticker: str(origin_of(first)) for ticker, first in firsts.items()}, states)


def _restart(
    services: Services,
    origins: _Origins,
    heads: Mapping[str, ModelVersion],
    endings: Mapping[str, str],
    as_of: datetime,
) -> Made | None:
    """New lines in the place of those that ended: the origins' weights, which serve."""
    tickers = sorted(endings)
    if not tickers:
        return None
    versions = []
    for ticker in tickers:
        head, origin = heads[ticker], origins.versions[ticker]
        line = Evidence.from_dict(head.evidence).line + 1 if head.evidence and origin_of(head) == origin else 1
        versions.append(
            ModelVersion(
                ref=ModelRef(ticker, "", "", 0),
                as_of=as_of,
                parent_version=head.ref.model_version,
                kind=RESTART,
                is_promoted=True,
                config={"reason": endings[ticker]},
                seed=seed_of(services.settings.model.seed, ticker, as_of),
                code_version=code_version(),
                window_count=0,
                loss_before=None,
                loss_after=None,
                evidence=Evidence(origin, as_of, line=line).to_dict(),
            )
        )
    states = [origins.states[ticker] for ticker in tickers]
    provenance = {version.ref.ticker: provenance_of(version, {}) for version in versions}
    made = [Made(s, {v.ref.ticker: provenance[v.ref.ticker]}, [v]) for s, v in zip(states, versions, strict=True)]
    return join(made)
