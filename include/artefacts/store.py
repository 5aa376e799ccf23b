"""The store of artefacts: what it can do, and a folder as the default store.

An artefact has a flat name and is written as a whole. It is never changed afterwards, except for a backbone's
certificate. This module does not know what is in an artefact: ``model/checkpoint.py`` does. Where next: ``objects.py``
for stores beyond this machine.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from include.durable import write_whole
from include.errors import CheckpointError


@dataclass(frozen=True)
class StoredFile:
    """The size of a stored file in bytes, and when it was written (UTC; None if the store does not say)."""

    byte_count: int
    modified_at: datetime | None


class ArtefactStore(Protocol):
    """A place for artefacts. All methods raise ArtefactStoreUnavailableError if it cannot be reached now."""

    def read(self, name: str) -> bytes:
        """The whole content of a file.

        Raises:
            CheckpointError: there is no such file, or it cannot be read.
        """

    def write(self, name: str, content: bytes) -> None:
        """Makes ``content`` the content of the file, atomically; does nothing if it is that already.

        Raises:
            CheckpointError: the file cannot be written.
        """

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""

    def files(self, prefix: str = "") -> dict[str, StoredFile]:
        """The files whose name starts with ``prefix``, by name, in order; without those of ``below``."""

    def remove(self, name: str) -> int:
        """Removes the file if there is one; the bytes that this freed.

        Raises:
            CheckpointError: it cannot be removed.
        """

    def below(self, *parts: str) -> ArtefactStore:
        """The store of the sub-folder ``parts``."""

    def place_of(self, name: str) -> str:
        """Where the file is, for messages; without a password."""


@dataclass(frozen=True)
class FolderStore:
    """Artefacts in a folder of a disk. Files are written aside, flushed to the disk, and renamed."""

    folder: Path

    def read(self, name: str) -> bytes:
        """The whole content of a file. Raises CheckpointError if there is none, or it cannot be read."""
        _require_name(name)
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError as error:
            message = f"{name} is missing from the models folder; an earlier version has to serve."
            raise CheckpointError(message) from error
        except OSError as error:
            message = f"{name} cannot be read ({error}); an earlier version has to serve."
            raise CheckpointError(message) from error

    def write(self, name: str, content: bytes) -> None:
        """Makes ``content`` the content of the file, atomically. Raises CheckpointError if it cannot be written."""
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_bytes() != content:
                write_whole(path, content)
        except OSError as error:
            message = f"{path} cannot be written ({error}); free some space or give the folder back to this user."
            raise CheckpointError(message) from error

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return (self.folder / name).exists()

    def files(self, prefix: str = "") -> dict[str, StoredFile]:
        """The files of the folder whose name starts with ``prefix``, by name, in order."""
        found = {}
        with suppress(FileNotFoundError):
            for path in sorted(self.folder.iterdir()):
                with suppress(FileNotFoundError):  # another process has removed it
                    if path.name.startswith(prefix) and path.is_file():
                        status = path.stat()
                        modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
                        found[path.name] = StoredFile(status.st_size, modified_at)
        return found

    def remove(self, name: str) -> int:
        """Removes the file if there is one; the bytes that this freed. Raises CheckpointError if it may not."""
        path = self.folder / name
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:  # another worker has removed it
            return 0
        except OSError as error:
            message = f"{path} cannot be removed ({error}); give the models folder to this user."
            raise CheckpointError(message) from error
        return size

    def below(self, *parts: str) -> FolderStore:
        """The store of the sub-folder ``parts``."""
        return FolderStore(self.folder.joinpath(*parts))

    def place_of(self, name: str) -> str:
        """The path of the file."""
        return str(self.folder / name)


def _require_name(name: str) -> None:
    if Path(name).name != name:
        message = f"{name}: an artefact must be the name of a file in the models folder, without a path."
        raise CheckpointError(message)
