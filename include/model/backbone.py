"""A backbone's folder: its weights and its certificate. Shards that start from a backbone.

The folder holds one checkpoint (``checkpoint.py``) and the certificate ``backbone.json``: the checkpoint's file name,
its ``model_version`` and its provenance (data, cut-off date, seed, hash of the code, scores). ``pretrained`` is the
folder of the backbone that is shipped with the code. A backbone whose config differs from that of the settings is
refused. ``include/pipeline/pretraining`` trains backbones, from a folder of bars or from the bars in Postgres.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from include.contracts import ModelRef
from include.errors import CheckpointError
from include.model.checkpoint import BACKBONE, Backbone, load_tickers, model_versions, save_shard
from include.model.config import ModelConfig
from include.model.shard import ShardState

SHIPPED_DIR = Path(__file__).resolve().parent / "pretrained"
"""Folder of the backbone that is shipped with the code."""
CERTIFICATE = "backbone.json"


def save_backbone(folder: Path, state: ShardState, provenance: Mapping[str, Any]) -> ModelRef:
    """Writes the network and its certificate; returns the ref of the new checkpoint. Files of older backbones stay.

    ``provenance`` is plain JSON: data, training and scores. ``as_of``, ``kind`` and ``seed`` are part of the version.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    (ref,) = save_shard(folder, state, {BACKBONE: provenance})
    write_certificate(folder, {"model_version": ref.model_version, "artefact": ref.artefact, **provenance})
    return ref


def backbone_version(state: ShardState, provenance: Mapping[str, Any]) -> str:
    """The ``model_version`` that ``save_backbone`` would give the network; writes nothing."""
    (version,) = model_versions(state, {BACKBONE: provenance})
    return version


def write_certificate(folder: Path, certificate: Mapping[str, Any]) -> None:
    """Replaces the folder's certificate atomically.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    path = folder / CERTIFICATE
    temporary = folder / f".{CERTIFICATE}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        temporary.write_text(json.dumps(certificate, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        message = f"{path} cannot be written ({error}); free some space or give the folder to this user."
        raise CheckpointError(message) from error


def read_certificate(folder: Path = SHIPPED_DIR) -> dict[str, Any]:
    """The certificate of the folder's backbone.

    Raises:
        CheckpointError: there is none, it cannot be read, or it does not name a model version and its file.
    """
    try:
        value: Any = json.loads((folder / CERTIFICATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{folder} has no readable backbone ({error}); train one with `make pretrain`."
        raise CheckpointError(message) from error
    if not isinstance(value, dict) or not {"model_version", "artefact"} <= set(value):
        message = f"{folder / CERTIFICATE} names no model version and artefact; train a backbone with `make pretrain`."
        raise CheckpointError(message)
    return value


def load_backbone(config: ModelConfig, folder: Path = SHIPPED_DIR) -> Backbone:
    """The backbone of a folder; its weights are checked against the hash in ``model_version``.

    Raises:
        CheckpointError: there is none, it is damaged, or it has another model config.
    """
    certificate = read_certificate(folder)
    ref = ModelRef(BACKBONE, str(certificate["model_version"]), str(certificate["artefact"]), 0)
    state, failures = load_tickers(folder, [ref], config)
    if failures:
        raise CheckpointError(failures[BACKBONE])
    return Backbone(ref, state, folder)


def start_from(backbone: ShardState, tickers: Sequence[str]) -> ShardState:
    """A shard in which every ticker has the backbone's weights. The tickers' parameters are views of one copy."""
    parameters = {name: part.expand(len(tickers), *part.shape[1:]) for name, part in backbone.parameters.items()}
    return ShardState(tuple(tickers), parameters, backbone.config)
