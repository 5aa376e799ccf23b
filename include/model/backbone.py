"""The backbone that is shipped: its weights, their birth certificate, and tickers that start from it.

The folder ``pretrained`` holds one artefact (``checkpoint.py``) and ``backbone.json``, which names it and says what
made it: data, cut-off date, seed, hash of the code, scores. A backbone of another shape than the settings ask for is
refused, and a ticker then starts from nothing. Made by ``include/pipeline/pretrain.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from include.contracts import ModelRef
from include.errors import CheckpointError
from include.model.checkpoint import load_tickers, save_shard
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
    certificate = {"model_version": ref.model_version, "artefact": ref.artefact, **birth}
    try:
        (folder / CERTIFICATE).write_text(json.dumps(certificate, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        message = f"{folder / CERTIFICATE} cannot be written ({error}); give the folder to this user."
        raise CheckpointError(message) from error
    return ref


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
    """A shard whose every ticker has the backbone's weights."""
    copies = backbone.select([0] * len(tickers))
    return ShardState(tuple(tickers), copies.parameters, copies.config)
