"""What a backup keeps of the folder of language models: the questions, and the adapter of the promoted run.

Base models and merged ones are left out: the first come from where they came from, and the step ``merge`` makes the
second. The package ``language`` writes the folder, and nothing of it is imported here. Where next: ``backups.py``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from include.artefacts.store import FolderStore, StoredFile
from include.errors import SettingsError
from include.settings import Settings

PREFIX: Final = "language/"
"""Of the names of these files in a backup."""
CHAMPION: Final = "champion.json"
_OF_A_RUN: Final = ("run.json", "training.json", "evaluation.json", "verdict.json")
"""Without ``merging.json``, so that the step ``merge`` makes the merged model again."""


@dataclass(frozen=True)
class _Chosen(FolderStore):
    """A folder of which some files count; None: all."""

    names: tuple[str, ...] | None = None

    def files(self, prefix: str = "") -> dict[str, StoredFile]:
        """Those files that there are, by name, in order."""
        found = super().files(prefix)
        return {name: file for name, file in found.items() if self.names is None or name in self.names}


def language_dir(settings: Settings) -> Path:
    """The folder of language models."""
    return settings.filings.language_dir or settings.local.local_dir / "language"


def kept_stores(settings: Settings) -> Iterator[tuple[str, FolderStore]]:
    """The folders that a backup keeps, each with the prefix of their files' names; none where nothing was tuned."""
    home = language_dir(settings)
    yield PREFIX, _Chosen(home, (CHAMPION,))
    for folder in sorted(home.glob("data/v*")):
        yield f"{PREFIX}data/{folder.name}/", FolderStore(folder)
    if run := _promoted(home):
        folder = home / "runs" / run
        yield f"{PREFIX}runs/{run}/", _Chosen(folder, _OF_A_RUN)
        yield f"{PREFIX}runs/{run}/adapter/", FolderStore(folder / "adapter")


def _promoted(home: Path) -> str | None:
    """The name of the promoted run; None if there is none, or the file that names it is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return Path(json.loads((home / CHAMPION).read_bytes())["run"]).name
    return None


def store_of(settings: Settings, name: str) -> FolderStore:
    """Where the file of this name in a backup is restored."""
    return FolderStore((language_dir(settings) / name.removeprefix(PREFIX)).parent)


def require_room(settings: Settings, files: Mapping[str, str]) -> None:
    """Checks that no other language models are in the way of ``files``, names in a backup -> their SHA-256.

    Raises:
        SettingsError: a file is there already with another content.
    """
    home = language_dir(settings)
    for name, digest in files.items():
        path = home / name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            message = (
                f"{path} is another file than the one in the backup. Move {home} aside, or name another folder with "
                "HOURCAST_LANGUAGE_DIR. Nothing was changed."
            )
            raise SettingsError(message)
