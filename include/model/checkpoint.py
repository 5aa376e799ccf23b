"""Checkpoints: the networks of a shard as one stacked safetensors file, and a readable JSON beside it.

A file is named by its content and never changed. Beside a base (the backbone, in a file of its own) it holds only the
tensors that differ from it. A ``model_version`` is a hash of all of one ticker's weights, its config and origin,
however they are stored, and is computed again when the ticker is loaded: what is loaded is what was saved, or a stated
reason why not, for that ticker alone. The JSON is for people; nothing reads it back. Knows nothing of the store.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
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
"""Layout of a file that holds every tensor of every row."""
DELTA_FORMAT = 2
"""Layout of a file that names a base and holds, tensor by tensor, the rows that differ from it. Others are refused."""
IDENTITY_KEYS = ("as_of", "kind", "parent_version", "seed")
"""What of a ticker's provenance goes into its model_version. The rest (a clock's time, losses) only lies beside."""
_METADATA_KEY = "hourcast"  # one key only: the order of several is not fixed, and the file's bytes must be


@dataclass(frozen=True)
class Base:
    """A network that others descend from, where it lies in the same folder, and its weights: a state of one row."""

    ref: ModelRef
    state: ShardState


def save_shard(
    folder: Path, state: ShardState, provenance: Mapping[str, Mapping[str, Any]], base: Base | None = None
) -> list[ModelRef]:
    """Where each ticker's network now lies, in the shard's order. Saving the same thing again changes no file.

    ``provenance[ticker]`` is plain JSON (as_of, kind, parent_version, seed, code_version, losses, ...). What equals
    ``base`` to the last bit is not stored again. The file appears complete or not at all.

    Raises:
        CheckpointError: a ticker has no provenance, or the folder cannot be written.
    """
    if not state.tickers:
        return []
    description, tensors = _content(state, provenance)
    versions = model_versions(state, provenance)
    if base is not None:
        description, tensors = _beside(base, description, tensors)
    content = save(tensors, metadata={_METADATA_KEY: _canonical(description)})
    stem = f"shard-{hashlib.sha256(content).hexdigest()[:32]}"
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


def keep_base(folder: Path, base: Base, source: Path) -> Base:
    """The same base as a file of ``folder``, copied from ``source`` and named by its version, so that it can be found.

    Raises:
        CheckpointError: ``source`` cannot be read, or the folder cannot be written.
    """
    ref = base_ref(base.ref.ticker, base.ref.model_version)
    try:
        content = (source / base.ref.artefact).read_bytes()
    except OSError as error:
        message = f"{source / base.ref.artefact} cannot be read ({error})."
        raise CheckpointError(message) from error
    _write_once(folder / ref.artefact, content)
    return Base(ref, base.state)


def base_ref(name: str, version: str) -> ModelRef:
    """Where ``keep_base`` puts the base of this name and version."""
    return ModelRef(name, version, f"base-{version}.safetensors", 0)


def model_versions(state: ShardState, provenance: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the versions of the shard's networks would be called, in its order; nothing is written.

    Raises:
        CheckpointError: a ticker has no provenance.
    """
    description, tensors = _content(state, provenance)
    return [_version(tensors, row, state.config, k) for k, row in enumerate(description["rows"])]


def load_tickers(folder: Path, refs: Sequence[ModelRef], config: ModelConfig) -> tuple[ShardState, dict[str, str]]:
    """The networks of those refs that can be trusted, in the refs' order, and for every other ticker the reason.

    Each file is read once. A file that is missing, cut off or foreign fails its own tickers, a changed byte only the
    ticker whose byte it is.
    """
    files = _Files(folder, config)
    loaded: list[ShardState] = []
    failures: dict[str, str] = {}
    for ref in refs:
        try:
            loaded.append(ShardState((ref.ticker,), files.weights(ref), config))
        except CheckpointError as error:
            failures[ref.ticker] = str(error)
    return (concat(loaded) if loaded else initial_state((), config, ())), failures


@dataclass(frozen=True)
class _Artefact:
    """An opened file: its stacked tensors, and what it says of its rows."""

    tensors: dict[str, Tensor]
    description: dict[str, Any]


class _Files:
    """The files of a folder, each opened once."""

    def __init__(self, folder: Path, config: ModelConfig) -> None:
        self._folder = folder
        self._config = config
        self._opened: dict[str, _Artefact | CheckpointError] = {}
        self._bases: dict[ModelRef, dict[str, Tensor]] = {}

    def weights(self, ref: ModelRef, *, is_base: bool = False) -> dict[str, Tensor]:
        """One ticker's tensors, each ``[1, ...]``, checked against the hash that the ref names."""
        artefact = self._open(ref.artefact)
        rows = artefact.description["rows"]
        if not 0 <= ref.row < len(rows) or rows[ref.row]["ticker"] != ref.ticker:
            message = f"{ref.artefact}: row {ref.row} is not {ref.ticker}'s."
            raise CheckpointError(message)
        if artefact.description["format"] == FORMAT:
            tensors = {name: value[ref.row : ref.row + 1] for name, value in artefact.tensors.items()}
        elif is_base:
            message = f"{ref.artefact} stands on another file; it cannot be the base of one."
            raise CheckpointError(message)
        else:
            tensors = self._completed(artefact, ref)
        if _version(tensors, rows[ref.row], self._config, 0) != ref.model_version:
            message = f"{ref.artefact}: the weights of {ref.ticker} are not those of model version {ref.model_version}."
            raise CheckpointError(message)
        return tensors

    def _completed(self, artefact: _Artefact, ref: ModelRef) -> dict[str, Tensor]:
        """The tensors that a row keeps, and its base's where it keeps none."""
        try:
            base = ModelRef(**artefact.description["base"])
            if base not in self._bases:
                self._bases[base] = self.weights(base, is_base=True)
        except (CheckpointError, TypeError) as error:
            message = f"{ref.artefact} stands on a base that cannot be had ({error}); an earlier version has to serve."
            raise CheckpointError(message) from error
        tensors = dict(self._bases[base])
        for name, kept in artefact.description["kept"].items():
            if ref.row in kept:
                place = kept.index(ref.row)
                tensors[name] = artefact.tensors[name][place : place + 1]
        return tensors

    def _open(self, artefact: str) -> _Artefact:
        """The file's content; why none of its rows can be trusted is remembered, too."""
        if artefact not in self._opened:
            try:
                self._opened[artefact] = _read(self._folder, artefact, self._config)
            except CheckpointError as error:
                self._opened[artefact] = error
        found = self._opened[artefact]
        if isinstance(found, CheckpointError):
            raise found
        return found


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
    if _shapes(description, config) != {name: tuple(value.shape) for name, value in tensors.items()}:
        message = f"{artefact} does not hold the tensors of its own config; an earlier version has to serve."
        raise CheckpointError(message)
    return _Artefact(tensors, description)


def _shapes(description: Mapping[str, Any], config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """What a file's tensors must look like, by what it says of itself."""
    every = parameter_shapes(config)
    if description["format"] == FORMAT:
        return {name: (len(description["rows"]), *shape) for name, shape in every.items()}
    return {name: (len(rows), *every.get(name, ())) for name, rows in description["kept"].items()}


def _description(artefact: str, text: str | None) -> dict[str, Any]:
    """What a file says of itself, if it is one of ours."""
    try:
        loaded: Any = json.loads(text or "")
    except json.JSONDecodeError:
        loaded = None
    value: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
    known = value.get("format")
    needed = {"config", "rows", "base", "kept"} if known == DELTA_FORMAT else {"config", "rows"}
    if known not in (FORMAT, DELTA_FORMAT) or not needed <= set(value):
        message = f"{artefact} was not written by this version of Hourcast (formats {FORMAT} and {DELTA_FORMAT})."
        raise CheckpointError(message)
    return value


def _version(tensors: Mapping[str, Tensor], row: dict[str, Any], config: ModelConfig, k: int) -> str:
    """SHA-256 in hex of one ticker's origin, config and weights, each weight under its name and type."""
    identity = {"format": FORMAT, "config": config.to_dict(), "rows": [row]}  # one name, whatever the file's format is
    digest = hashlib.sha256(_canonical(identity).encode())
    for name in sorted(tensors):
        digest.update(f"{name}:{tensors[name].dtype}:".encode())
        digest.update(tensors[name][k].numpy().tobytes())
    return digest.hexdigest()


def _beside(
    base: Base, description: dict[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The same content without the rows of tensors that equal the base's bit for bit."""
    kept = {name: _different_rows(value, base.state.parameters[name]) for name, value in tensors.items()}
    kept = {name: rows for name, rows in kept.items() if rows}
    description = {**description, "format": DELTA_FORMAT, "base": asdict(base.ref), "kept": kept}
    return description, {name: tensors[name][rows] for name, rows in kept.items()}


def _different_rows(value: Tensor, base: Tensor) -> list[int]:
    same = base[0].detach().numpy().tobytes()
    return [k for k, row in enumerate(value) if row.dtype != base.dtype or row.numpy().tobytes() != same]


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
