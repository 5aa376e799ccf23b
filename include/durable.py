"""Files that survive a power failure: written as a whole or not at all. Private files, and locks between processes.

Standard library only.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds a lock on ``path``; the kernel releases it when the process ends."""
    with path.open("w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replaces a file atomically by one that holds ``content``; it is on the disk on return.

    ``mode`` is what the process's umask then limits. A process that is killed leaves at most a file ``.NAME.*.tmp``.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def write_private(path: Path, text: str) -> None:
    """Replaces a file atomically by one of mode 0600 that holds ``text``; the content is on the disk on return."""
    write_whole(path, text.encode(), 0o600)


def sync(path: Path) -> None:
    """Writes a file's content, or a folder's names (renames, new files), to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
