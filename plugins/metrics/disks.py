"""Metrics of the folders of this machine: free space, artefacts, and how old the newest backup is."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from include.settings import Settings
from include.store.metrics import Sample

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "hourcast_disk_free_bytes": "Free space of the disk on which the folder lies.",
    "hourcast_artefact_bytes": "Size of the artefacts in the models folder.",
    "hourcast_artefacts": "Files in the models folder.",
    "hourcast_backup_age_seconds": "Seconds since the newest backup was written.",
}
_BACKUP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
_KEPT_SECONDS: Final = 600.0
"""Listing a folder with very many files takes long."""


class _Listed:
    """The size and number of the files of a folder when they were last counted."""

    folder: Path | None = None
    counted_at_seconds = float("-inf")
    byte_count = 0
    file_count = 0


def read_metrics(settings: Settings) -> Sequence[Sample]:
    """Free space and sizes, in bytes."""
    folder = settings.model.models_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    samples = [Sample("hourcast_disk_free_bytes", shutil.disk_usage(existing).free, {"folder": "models"})]
    if folder.exists():
        _count(folder)
        samples.append(Sample("hourcast_artefact_bytes", _Listed.byte_count))
        samples.append(Sample("hourcast_artefacts", _Listed.file_count))
    return [*samples, *_backup_age(settings.local.backup_dir)]


def _backup_age(folder: Path) -> list[Sample]:
    """The age of the newest complete backup; nothing without one. A backup is a folder that is named by its instant."""
    if not folder.is_dir():
        return []
    now = time.time()  # noqa: TID251  # the age of a file is the world's time
    with os.scandir(folder) as entries:
        ages = [now - entry.stat().st_mtime for entry in entries if _BACKUP.fullmatch(entry.name)]
    return [Sample("hourcast_backup_age_seconds", min(ages))] if ages else []


def _count(folder: Path) -> None:
    if _Listed.folder == folder and time.monotonic() - _Listed.counted_at_seconds < _KEPT_SECONDS:
        return
    with os.scandir(folder) as entries:
        sizes = [entry.stat().st_size for entry in entries if entry.is_file()]
    _Listed.folder, _Listed.counted_at_seconds = folder, time.monotonic()
    _Listed.byte_count, _Listed.file_count = sum(sizes), len(sizes)
