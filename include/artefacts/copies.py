"""Copies on this disk of what was read from an object store, so that an hour does not fetch the same weights again.

A copy's file name holds the hash of its content, which is checked at every read. A copy that does not match is
removed. The oldest copies leave when all together are larger than the limit. Any process may remove the folder.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Copies:
    """A folder of copies, of at most ``byte_limit`` bytes. A disk that fails costs a copy, never an artefact."""

    folder: Path
    byte_limit: int

    def read(self, name: str) -> bytes | None:
        """The copy of this file; None if there is no intact one."""
        for path in self.folder.glob(f"{name}.*"):
            with suppress(OSError):
                content = path.read_bytes()
                if path.name == _copy_name(name, content):
                    os.utime(path)  # the newest read leaves last
                    return content
                path.unlink()
        return None

    def write(self, name: str, content: bytes) -> None:
        """Stores a copy, and removes the ones read longest ago when there are too many bytes."""
        path = self.folder / _copy_name(name, content)
        temporary = self.folder / f".{secrets.token_hex(8)}.tmp"
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
            self._shrink()
        with suppress(OSError):
            temporary.unlink()

    def _shrink(self) -> None:
        found = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process has removed it
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        excess = sum(size for _, size, _ in found) - self.byte_limit
        for _, size, path in sorted(found):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def _copy_name(name: str, content: bytes) -> str:
    return f"{name}.{hashlib.sha256(content).hexdigest()[:32]}"
