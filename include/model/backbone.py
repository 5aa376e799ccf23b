"""A backbone's folder: its weights, their birth certificate, and tickers that start from it.

Such a folder holds one artefact (``checkpoint.py``) and ``backbone.json``, which names it and says what made it: data,
cut-off date, seed, hash of the code, scores. ``pretrained`` is the one that comes with the code. A backbone of another
shape than the settings ask for is refused. Made by ``include/pipeline/pretrain.py`` from a folder of bars, and by
``include/pipeline/backbones.py`` from those in Postgres.
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
from include.model.checkpoint import load_tickers, model_versions, save_shard
from include.model.config import ModelConfig
from include.model.pretrain import BACKBONE
from include.model.shard import ShardState

SHIPPED_DIR = Path(__file__).resolve().parent / "pretrained"
"""Where the backbone lies that comes with the code."""
CERTIFICATE = "backbone.json"


def save_backbone(folder: Path, state: ShardState, birth: Mapping[str, Any]) -> ModelRef:
    """Writes the network and its certificate; an older backbone's files stay until somebody removes them.

    ``birth`` is plain JSON: what trained it and how well it did. ``as_of``, ``kind`` and ``seed`` make its version.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    (ref,) = save_shard(folder, state, {BACKBONE: birth})
    write_certificate(folder, {"model_version": ref.model_version, "artefact": ref.artefact, **birth})
    return ref


def backbone_version(state: ShardState, birth: Mapping[str, Any]) -> str:
    """What ``save_backbone`` would call the network; nothing is written."""
    (version,) = model_versions(state, {BACKBONE: birth})
    return version


def write_certificate(folder: Path, certificate: Mapping[str, Any]) -> None:
    """Makes the folder's certificate say this, all of it or nothing.

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
    """What the folder says of its backbone.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    try:
        value: Any = json.loads((folder / CERTIFICATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{folder} holds no backbone that can be read ({error}); make one with `make pretrain`."
        raise CheckpointError(message) from error
    if not isinstance(value, dict) or not {"model_version", "artefact"} <= set(value):
        message = f"{folder / CERTIFICATE} does not name a model version and its artefact."
        raise CheckpointError(message)
    return value


def load_backbone(config: ModelConfig, folder: Path = SHIPPED_DIR) -> ShardState:
    """The backbone: a state of one network, of the name ``BACKBONE``, checked against its hash.

    Raises:
        CheckpointError: there is none, it is damaged, or it was made for another model config.
    """
    certificate = read_certificate(folder)
    ref = ModelRef(BACKBONE, str(certificate["model_version"]), str(certificate["artefact"]), 0)
    state, failures = load_tickers(folder, [ref], config)
    if failures:
        raise CheckpointError(failures[BACKBONE])
    return state


def start_from(backbone: ShardState, tickers: Sequence[str]) -> ShardState:
    """A shard whose every ticker has the backbone's weights: in memory once, however many tickers there are."""
    parameters = {name: part.expand(len(tickers), *part.shape[1:]) for name, part in backbone.parameters.items()}
    return ShardState(tuple(tickers), parameters, backbone.config)
