"""A backbone's folder: its weights and its certificate. Shards that start from a backbone.

The folder holds one checkpoint (``checkpoint.py``) and the certificate ``backbone.json``: the checkpoint's file name,
its ``model_version`` and its provenance (data, cut-off date, seed, hash of the code, scores). ``pretrained`` is the
folder of the backbone that is shipped with the code. A backbone whose config differs from that of the settings is
refused. ``include/pipeline/pretraining`` trains backbones, from a folder of bars or from the bars in Postgres.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.artefacts.store import ArtefactStore, FolderStore
from include.contracts import ModelRef
from include.errors import CheckpointError
from include.model.checkpoint import BACKBONE, Backbone, load_tickers, model_versions, save_shard
from include.model.config import ModelConfig
from include.model.shard import ShardState

SHIPPED_DIR = Path(__file__).resolve().parent / "pretrained"
"""Folder of the backbone that is shipped with the code."""
SHIPPED = FolderStore(SHIPPED_DIR)
"""The same folder as a store."""
CERTIFICATE = "backbone.json"


def save_backbone(store: ArtefactStore, state: ShardState, provenance: Mapping[str, Any]) -> ModelRef:
    """Writes the network and its certificate; returns the ref of the new checkpoint. Files of older backbones stay.

    ``provenance`` is plain JSON: data, training and scores. ``as_of``, ``kind`` and ``seed`` are part of the version.

    Raises:
        CheckpointError: the files cannot be written.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    (ref,) = save_shard(store, state, {BACKBONE: provenance})
    write_certificate(store, {"model_version": ref.model_version, "artefact": ref.artefact, **provenance})
    return ref


def backbone_version(state: ShardState, provenance: Mapping[str, Any]) -> str:
    """The ``model_version`` that ``save_backbone`` would give the network; writes nothing."""
    (version,) = model_versions(state, {BACKBONE: provenance})
    return version


def write_certificate(store: ArtefactStore, certificate: Mapping[str, Any]) -> None:
    """Replaces the backbone's certificate atomically.

    Raises:
        CheckpointError: it cannot be written.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    store.write(CERTIFICATE, (json.dumps(certificate, indent=2) + "\n").encode())


def read_certificate(store: ArtefactStore = SHIPPED) -> dict[str, Any]:
    """The certificate of the store's backbone.

    Raises:
        CheckpointError: there is none, it cannot be read, or it does not name a model version and its file.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    place = store.place_of(CERTIFICATE)
    try:
        value: Any = json.loads(store.read(CERTIFICATE))
    except (CheckpointError, ValueError) as error:
        message = f"{place} is no readable backbone ({error}); train one with `make pretrain`."
        raise CheckpointError(message) from error
    if not isinstance(value, dict) or not {"model_version", "artefact"} <= set(value):
        message = f"{place} names no model version and artefact; train a backbone with `make pretrain`."
        raise CheckpointError(message)
    return value


def load_backbone(config: ModelConfig, store: ArtefactStore = SHIPPED) -> Backbone:
    """The backbone of a store; its weights are checked against the hash in ``model_version``.

    Raises:
        CheckpointError: there is none, it is damaged, or it has another model config.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    certificate = read_certificate(store)
    ref = ModelRef(BACKBONE, str(certificate["model_version"]), str(certificate["artefact"]), 0)
    state, failures = load_tickers(store, [ref], config)
    if failures:
        raise CheckpointError(failures[BACKBONE])
    return Backbone(ref, state, store)


def start_from(backbone: ShardState, tickers: Sequence[str]) -> ShardState:
    """A shard in which every ticker has the backbone's weights. The tickers' parameters are views of one copy."""
    parameters = {name: part.expand(len(tickers), *part.shape[1:]) for name, part in backbone.parameters.items()}
    return ShardState(tuple(tickers), parameters, backbone.config)
