"""The place that an export writes to: a folder, or an address that fsspec knows, such as ``s3://bucket/prefix``.

A file appears whole or not at all. On a disk it is written aside and renamed. An object store makes an object visible
when all of it has arrived. The manifest of a view, ``_manifest.json``, says what is in its files; readers of Parquet
omit names that begin with ``_`` or ``.``.
"""

from __future__ import annotations

import json
import mmap
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from fsspec.implementations.arrow import ArrowFSWrapper  # type: ignore[import-untyped]  # ships no types
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]  # ships no types

from include.artefacts.addresses import open_address, without_secrets
from include.errors import InvalidRequestError, RetryableError
from include.settings import s3_endpoint

MANIFEST: Final = "_manifest.json"
_OURS: Final = re.compile(r"(month=[\w-]+/)?part\.parquet")
_REFUSED: Final = (
    FileExistsError,
    FileNotFoundError,
    ImportError,  # a package for this kind of address is not installed
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    RuntimeError,  # fsspec can only read such a place
    ValueError,  # the same, or fsspec does not know such an address
)


@dataclass(frozen=True)
class StoredFile:
    """What a manifest says of a file: its rows, its bytes, and the SHA-256 of those bytes in hex."""

    row_count: int
    byte_count: int
    sha256: str


class Target:
    """Files and manifests below one address."""

    def __init__(self, uri: str) -> None:
        """Opens the place; nothing is written.

        Raises:
            InvalidRequestError: fsspec does not know such an address, or its package is not installed.
            RetryableError: the place cannot be reached now.
        """
        self.shown = without_secrets(uri)
        with self._translated():
            self._files, self._root = open_address(uri, s3_endpoint())

    def read_manifest(self, folder: str) -> dict[str, StoredFile]:
        """Path below the folder -> what is in the file; empty if there is no manifest that can be read."""
        with self._translated():
            path = self._path(folder, MANIFEST)
            text = self._files.cat_file(path) if self._files.exists(path) else b"{}"
        try:
            listed: Mapping[str, Mapping[str, Any]] = json.loads(text).get("files", {})
            return {path: StoredFile(**entry) for path, entry in listed.items() if _OURS.fullmatch(path)}
        except (AttributeError, TypeError, ValueError):  # not ours, or cut off: every file is written again
            return {}

    def write_manifest(self, folder: str, view: str, files: Mapping[str, StoredFile]) -> None:
        """Replaces the manifest of the folder, which holds the rows of ``view``."""
        text = json.dumps({"view": view, "files": {path: asdict(files[path]) for path in sorted(files)}}, indent=1)
        with self._translated():
            self._put(self._path(folder, MANIFEST), text.encode())

    def holds(self, folder: str, path: str, entry: StoredFile) -> bool:
        """Whether the file is there, with the size that the manifest says."""
        place = self._path(folder, path)
        with self._translated():
            return bool(self._files.exists(place) and self._files.info(place)["size"] == entry.byte_count)

    def replace(self, folder: str, path: str, file: Path) -> None:
        """Makes ``file`` of this machine the content of the path below the folder."""
        with self._translated():
            self._put(self._path(folder, path), file)

    def remove(self, folder: str, path: str) -> None:
        """Removes the path below the folder, if it is there."""
        place = self._path(folder, path)
        with self._translated():
            if self._files.exists(place):
                self._files.rm_file(place)

    def _path(self, folder: str, path: str) -> str:
        return str(PurePosixPath(self._root, folder, path))

    def _put(self, place: str, content: bytes | Path) -> None:
        if isinstance(self._files, ArrowFSWrapper):
            self._put_object(place, content)
            return
        is_on_disk = isinstance(self._files, LocalFileSystem)
        parent, name = str(PurePosixPath(place).parent), PurePosixPath(place).name
        self._files.makedirs(parent, exist_ok=True)
        written = f"{parent}/.{name}.{uuid.uuid4().hex}" if is_on_disk else place
        try:
            if isinstance(content, bytes):
                self._files.pipe_file(written, content)
            else:
                self._files.put_file(str(content), written)
            if is_on_disk:
                Path(written).replace(place)
        finally:
            if is_on_disk:
                Path(written).unlink(missing_ok=True)

    def _put_object(self, place: str, content: bytes | Path) -> None:
        """Writes an object of S3. ``put_file`` would first make a folder, which is an empty object or refused."""
        if isinstance(content, bytes):
            self._files.pipe_file(place, content)
            return
        with content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            self._files.pipe_file(place, mapped)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the errors of a file system into ours.

        Raises:
            InvalidRequestError: the place is no folder, cannot or may not be written to, or is not known.
            RetryableError: anything else, such as a full disk or a broken connection.
        """
        try:
            yield
        except _REFUSED as error:
            message = f"{self.shown} cannot be written to: {error}. Choose another target, or give it what it lacks."
            raise InvalidRequestError(without_secrets(message)) from error
        except OSError as error:
            message = f"{self.shown} cannot be written to now: {error}. Run the export again: it continues."
            raise RetryableError(without_secrets(message)) from error
