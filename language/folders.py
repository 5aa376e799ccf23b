"""Folders and files that appear as a whole and survive a power failure: written aside, flushed, renamed.

Where next: ``data_sets.py`` and ``runs.py``, which keep their results this way.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.durable import sync, write_whole
from include.errors import CheckpointError


def write_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Makes ``folder``, which must not exist, from what ``fill`` writes into a folder beside it.

    A process that is killed leaves a folder ``.NAME.draft``, which the next call replaces.

    Raises:
        OSError: there is no space, or no right to write.
    """
    draft = folder.with_name(f".{folder.name}.draft")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    fill(draft)
    sync_tree(draft)
    draft.rename(folder)
    sync(folder.parent)


def sync_tree(folder: Path) -> None:
    """Writes all files of a folder and its names to the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            sync(Path(place) / name)
        sync(Path(place))


def write_json(path: Path, values: Any) -> None:  # noqa: ANN401  # whatever JSON can hold
    """Replaces a file by values as JSON, keys in order; on the disk on return."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> Any:  # noqa: ANN401  # as above
    """The values of a JSON file.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read ({error}); restore it from a backup, or repeat the step that writes it."
        raise CheckpointError(message) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes_of(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below a folder, by its path there."""
    return {str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Whether this process alone holds the lock ``path``; if so, until the end of the block or of the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
