"""Which model serves each ticker: its newest version that is not too old and can be read, else the backbone.

Where next: ``forecasting.py`` for the forecasts, ``challengers.py`` for which versions may serve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.contracts import ModelRef
from include.model.backbone import start_from
from include.model.checkpoint import Backbone
from include.model.shard import ShardState, concat
from include.pipeline.models import backbones, networks
from include.pipeline.services import Services
from include.store.models import FINE_TUNE, ModelVersion

UNREADABLE = "no model could be read: "
"""Start of the reason of a fallback whose cause is an unreadable file, not the data."""
NO_MODEL = "no model yet: too little history, or its training diverged"

Serving = Mapping[str, Sequence[ModelVersion]]
"""Each ticker's newest versions that may serve, newest first."""


@dataclass(frozen=True)
class Models:
    """The models that serve: the stacked networks (None: none), their refs, and by ticker notes or the problem."""

    state: ShardState | None
    refs: dict[str, ModelRef]
    notes: dict[str, str]
    problems: dict[str, str]
    loaded: networks.LoadedModels
    """The tickers' own models, without the backbone."""


def models_of(
    services: Services, tickers: Sequence[str], as_of: datetime, serving: Serving, stand_in: Backbone | None
) -> Models:
    """Each ticker's newest model that is not too old and can be read; without one, the backbone if it fits."""
    versions = {ticker: serving[ticker] for ticker in tickers if ticker in serving}
    max_age = timedelta(hours=services.settings.model.model_max_age_hours)
    loaded = networks.load_models(services, _candidates(versions, as_of, max_age))
    unreadable = {ticker: f"{UNREADABLE}{reason}" for ticker, reason in loaded.problems.items()}
    reasons = unreadable | _reasons_of_age(versions, as_of, max_age)
    without = [ticker for ticker in tickers if ticker not in loaded.refs and (ticker in versions or stand_in)]
    replaced = _stand_ins(services, without, as_of, stand_in)
    notes = {ticker: f"an older model serves: {reason}" for ticker, reason in reasons.items() if ticker in loaded.refs}
    notes |= {ticker: f"the backbone serves: {reasons.get(ticker, 'as it did')}" for ticker in replaced.refs}
    refs = loaded.refs | replaced.refs
    problems = {ticker: reasons.get(ticker, NO_MODEL) for ticker in tickers if ticker not in refs}
    return Models(_joined([loaded.state, replaced.state]), refs, notes, problems, loaded)


def _candidates(versions: Serving, as_of: datetime, max_age: timedelta) -> dict[str, list[ModelRef]]:
    """The models of each ticker that are not too old, newest first."""
    return {
        ticker: [version.ref for version in found if not _is_too_old(version, as_of, max_age)]
        for ticker, found in versions.items()
    }


def _joined(states: Sequence[ShardState | None]) -> ShardState | None:
    found = [state for state in states if state is not None]
    return concat(found) if found else None


def _is_too_old(version: ModelVersion, as_of: datetime, max_age: timedelta) -> bool:
    """Whether a fine-tuned model may not serve any more; first trainings and restarts have no greatest age."""
    return version.kind == FINE_TUNE and as_of - version.as_of > max_age


def _reasons_of_age(versions: Serving, as_of: datetime, max_age: timedelta) -> dict[str, str]:
    return {
        ticker: f"the fine-tuned model of {found[0].as_of.isoformat()} was not renewed for more than {max_age}"
        for ticker, found in versions.items()
        if _is_too_old(found[0], as_of, max_age)
    }


def _stand_ins(
    services: Services, tickers: Sequence[str], as_of: datetime, stand_in: Backbone | None
) -> networks.LoadedModels:
    """The backbone in the place of these tickers' models: the one given, else the one in use at ``as_of``."""
    backbone = stand_in or (backbones.backbone_at(services, as_of) if tickers else None)
    if not tickers or backbone is None:
        return networks.LoadedModels()
    version = backbones.keep_backbone(services, backbone).version
    refs = {ticker: ModelRef(ticker, version, "", 0) for ticker in tickers}
    return networks.LoadedModels(start_from(backbone.state, tickers), refs)
