"""Checkpoints: the networks of a shard as one stacked safetensors file, and a JSON file with the same name for readers.

A file is named by a hash of its content and is never changed. If the tickers' networks start from a backbone, the file
contains only the tensors that differ from the backbone's, which has a file of its own. A ``model_version`` is a hash of
all of a ticker's weights, its config and its provenance; it does not depend on how they are stored. It is computed
again when the ticker is loaded. So a ticker's network is loaded exactly as it was saved, or the ticker fails with a
reason; the other tickers of the file are not affected. The JSON file is never read by the code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from include.artefacts.store import ArtefactStore
from include.contracts import ModelRef
from include.errors import CheckpointError
from include.model.config import ModelConfig
from include.model.shard import ShardState, concat, initial_state
from include.model.transformer import parameter_shapes

FORMAT = 1
"""Format of a file with all tensors of all rows."""
DELTA_FORMAT = 2
"""Format of a file that names a base file and has, for each tensor, the rows that differ. There is no other format."""
IDENTITY_KEYS = ("as_of", "kind", "parent_version", "seed")
"""Keys of a ticker's provenance that are part of its ``model_version``. The other keys (losses, times) are not."""
_METADATA_KEY = "hourcast"  # one key: safetensors does not fix the order of several, and the bytes must be the same
_SHARD_NAME = re.compile(r"shard-([0-9a-f]{32})\.safetensors")
_BASE_NAME = re.compile(r"base-([0-9a-f]{64})\.safetensors")

BACKBONE = "backbone"
"""The name of a backbone's row. A ticker's row has the ticker as its name."""


@dataclass(frozen=True)
class Backbone:
    """The network that the tickers' models start from: its weights (a state of one row) and its file."""

    ref: ModelRef
    """Its ``model_version``, and its file and row in ``store``."""
    state: ShardState
    store: ArtefactStore
    is_shipped: bool = False
    """Whether it is the backbone that is shipped with the code."""

    @property
    def version(self) -> str:
        """Its ``model_version``."""
        return self.ref.model_version


def save_shard(
    store: ArtefactStore,
    state: ShardState,
    provenance: Mapping[str, Mapping[str, Any]],
    backbone: Backbone | None = None,
) -> list[ModelRef]:
    """Writes the shard's checkpoint; returns each ticker's ref, in the shard's order.

    ``provenance[ticker]`` is plain JSON (as_of, kind, parent_version, seed, code_version, losses, ...). A tensor that
    equals the ``backbone``'s bit for bit is not stored again. Files are written atomically. Saving the same shard again
    changes no file.

    Raises:
        CheckpointError: a ticker has no provenance, or the files cannot be written.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    if not state.tickers:
        return []
    description, tensors = _content(state, provenance)
    versions = model_versions(state, provenance)
    if backbone is not None:
        description, tensors = _delta(backbone, description, tensors)
    content = save(tensors, metadata={_METADATA_KEY: _canonical(description)})
    stem = f"shard-{hashlib.sha256(content).hexdigest()[:32]}"
    readable = {
        **description,
        "rows": [
            {"ticker": ticker, "row": k, "model_version": versions[k], **provenance[ticker]}
            for k, ticker in enumerate(state.tickers)
        ],
    }
    store.write(f"{stem}.safetensors", content)
    if not store.exists(f"{stem}.json"):
        store.write(f"{stem}.json", (json.dumps(readable, indent=2, sort_keys=True) + "\n").encode())
    return [ModelRef(t, versions[k], f"{stem}.safetensors", k) for k, t in enumerate(state.tickers)]


def keep_backbone(store: ArtefactStore, backbone: Backbone) -> Backbone:
    """A copy of the backbone in ``store``, in a file that is named by its version.

    Raises:
        CheckpointError: its file cannot be read, or the copy cannot be written.
        ArtefactStoreUnavailableError: a store cannot be reached now.
    """
    ref = backbone_ref(backbone.ref.ticker, backbone.version)
    try:
        content = backbone.store.read(backbone.ref.artefact)
    except CheckpointError as error:
        source = backbone.store.place_of(backbone.ref.artefact)
        message = f"{source} cannot be read ({error}) Restore the file, or train a backbone with `make pretrain`."
        raise CheckpointError(message) from error
    store.write(ref.artefact, content)
    return Backbone(ref, backbone.state, store, backbone.is_shipped)


def backbone_ref(name: str, version: str) -> ModelRef:
    """The ref of the backbone of this name and version after ``keep_backbone``."""
    return ModelRef(name, version, f"base-{version}.safetensors", 0)


def model_versions(state: ShardState, provenance: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The ``model_version``s that ``save_shard`` would give the shard's networks, in its order; writes nothing.

    Raises:
        CheckpointError: a ticker has no provenance.
    """
    description, tensors = _content(state, provenance)
    return [_version(tensors, row, state.config, k) for k, row in enumerate(description["rows"])]


def is_intact(name: str, content: bytes) -> bool | None:
    """Whether a file's content is what its name says; None for files whose names say nothing about it.

    A shard's file is named by its hash. A backbone's is named by its ``model_version``, which is computed again.
    """
    if found := _SHARD_NAME.fullmatch(name):
        return hashlib.sha256(content).hexdigest().startswith(found[1])
    if found := _BASE_NAME.fullmatch(name):
        try:
            file = _parsed(name, content)
            config = ModelConfig.from_dict(file.description["config"])
            return _version(file.tensors, file.description["rows"][0], config, 0) == found[1]
        except (CheckpointError, IndexError, KeyError, TypeError):
            return False
    return None


def load_tickers(
    store: ArtefactStore, refs: Sequence[ModelRef], config: ModelConfig
) -> tuple[ShardState, dict[str, str]]:
    """The networks of the refs that can be read and verified, in their order; for the other tickers the reason.

    Each file is read once. If a file is missing, truncated or not a checkpoint, all its tickers fail. If the bytes of
    one ticker's weights have changed, only this ticker fails.

    Raises:
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    files = _Files(store, config)
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
    """The content of a file: its stacked tensors, and the description of its rows."""

    tensors: dict[str, Tensor]
    description: dict[str, Any]


class _Files:
    """The checkpoint files of a store; each is read once."""

    def __init__(self, store: ArtefactStore, config: ModelConfig) -> None:
        self._store = store
        self._config = config
        self._opened: dict[str, _Artefact | CheckpointError] = {}
        self._bases: dict[ModelRef, dict[str, Tensor]] = {}

    def weights(self, ref: ModelRef, *, is_base: bool = False) -> dict[str, Tensor]:
        """One ticker's tensors, each ``[1, ...]``.

        Raises:
            CheckpointError: they cannot be read, or they do not have the ``model_version`` of the ref.
        """
        artefact = self._open(ref.artefact)
        rows = artefact.description["rows"]
        if not 0 <= ref.row < len(rows) or rows[ref.row]["ticker"] != ref.ticker:
            message = f"{ref.artefact}: row {ref.row} does not belong to {ref.ticker}."
            raise CheckpointError(message)
        if artefact.description["format"] == FORMAT:
            tensors = {name: value[ref.row : ref.row + 1] for name, value in artefact.tensors.items()}
        elif is_base:
            message = f"{ref.artefact} depends on another file; such a file cannot be the base of a third."
            raise CheckpointError(message)
        else:
            tensors = self._completed(artefact, ref)
        if _version(tensors, rows[ref.row], self._config, 0) != ref.model_version:
            message = f"{ref.artefact}: the weights of {ref.ticker} are not those of model version {ref.model_version}."
            raise CheckpointError(message)
        return tensors

    def _completed(self, artefact: _Artefact, ref: ModelRef) -> dict[str, Tensor]:
        """The tensors of a row that differ from its base, and the base's for all others."""
        try:
            base = ModelRef(**artefact.description["base"])
            if base not in self._bases:
                self._bases[base] = self.weights(base, is_base=True)
        except (CheckpointError, TypeError) as error:
            message = (
                f"{ref.artefact} needs a base file that cannot be read ({error}); an earlier version has to serve."
            )
            raise CheckpointError(message) from error
        tensors = dict(self._bases[base])
        for name, kept in artefact.description["kept"].items():
            if ref.row in kept:
                place = kept.index(ref.row)
                tensors[name] = artefact.tensors[name][place : place + 1]
        return tensors

    def _open(self, artefact: str) -> _Artefact:
        """The content of the file. An error is cached, too, and raised again for each of its rows."""
        if artefact not in self._opened:
            try:
                self._opened[artefact] = _read(self._store, artefact, self._config)
            except CheckpointError as error:
                self._opened[artefact] = error
        found = self._opened[artefact]
        if isinstance(found, CheckpointError):
            raise found
        return found


def _read(store: ArtefactStore, artefact: str, config: ModelConfig) -> _Artefact:
    file = _parsed(artefact, store.read(artefact))
    description, tensors = file.description, file.tensors
    if description["config"] != config.to_dict():
        message = f"{artefact} has another model config: {description['config']} instead of {config.to_dict()}."
        raise CheckpointError(message)
    if _shapes(description, config) != {name: tuple(value.shape) for name, value in tensors.items()}:
        message = f"{artefact} does not contain the tensors of its config; an earlier version has to serve."
        raise CheckpointError(message)
    return file


def _parsed(artefact: str, content: bytes) -> _Artefact:
    """The tensors and the description in a file's content.

    Raises:
        CheckpointError: it is no file of ours, or cut off.
    """
    try:
        tensors = load(content)
        header: Any = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])  # checked by ``load``
    except (SafetensorError, ValueError) as error:
        message = f"{artefact} cannot be read ({error}); an earlier version has to serve."
        raise CheckpointError(message) from error
    return _Artefact(tensors, _description(artefact, header.get("__metadata__", {}).get(_METADATA_KEY)))


def _shapes(description: Mapping[str, Any], config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shapes that a file's tensors must have according to its description, by name."""
    every = parameter_shapes(config)
    if description["format"] == FORMAT:
        return {name: (len(description["rows"]), *shape) for name, shape in every.items()}
    return {name: (len(rows), *every.get(name, ())) for name, rows in description["kept"].items()}


def _description(artefact: str, text: str | None) -> dict[str, Any]:
    """A file's description: its format, config and rows, from its metadata.

    Raises:
        CheckpointError: it has none, or another format.
    """
    try:
        loaded: Any = json.loads(text or "")
    except (json.JSONDecodeError, RecursionError):
        loaded = None
    value: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
    known = value.get("format")
    needed = {"config", "rows", "base", "kept"} if known == DELTA_FORMAT else {"config", "rows"}
    if known not in (FORMAT, DELTA_FORMAT) or not needed <= set(value) or not _is_well_formed(value):
        message = f"{artefact} was not written by this version of Hourcast (formats {FORMAT} and {DELTA_FORMAT})."
        raise CheckpointError(message)
    return value


def _is_well_formed(value: Mapping[str, Any]) -> bool:
    """Whether rows and kept have the types that reading them needs."""
    rows, kept = value["rows"], value.get("kept", {})
    is_table = isinstance(rows, list) and all(isinstance(row, dict) and "ticker" in row for row in rows)
    return is_table and isinstance(kept, dict) and all(isinstance(places, list) for places in kept.values())


def _version(tensors: Mapping[str, Tensor], row: dict[str, Any], config: ModelConfig, k: int) -> str:
    """SHA-256 in hex of one ticker's provenance, config and weights, with the name and type of each weight."""
    identity = {"format": FORMAT, "config": config.to_dict(), "rows": [row]}  # the same for files of both formats
    digest = hashlib.sha256(_canonical(identity).encode())
    for name in sorted(tensors):
        digest.update(f"{name}:{tensors[name].dtype}:".encode())
        digest.update(tensors[name][k].numpy().tobytes())
    return digest.hexdigest()


def _delta(
    backbone: Backbone, description: dict[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and tensors without the rows that equal the backbone's bit for bit."""
    kept = {name: _different_rows(value, backbone.state.parameters[name]) for name, value in tensors.items()}
    kept = {name: rows for name, rows in kept.items() if rows}
    description = {**description, "format": DELTA_FORMAT, "base": asdict(backbone.ref), "kept": kept}
    return description, {name: tensors[name][rows] for name, rows in kept.items()}


def _different_rows(value: Tensor, base: Tensor) -> list[int]:
    same = base[0].detach().numpy().tobytes()
    return [k for k, row in enumerate(value) if row.dtype != base.dtype or row.numpy().tobytes() != same]


def _content(
    state: ShardState, provenance: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description of a shard's file, and its tensors.

    Raises:
        CheckpointError: a ticker has no provenance.
    """
    missing = sorted(set(state.tickers) - set(provenance))
    if missing:
        message = f"{', '.join(missing)}: no provenance; pass at least as_of, kind and seed."
        raise CheckpointError(message)
    rows = [{"ticker": ticker, "identity": _identity(provenance[ticker])} for ticker in state.tickers]
    description = {"format": FORMAT, "config": state.config.to_dict(), "rows": rows}
    return description, {name: value.detach().contiguous() for name, value in state.parameters.items()}


def _identity(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {key: provenance.get(key) for key in IDENTITY_KEYS}


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
