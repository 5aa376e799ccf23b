"""Checkpoints: the networks of a shard as one stacked safetensors file, and a readable JSON beside it.

A file is named by its content and never changed. A ``model_version`` is a hash of one ticker's weights, config and
origin, and is computed again when the ticker is loaded, so what is loaded is what was saved, or a stated reason why
not, for that ticker alone. The JSON is for people; nothing reads it back. Knows nothing of the store.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from include.contracts import ModelRef
from include.errors import CheckpointError
from include.model.config import ModelConfig
from include.model.shard import ShardState, concat, initial_state
from include.model.transformer import parameter_shapes

FORMAT = 1
"""Layout of the file's metadata. Another number is refused."""
IDENTITY_KEYS = ("as_of", "kind", "parent_version", "seed")
"""What of a ticker's provenance goes into its model_version. The rest (a clock's time, losses) only lies beside."""
_METADATA_KEY = "hourcast"  # one key only: the order of several is not fixed, and the file's bytes must be


def save_shard(folder: Path, state: ShardState, provenance: Mapping[str, Mapping[str, Any]]) -> list[ModelRef]:
    """Where each ticker's network now lies, in the shard's order. Saving the same thing again changes no file.

    ``provenance[ticker]`` is plain JSON (as_of, kind, parent_version, seed, code_version, losses, ...).
    The file appears complete or not at all.

    Raises:
        CheckpointError: a ticker has no provenance, or the folder cannot be written.
    """
    if not state.tickers:
        return []
    description, tensors = _content(state, provenance)
    content = save(tensors, metadata={_METADATA_KEY: _canonical(description)})
    stem = f"shard-{hashlib.sha256(content).hexdigest()[:32]}"
    versions = model_versions(state, provenance)
    readable = {
        **description,
        "rows": [
            {"ticker": ticker, "row": k, "model_version": versions[k], **provenance[ticker]}
            for k, ticker in enumerate(state.tickers)
        ],
    }
    _write_once(folder / f"{stem}.safetensors", content)
    if not (folder / f"{stem}.json").exists():
        _write_once(folder / f"{stem}.json", (json.dumps(readable, indent=2, sort_keys=True) + "\n").encode())
    return [ModelRef(t, versions[k], f"{stem}.safetensors", k) for k, t in enumerate(state.tickers)]


def model_versions(state: ShardState, provenance: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the versions of the shard's networks would be called, in its order; nothing is written.

    Raises:
        CheckpointError: a ticker has no provenance.
    """
    description, tensors = _content(state, provenance)
    return [_version(tensors, row, description, k) for k, row in enumerate(description["rows"])]


def load_tickers(folder: Path, refs: Sequence[ModelRef], config: ModelConfig) -> tuple[ShardState, dict[str, str]]:
    """The networks of those refs that can be trusted, in the refs' order, and for every other ticker the reason.

    Each file is read once. A file that is missing, cut off or foreign fails its own tickers, a changed byte only the
    ticker whose byte it is.
    """
    files: dict[str, _Artefact | CheckpointError] = {}
    loaded: list[ShardState] = []
    failures: dict[str, str] = {}
    for ref in refs:
        if ref.artefact not in files:
            files[ref.artefact] = _open(folder, ref.artefact, config)
        try:
            loaded.append(_load_ticker(files[ref.artefact], ref, config))
        except CheckpointError as error:
            failures[ref.ticker] = str(error)
    return (concat(loaded) if loaded else initial_state((), config, ())), failures


class _Artefact:
    """An opened file: its stacked tensors, and what it says of its rows."""

    def __init__(self, tensors: dict[str, Tensor], description: dict[str, Any]) -> None:
        self.tensors = tensors
        self.description = description


def _open(folder: Path, artefact: str, config: ModelConfig) -> _Artefact | CheckpointError:
    """The file's content, or why none of its rows can be trusted."""
    try:
        return _read(folder, artefact, config)
    except CheckpointError as error:
        return error


def _read(folder: Path, artefact: str, config: ModelConfig) -> _Artefact:
    if Path(artefact).name != artefact:
        message = f"{artefact}: an artefact is a plain file name inside the models folder; this one leads elsewhere."
        raise CheckpointError(message)
    try:
        with safe_open(folder / artefact, framework="pt") as file:
            text = (file.metadata() or {}).get(_METADATA_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except FileNotFoundError as error:
        message = f"{artefact} is missing from the models folder; an earlier version has to serve."
        raise CheckpointError(message) from error
    except (SafetensorError, OSError) as error:
        message = f"{artefact} cannot be read ({error}); an earlier version has to serve."
        raise CheckpointError(message) from error
    description = _description(artefact, text)
    if description["config"] != config.to_dict():
        message = f"{artefact} was made for another model config: {description['config']}, wanted {config.to_dict()}."
        raise CheckpointError(message)
    shapes = {name: (len(description["rows"]), *shape) for name, shape in parameter_shapes(config).items()}
    if shapes != {name: tuple(value.shape) for name, value in tensors.items()}:
        message = f"{artefact} does not hold the tensors of its own config; an earlier version has to serve."
        raise CheckpointError(message)
    return _Artefact(tensors, description)


def _description(artefact: str, text: str | None) -> dict[str, Any]:
    """What a file says of itself, if it is one of ours."""
    try:
        value: Any = json.loads(text or "")
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or value.get("format") != FORMAT or not {"config", "rows"} <= set(value):
        message = f"{artefact} was not written by this version of Hourcast (format {FORMAT})."
        raise CheckpointError(message)
    return value


def _load_ticker(artefact: _Artefact | CheckpointError, ref: ModelRef, config: ModelConfig) -> ShardState:
    if isinstance(artefact, CheckpointError):
        raise artefact
    rows = artefact.description["rows"]
    if not 0 <= ref.row < len(rows) or rows[ref.row]["ticker"] != ref.ticker:
        message = f"{ref.artefact}: row {ref.row} is not {ref.ticker}'s."
        raise CheckpointError(message)
    if _version(artefact.tensors, rows[ref.row], artefact.description, ref.row) != ref.model_version:
        message = f"{ref.artefact}: the weights of {ref.ticker} are not those of model version {ref.model_version}."
        raise CheckpointError(message)
    parameters = {name: artefact.tensors[name][ref.row : ref.row + 1] for name in parameter_shapes(config)}
    return ShardState((ref.ticker,), parameters, config)


def _version(tensors: Mapping[str, Tensor], row: dict[str, Any], description: dict[str, Any], k: int) -> str:
    """SHA-256 in hex of one ticker's origin, config and weights, each weight under its name and type."""
    digest = hashlib.sha256(_canonical({**description, "rows": [row]}).encode())
    for name in sorted(tensors):
        digest.update(f"{name}:{tensors[name].dtype}:".encode())
        digest.update(tensors[name][k].numpy().tobytes())
    return digest.hexdigest()


def _content(
    state: ShardState, provenance: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a shard's file says of itself, and its tensors.

    Raises:
        CheckpointError: a ticker has no provenance.
    """
    missing = sorted(set(state.tickers) - set(provenance))
    if missing:
        message = f"{', '.join(missing)}: no provenance given; say at least as_of, kind and seed."
        raise CheckpointError(message)
    rows = [{"ticker": ticker, "identity": _identity(provenance[ticker])} for ticker in state.tickers]
    description = {"format": FORMAT, "config": state.config.to_dict(), "rows": rows}
    return description, {name: value.detach().contiguous() for name, value in state.parameters.items()}


def _identity(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {key: provenance.get(key) for key in IDENTITY_KEYS}


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _write_once(path: Path, content: bytes) -> None:
    """Makes ``path`` hold ``content``, all of it or nothing, and survive a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_bytes() == content:
            return
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        message = f"{path} cannot be written ({error}); free some space or give the folder back to this user."
        raise CheckpointError(message) from error


def _sync_folder(folder: Path) -> None:
    """A rename is safe only once the folder itself is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
