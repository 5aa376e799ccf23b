"""Artefacts in an object store, by way of fsspec: ``s3://bucket/prefix``, ``gs://``, ``sftp://`` and others.

An object appears as a whole or not at all. What was written is read back and compared, since a store may lose it on
the way. A store that cannot be reached, and one that does not show a new object yet, is tried again a few times within
seconds. What is read is compared with its name where the name is a hash, and read again once if it differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from include.artefacts.addresses import open_address, without_secrets
from include.artefacts.copies import Copies
from include.artefacts.store import StoredFile
from include.errors import ArtefactStoreUnavailableError, CheckpointError, SettingsError

PAUSES = (0.2, 0.6, 1.2)
"""Seconds between the tries of one operation."""

IsIntact = Callable[[str, bytes], bool | None]
"""Whether a file's content is what its name says; None if the name says nothing about it."""
Result = TypeVar("Result")


class _NotYetError(Exception):
    """The store answered, but not with what it should have."""


@dataclass(frozen=True)
class ObjectStore:
    """Artefacts below one path of a file system that fsspec knows."""

    shown: str
    """The address without credentials."""
    file_system: Any = field(repr=False)
    root: str
    is_intact: IsIntact = field(repr=False)
    copies: Copies | None = None
    pauses: tuple[float, ...] = PAUSES

    @classmethod
    def opened(
        cls, uri: str, is_intact: IsIntact, copies: Copies | None = None, s3_endpoint: str | None = None
    ) -> ObjectStore:
        """The store at an address; nothing is read or written.

        Raises:
            SettingsError: fsspec does not know such an address, or its package is not installed.
        """
        try:
            file_system, root = open_address(uri, s3_endpoint)
        except (ImportError, OSError, ValueError) as error:
            message = f"HOURCAST_ARTIFACTS_URI={uri} cannot be used: {error}. Correct it, or install its package."
            raise SettingsError(without_secrets(message)) from error
        return cls(without_secrets(uri).rstrip("/"), file_system, root, is_intact, copies)

    def read(self, name: str) -> bytes:
        """The whole content of an object.

        If its bytes do not match its name they are read once more. If they still do not match they are returned, and
        the check of each ticker's ``model_version`` finds what is damaged.

        Raises:
            CheckpointError: there is no such object.
            ArtefactStoreUnavailableError: the store cannot be reached now.
        """
        copy = self.copies.read(name) if self.copies else None
        if copy is not None and self.is_intact(name, copy):
            return copy
        content = self._tried("read", name, lambda: self._cat(name))
        state = self.is_intact(name, content)
        if state is False:
            content = self._tried("read", name, lambda: self._cat(name))
            state = self.is_intact(name, content)
        if state and self.copies:
            self.copies.write(name, content)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Makes ``content`` the content of the object, and reads it back.

        Raises:
            ArtefactStoreUnavailableError: it cannot be written, or is not read back as it was written.
        """

        def once() -> None:
            if self._found(name) == content:
                return
            self.file_system.pipe_file(self._path(name), content)
            if self._found(name) != content:
                message = "what was written is not read back"
                raise _NotYetError(message)

        self._tried("written", name, once)
        if self.copies and self.is_intact(name, content):
            self.copies.write(name, content)

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name. Raises ArtefactStoreUnavailableError if the store is away."""

        def once() -> bool:
            try:
                self.file_system.info(self._path(name))
            except FileNotFoundError:
                return False
            return True

        return self._tried("looked up", name, once)

    def files(self, prefix: str = "") -> dict[str, StoredFile]:
        """The objects whose name starts with ``prefix``. Raises ArtefactStoreUnavailableError if the store is away."""

        def once() -> dict[str, StoredFile]:
            self.file_system.invalidate_cache()
            try:
                entries = self.file_system.ls(self.root, detail=True)
            except FileNotFoundError:  # nothing has been written yet
                return {}
            files = {entry["name"].rsplit("/", 1)[-1]: entry for entry in entries if entry["type"] == "file"}
            return {
                name: StoredFile(int(files[name]["size"]), _modified_at(files[name]))
                for name in sorted(files)
                if name.startswith(prefix)
            }

        return self._tried("listed", prefix, once)

    def remove(self, name: str) -> int:
        """Removes the object if there is one; the bytes that this freed.

        Raises:
            ArtefactStoreUnavailableError: it cannot be removed now.
        """

        def once() -> int:
            try:
                size = int(self.file_system.info(self._path(name))["size"])
                self.file_system.rm_file(self._path(name))
            except FileNotFoundError:  # another worker has removed it
                return 0
            return size

        return self._tried("removed", name, once)

    def below(self, *parts: str) -> ObjectStore:
        """The store of the sub-folder ``parts``."""
        return replace(self, shown="/".join((self.shown, *parts)), root="/".join((self.root, *parts)))

    def place_of(self, name: str) -> str:
        """The address of the object, without credentials."""
        return f"{self.shown}/{name}"

    def _path(self, name: str) -> str:
        if "/" in name:
            message = f"{name}: an artefact must be the name of a file in the models folder, without a path."
            raise CheckpointError(message)
        return f"{self.root}/{name}"

    def _cat(self, name: str) -> bytes:
        content: bytes = self.file_system.cat_file(self._path(name))
        return content

    def _found(self, name: str) -> bytes | None:
        try:
            return self._cat(name)
        except FileNotFoundError:
            return None

    def _tried(self, done: str, name: str, work: Callable[[], Result]) -> Result:
        """The result of ``work``, which is tried a few times; ``done`` is for the message.

        Raises:
            CheckpointError: the object is missing each time.
            ArtefactStoreUnavailableError: anything else.
        """
        for pause in self.pauses:
            try:
                with self._translated(done, name):
                    return work()
            except (ArtefactStoreUnavailableError, _MissingError):
                time.sleep(pause)
        with self._translated(done, name):
            return work()

    @contextmanager
    def _translated(self, done: str, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            message = f"{name} is missing from {self.shown}; an earlier version has to serve."
            raise _MissingError(message) from error
        except CheckpointError:
            raise
        except Exception as error:  # fsspec's libraries raise errors of their own, not only OSError
            message = without_secrets(f"{self.place_of(name)} cannot be {done} now: {error}. It is tried again.")
            raise ArtefactStoreUnavailableError(message) from error


class _MissingError(CheckpointError):
    """An object that is missing: the store may only be late."""


def _modified_at(entry: dict[str, Any]) -> datetime | None:
    """When an object was written, by whatever name the file system has for it."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = entry.get(key)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return None
