"""Reads artefacts without the product: is a file whole, and are a model's weights those that its hash names?

A file of weights is safetensors: the length of a JSON header (8 bytes, little endian), the header, the tensors. The
header's key ``hourcast`` describes the rows. A file of format 2 has only the rows that differ from a base file.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BYTES = {"F32": 4, "F64": 8, "I64": 8}
_NAMES = {"F32": "torch.float32", "F64": "torch.float64", "I64": "torch.int64"}


@dataclass(frozen=True)
class Tensor:
    """A stacked tensor: its type as the hash spells it, and the bytes of each row."""

    kind: str
    rows: tuple[bytes, ...]


@dataclass(frozen=True)
class Artefact:
    """A file of weights."""

    description: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


class Broken(Exception):  # noqa: N818  # a finding, not an error of this code
    """A file is missing or damaged, or has other weights than its name or its row says."""


def read_artefact(path: Path) -> Artefact:
    """The file's description and tensors.

    Raises:
        Broken: it is missing, truncated, or its name is not the hash of its content.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path.name} cannot be read"
        raise Broken(message) from error
    if path.name.startswith("shard-") and hashlib.sha256(content).hexdigest()[:32] != path.stem[len("shard-") :]:
        message = f"{path.name} has another content than its name says"
        raise Broken(message)
    try:
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        description = json.loads(header.pop("__metadata__")["hourcast"])
        data = content[8 + length :]
        return Artefact(description, {name: _tensor(entry, data) for name, entry in header.items()})
    except (struct.error, ValueError, KeyError, TypeError) as error:
        message = f"{path.name} is no file of weights ({error})"
        raise Broken(message) from error


def verify_model(folder: Path, artefact: str, row: int, model_version: str) -> None:
    """Passes if the row of the file has the weights that the ``model_version`` names.

    Raises:
        Broken: it has not.
    """
    found = read_artefact(folder / artefact)
    described = found.description["rows"]
    if not 0 <= row < len(described):
        message = f"{artefact} has no row {row}"
        raise Broken(message)
    weights = (
        {name: (tensor.kind, tensor.rows[row]) for name, tensor in found.tensors.items()}
        if (found.description["format"] == 1)
        else _completed(folder, found, row)
    )
    if _version(found.description["config"], described[row], weights) != model_version:
        message = f"{artefact} row {row}: other weights than those of {model_version[:12]}"
        raise Broken(message)


def verify_backbone(folder: Path, model_version: str) -> None:
    """Passes if the folder has the backbone of this version, as a file that is named by it.

    Raises:
        Broken: it has not.
    """
    verify_model(folder, f"base-{model_version}.safetensors", 0, model_version)


def _completed(folder: Path, found: Artefact, row: int) -> dict[str, tuple[str, bytes]]:
    base = found.description["base"]
    below = read_artefact(folder / base["artefact"])
    weights = {name: (tensor.kind, tensor.rows[base["row"]]) for name, tensor in below.tensors.items()}
    for name, kept in found.description["kept"].items():
        if row in kept:
            weights[name] = (found.tensors[name].kind, found.tensors[name].rows[kept.index(row)])
    return weights


def _version(config: object, row: object, weights: Mapping[str, tuple[str, bytes]]) -> str:
    digest = hashlib.sha256(_canonical({"format": 1, "config": config, "rows": [row]}))
    for name, (kind, content) in sorted(weights.items()):
        digest.update(f"{name}:{kind}:".encode() + content)
    return digest.hexdigest()


def _tensor(entry: Mapping[str, Any], data: bytes) -> Tensor:
    begin, end = entry["data_offsets"]
    row_count = entry["shape"][0]
    content = data[begin:end]
    size = _BYTES[entry["dtype"]]
    for length in entry["shape"][1:]:
        size *= length
    if len(content) != end - begin or size * row_count != len(content):
        message = "a tensor has too few bytes"
        raise ValueError(message)
    return Tensor(_NAMES[entry["dtype"]], tuple(content[k * size : (k + 1) * size] for k in range(row_count)))


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
