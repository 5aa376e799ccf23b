"""Versions of question sets, v1, v2 and so on: their files, and a manifest with sources, licences and hashes.

A version is never changed. The same questions are the same version, however often they are made. Where next:
``splitting.py`` for how the two sides come about.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from include.durable import exclusive, write_whole
from include.errors import CheckpointError, InvalidRequestError
from language.examples import Example, from_lines, to_lines
from language.folders import read_json, write_folder, write_json
from language.splitting import Split

_VERSION: Final = re.compile(r"v([1-9]\d*)")
_SIDES: Final = ("train", "test")


@dataclass(frozen=True)
class Origin:
    """Where questions are from: ``name`` is a filing's receipt or a file's name, ``sha256`` that of its content."""

    name: str
    source: str
    licence: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """A version with its questions."""

    version: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    manifest: dict[str, Any]

    @property
    def sha256(self) -> str:
        """A hash over all questions and their sides."""
        return str(self.manifest["sha256"])


def save_data_set(folder: Path, split: Split, origins: Sequence[Origin], made: dict[str, Any], as_of: datetime) -> str:
    """Stores the questions as the next version, or finds the version that has the same; its name.

    ``made`` are the settings that the questions were made with. ``as_of`` (UTC) bounds the filings.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"train": to_lines(split.train), "test": to_lines(split.test)}
    digest = hashlib.sha256(b"\0".join(contents[side] for side in _SIDES)).hexdigest()
    with exclusive(folder / ".lock"):
        versions = data_set_versions(folder)
        for version in versions:
            if read_json(folder / version / "manifest.json")["sha256"] == digest:
                return version
        version = f"v{int(versions[-1][1:]) + 1 if versions else 1}"
        manifest = {
            "version": version,
            "sha256": digest,
            "files": {f"{side}.jsonl": hashlib.sha256(contents[side]).hexdigest() for side in _SIDES},
            "as_of": as_of.isoformat(),
            "made": made,
            "counts": {"train": _counts(split.train), "test": _counts(split.test)},
            "dropped": split.dropped,
            "origins": [asdict(origin) for origin in origins],
        }

        def fill(draft: Path) -> None:
            for side in _SIDES:
                write_whole(draft / f"{side}.jsonl", contents[side])
            write_json(draft / "manifest.json", manifest)

        write_folder(folder / version, fill)
    return version


def load_data_set(folder: Path, version: str) -> DataSet:
    """A version with its questions, checked against its hashes.

    Raises:
        InvalidRequestError: there is no such version.
        CheckpointError: a file is missing, or was changed.
        DataContractError: a line is no question.
    """
    known = data_set_versions(folder)
    if version not in known:
        message = f"There is no data set {version!r} in {folder}; there are: {', '.join(known) or 'none'}."
        raise InvalidRequestError(message)
    manifest = read_json(folder / version / "manifest.json")
    sides = {side: _read_side(folder / version / f"{side}.jsonl", manifest) for side in _SIDES}
    return DataSet(version, tuple(sides["train"]), tuple(sides["test"]), manifest)


def data_set_versions(folder: Path) -> list[str]:
    """The names of all versions, oldest first."""
    names = [path.name for path in folder.iterdir() if _VERSION.fullmatch(path.name)] if folder.exists() else []
    return sorted(names, key=lambda name: int(name[1:]))


def _read_side(path: Path, manifest: dict[str, Any]) -> list[Example]:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read ({error}); restore it from a backup, or make another data set."
        raise CheckpointError(message) from error
    if hashlib.sha256(content).hexdigest() != manifest["files"][path.name]:
        message = f"{path} was changed: its SHA-256 is not the manifest's; restore it, or make another data set."
        raise CheckpointError(message)
    return from_lines(content, path.name)


def _counts(examples: Sequence[Example]) -> dict[str, int]:
    """Questions by kind, and the companies and filings that they are about."""
    kinds = sorted({str(example.kind) for example in examples})
    found = {kind: sum(example.kind == kind for example in examples) for kind in kinds}
    receipts = {example.receipt for example in examples if example.receipt}
    return found | {
        "questions": len(examples),
        "groups": len({example.group for example in examples}),
        "filings": len(receipts),
    }
