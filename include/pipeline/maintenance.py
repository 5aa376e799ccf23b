"""What is no longer needed and is removed once a day: counts and bytes by kind.

Nothing goes that a score, a replay within the retention or a running hour needs:

* weights that no ticker and no recent forecast needs (``models/retention.py`` has the rule);
* files of shards that no row names, left by an hour that was killed between its file and its rows, or replaced by a
  rerun; only after ``ORPHAN_AGE``, and never while an hour stores weights;
* parts of files that a killed process did not finish;
* readings of bars and rows of features that were superseded before ``revision_retention_days``;
* logs of tasks older than ``log_retention_days``.

Airflow's own tables are cleaned by its scheduler, since a task may not open them (``plugins/metadata_cleanup.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import Any, Final

from include.pipeline.models import retention
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.services import Services
from include.store import models as model_store
from include.store import superseded
from include.store.engine import transaction

ORPHAN_AGE = timedelta(days=2)
"""Age from which a file that no row names is removed. An hour and its retries end within hours."""
PART_AGE = timedelta(days=1)
"""Age from which a part of a file counts as left behind."""

_PART: Final = re.compile(r"\..+\.tmp|\.(part\.parquet|_manifest\.json)\.[0-9a-f]{32}")
_WORDS: Final = {
    "weights": "files of weights past their retention",
    "orphans": "files of weights that no row names",
    "parts": "unfinished files",
    "superseded": "superseded rows",
    "logs": "log files",
}


@dataclass(frozen=True)
class Removed:
    """How many files or rows were removed, and the bytes of the files."""

    count: int = 0
    byte_count: int = 0


def maintain(
    services: Services, as_of: datetime, *, is_dry_run: bool = False, log_folders: Sequence[Path] = ()
) -> dict[str, Any]:
    """Removes what is not needed at ``as_of`` (UTC); by kind the count and the bytes, and a ``note`` in words.

    With ``is_dry_run`` nothing is removed, and the numbers say what would be.

    Raises:
        CheckpointError: a file of weights cannot be removed.
        ArtefactStoreUnavailableError: the store of the artefacts cannot be reached now.
    """
    works: dict[str, Callable[[], Removed]] = {
        "weights": lambda: _weights(services, as_of, is_dry_run=is_dry_run),
        "orphans": lambda: _orphans(services, as_of, is_dry_run=is_dry_run),
        "parts": lambda: _remove_old(_parts(services), as_of - PART_AGE, is_dry_run=is_dry_run),
        "superseded": lambda: _superseded(services, as_of, is_dry_run=is_dry_run),
        "logs": lambda: _logs(services, log_folders, as_of, is_dry_run=is_dry_run),
    }
    removed = {kind: work() for kind, work in works.items()}
    counts = {kind: {"count": each.count, "bytes": each.byte_count} for kind, each in removed.items()}
    return {"is_dry_run": is_dry_run, **counts, "note": _note(removed, is_dry_run=is_dry_run)}


def _note(removed: dict[str, Removed], *, is_dry_run: bool) -> str:
    parts = [
        f"{each.count} {_WORDS[kind]}" + (f" ({each.byte_count / 1e6:.1f} MB)" if each.byte_count else "")
        for kind, each in removed.items()
        if each.count
    ]
    return f"{'Would remove' if is_dry_run else 'Removed'}: {', '.join(parts) or 'nothing'}."


def _weights(services: Services, as_of: datetime, *, is_dry_run: bool) -> Removed:
    pruned = retention.prune(services, as_of, is_dry_run=is_dry_run)
    return Removed(pruned["files"], pruned["bytes"])


def _orphans(services: Services, as_of: datetime, *, is_dry_run: bool) -> Removed:
    """Files of shards that no row names. The lock keeps hours from naming one of them in the meantime."""
    store = artefact_store(services)
    count, byte_count = 0, 0
    with transaction(services.engine) as connection:
        model_store.lock_artefacts(connection)
        files = store.files("shard-")
        named = {
            PurePath(name).stem
            for name in model_store.named_artefacts(connection, [n for n in files if n.endswith(".safetensors")])
        }
        for name, file in files.items():
            is_old = file.modified_at is not None and file.modified_at < as_of - ORPHAN_AGE
            if is_old and PurePath(name).stem not in named:
                count += 1
                byte_count += file.byte_count if is_dry_run else store.remove(name)
    return Removed(count, byte_count)


def _parts(services: Services) -> list[Path]:
    """Parts of files in the folders of the models and of the exports, as far as they are on this disk."""
    settings = services.settings
    target = settings.store.export_uri or str(settings.local.local_dir / "exports")
    folders = [settings.model.models_dir, *([Path(target)] if "://" not in target else [])]
    return [path for folder in folders for path in folder.rglob(".*") if _PART.fullmatch(path.name)]


def _superseded(services: Services, as_of: datetime, *, is_dry_run: bool) -> Removed:
    days = services.settings.store.revision_retention_days
    if not days:
        return Removed()
    until = as_of - timedelta(days=max(days, services.settings.model.model_retention_days))
    with transaction(services.engine) as connection:
        attempt = connection.begin_nested()
        count = superseded.remove_superseded(connection, until)
        if is_dry_run:
            attempt.rollback()
    return Removed(count)


def _logs(services: Services, folders: Iterable[Path], as_of: datetime, *, is_dry_run: bool) -> Removed:
    before = as_of - timedelta(days=services.settings.store.log_retention_days)
    removed = [
        _remove_old([path for path in folder.rglob("*") if path.is_file()], before, is_dry_run=is_dry_run)
        for folder in folders
    ]
    for folder in folders if not is_dry_run else ():
        for path in sorted(folder.rglob("*"), reverse=True):  # what is deeper comes first
            with suppress(OSError):  # a folder that is not empty stays
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                    path.rmdir()
    return Removed(sum(each.count for each in removed), sum(each.byte_count for each in removed))


def _remove_old(paths: Iterable[Path], before: datetime, *, is_dry_run: bool) -> Removed:
    """Removes the files that were last written before an instant. One that another process removes is left out."""
    count, byte_count = 0, 0
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.stat()
            if datetime.fromtimestamp(status.st_mtime, UTC) < before:
                if not is_dry_run:
                    path.unlink()
                count += 1
                byte_count += status.st_size
    return Removed(count, byte_count)
