"""The models of some tickers, read from their checkpoints and stacked.

A checkpoint that cannot be read gives a reason in words, for its own ticker alone. Where next: ``backbones.py`` for the
network that they start from, ``training.py`` and ``challengers.py`` for how they are made, ``forecasting.py`` for how
they forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from include.contracts import ModelRef
from include.features.windows import MODEL_INPUT_COUNT
from include.model.checkpoint import load_tickers
from include.model.config import ModelConfig, model_config
from include.model.shard import ShardState, concat
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.services import Services


def network_config(services: Services) -> ModelConfig:
    """The network that the settings ask for, over today's features."""
    return model_config(services.settings.model, MODEL_INPUT_COUNT)


@dataclass
class LoadedModels:
    """Models read from the store: the stacked state (None when nothing could be read), and where each came from.

    ``problems`` has what failed by ticker, and ``unreadable`` every version that could not be read, with the reason.
    """

    state: ShardState | None = None
    refs: dict[str, ModelRef] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    unreadable: list[tuple[ModelRef, str]] = field(default_factory=list)


def load_models(services: Services, candidates: Mapping[str, Sequence[ModelRef]]) -> LoadedModels:
    """Each ticker's first candidate that can be read; a missing, corrupt or foreign artefact gives way to the next."""
    config, store = network_config(services), artefact_store(services)
    loaded = LoadedModels()
    parts: list[ShardState] = []
    remaining = {ticker: list(refs) for ticker, refs in candidates.items() if refs}
    while remaining:
        tried = {ticker: refs.pop(0) for ticker, refs in remaining.items()}
        state, failures = load_tickers(store, list(tried.values()), config)
        loaded.problems |= failures
        loaded.unreadable += [(tried[ticker], reason) for ticker, reason in failures.items()]
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
