"""Networks as the disk has them: the models of some tickers, and the backbone that they stand on.

What cannot be read is a reason in words, for its own ticker alone. Where next: ``training.py`` and ``lines.py`` make
networks, ``forecasting.py`` asks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from include.contracts import ModelRef
from include.features.windows import MODEL_INPUT_COUNT
from include.model.backbone import read_certificate
from include.model.checkpoint import Base, base_ref, keep_base, load_tickers
from include.model.config import ModelConfig, model_config
from include.model.pretrain import BACKBONE
from include.model.shard import ShardState, concat
from include.pipeline.backbones import backbone_at
from include.pipeline.services import Services


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


@dataclass(frozen=True)
class Backbone:
    """The network that tickers stand on: where it lies, which it is, and its weights, a state of one row."""

    folder: Path
    base: Base

    @property
    def version(self) -> str:
        """Its model_version."""
        return self.base.ref.model_version


def backbone(services: Services, as_of: datetime) -> Backbone | None:
    """The backbone that counts at ``as_of``, as ``backbones.backbone_at`` says; None if there is none.

    It has no greatest age: what it knows is how moves follow one another, which was measured to last for months, and
    the scale and the widths, which adapt, are not its own.
    """
    found = backbone_at(services, as_of)
    if found is None:
        return None
    artefact = str(read_certificate(found.folder)["artefact"])
    return Backbone(found.folder, Base(ModelRef(BACKBONE, found.version, artefact, 0), found.state))


def find_backbone(services: Services, version: str, as_of: datetime) -> Backbone | None:
    """The backbone of this version: that of ``as_of``, or one kept among the stored models; None if it is neither."""
    today = backbone(services, as_of)
    if today is not None and today.version == version:
        return today
    folder = services.settings.model.models_dir
    ref = base_ref(BACKBONE, version)
    state, _ = load_tickers(folder, [ref], network_config(services))
    return Backbone(folder, Base(ref, state)) if state.tickers else None


def keep_backbone(services: Services, backbone: Backbone) -> Base:
    """The same backbone as a file among the stored models, so that a later one in its place orphans none of them.

    Raises:
        CheckpointError: the models folder cannot be written.
    """
    return keep_base(services.settings.model.models_dir, backbone.base, backbone.folder)
