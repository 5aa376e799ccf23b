"""An object store for fsspec, ``flaky:///folder``, that a fault can make time out, or show an old state.

Objects are files of the folder, written at once, as in a real store. What it does wrong stands in a file beside the
folder, so that a fault can change it while tasks use the store from their own processes.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

PROTOCOL = "flaky"
SOUND, DOWN, STALE = "sound", "down", "stale"
_SUFFIX = ".mode"


class FlakyFileSystem(LocalFileSystem):
    """The store. ``stale``: objects written since the fault began are not shown yet."""

    protocol = PROTOCOL
    cachable = False

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        return super()._strip_protocol(str(path).removeprefix(f"{PROTOCOL}://"))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        self._require_shown(path)
        return bytes(super().cat_file(path, start, end, **options))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        _require_up(path)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        aside = f"{path}.{secrets.token_hex(4)}.tmp"
        super().pipe_file(aside, value, mode, **options)
        Path(aside).replace(path)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        self._require_shown(path)
        return dict(super().info(path, **options))

    def ls(self, path: str, detail: bool = False, **options: Any) -> list[Any]:
        _require_up(path)
        return list(super().ls(path, detail, **options))

    def _require_shown(self, path: str) -> None:
        _require_up(path)
        file = Path(path)
        if _mode(path) == STALE and file.exists() and file.stat().st_mtime >= mode_file(path).stat().st_mtime:
            raise FileNotFoundError(path)


def mode_file(path: str | Path) -> Path:
    """The file that says what the store of this object or folder does wrong."""
    folder = next(each for each in (Path(path), *Path(path).parents) if each.name == "models")
    return folder.with_suffix(_SUFFIX)


def _mode(path: str) -> str:
    file = mode_file(path)
    return file.read_text(encoding="ascii") if file.exists() else SOUND


def _require_up(path: str) -> None:
    if _mode(path) == DOWN:
        time.sleep(0.05)
        raise TimeoutError("timed out")


fsspec.register_implementation(PROTOCOL, FlakyFileSystem, clobber=True)
