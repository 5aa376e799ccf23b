"""Backups: the database as one file, the artefacts by their hash, the settings without secrets; and back.

```
backups/
    objects/<sha256>                     one file for each content, shared by all backups
    2026-11-28T145000Z/
        database.dump                    pg_dump of schema forecast
        manifest.json                    versions, counts of rows, artefact -> hash and size, settings
```

A backup appears under its name when it is complete. The database is dumped first: weights are stored before the rows
that name them, so the artefacts that are copied afterwards are all that the dump needs. Where next: ``store/dump.py``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from include.artefacts.store import ArtefactStore, StoredFile
from include.contracts import require_utc
from include.durable import exclusive, sync, write_whole
from include.errors import CheckpointError, InvalidRequestError
from include.pipeline import language_models, replay
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.models.backbones import backbone_store_of
from include.pipeline.services import Services, code_version
from include.settings import Settings
from include.store import backbones as backbone_rows
from include.store import dump
from include.store import models as model_rows
from include.store.engine import transaction
from include.store.migrations import migrate, newest_version, schema_version

FORMAT: Final = 1
OBJECTS: Final = "objects"
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database.dump"
_PARTIAL: Final = ".partial"
_LOCK: Final = ".lock"
_BACKBONE: Final = "backbones/"
_FIXED_PREFIXES: Final = ("shard-", "base-")
"""Names that hold the hash of their content."""
_GROUPS: Final = ("market", "model", "schedule")


@dataclass(frozen=True)
class Backup:
    """A complete backup: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def objects(self) -> Path:
        """The folder of the artefacts' contents, which all backups share."""
        return self.folder.parent / OBJECTS


def make_backup(services: Services, target: Path, at: datetime, keep: int) -> dict[str, Any]:
    """Makes a backup in ``target`` named by ``at`` (UTC), and removes all but the newest ``keep``; its figures.

    Raises:
        InvalidRequestError: there is a backup of this second already, or the folder cannot be written.
        StoreUnavailableError: pg_dump failed.
    """
    name = require_utc(at, "at").strftime("%Y-%m-%dT%H%M%SZ")
    try:
        (target / OBJECTS).mkdir(parents=True, exist_ok=True, mode=0o700)
        with exclusive(target / _LOCK):  # another backup would remove the contents that this one does not name yet
            manifest = _make(services, target, name, at)
            removed = _remove_old(target, keep)
    except OSError as error:
        message = f"The backup {target / name} cannot be written: {error}. Make room or name another folder."
        raise InvalidRequestError(message) from error
    return {
        "backup": str(target / name),
        "database_bytes": manifest["database"]["bytes"],
        "artefacts": len(manifest["artefacts"]),
        "artefact_bytes": sum(entry["bytes"] for entry in manifest["artefacts"].values()),
        "missing_artefacts": manifest["missing"],
        "removed": removed,
    }


def list_backups(target: Path) -> list[Backup]:
    """The complete backups of a folder, oldest first; those that cannot be read are left out."""
    found = []
    for path in sorted(target.glob(f"*/{MANIFEST}")):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if path.parent.suffix != _PARTIAL and manifest.get("format") == FORMAT:
            found.append(Backup(path.parent, manifest))
    return found


def find_backup(target: Path, name: str | None) -> Backup:
    """The backup of this name or path in ``target``; without a name the newest one.

    Raises:
        InvalidRequestError: there is none.
    """
    if name and "/" in name:
        folder = Path(name).expanduser().absolute()
        target, name = folder.parent, folder.name
    known = list_backups(target)
    chosen = [backup for backup in known if name is None or backup.folder.name == name]
    if not chosen:
        names = ", ".join(backup.folder.name for backup in known) or "none"
        message = f"{target} has no backup {name or ''}; there are: {names}. Name one with FROM=folder."
        raise InvalidRequestError(message)
    return chosen[-1]


def restore(services: Services, migration_url: str, backup: Backup, sample: int) -> dict[str, Any]:
    """Restores a backup into an empty installation, migrates it, and replays ``sample`` forecasts as a proof.

    The artefacts come first: if the database cannot be restored, they are files that nothing names.

    Raises:
        InvalidRequestError: files of the backup are missing or damaged, or a newer version made it. Nothing changed.
        SettingsError: the installation has tickers, or other language models. Nothing was changed.
        StoreUnavailableError: pg_restore failed; the database is empty, and the restoration can be repeated.
    """
    manifest = backup.manifest
    if manifest["schema_version"] > newest_version():
        message = (
            f"{backup.folder} has the schema {manifest['schema_version']}, and this version of Hourcast knows up to "
            f"{newest_version()}. Restore it with the version that made it."
        )
        raise InvalidRequestError(message)
    _require_whole(backup)
    known = {name: str(entry["sha256"]) for name, entry in manifest["artefacts"].items()}
    language_models.require_room(services.settings, known)
    with transaction(services.engine) as connection:
        dump.require_empty(connection)
    for name, entry in manifest["artefacts"].items():
        content = (backup.objects / entry["sha256"]).read_bytes()
        _store_of(services, name).write(name.rsplit("/", 1)[-1], content)
    services.engine.dispose()  # its connections know tables that are dropped now
    dump.restore_database(migration_url, backup.folder / DATABASE)
    migrate(migration_url)
    replays = replay.replay_sample(services, sample, seed=0, is_trained_again=False)
    return {
        "restored": str(backup.folder),
        "rows": sum(manifest["rows"].values()),
        "artefacts": len(manifest["artefacts"]),
        "missing_artefacts": manifest["missing"],
        "replayed": sum(found.is_compared for found in replays),
        "different": [f"{found.ticker}@{found.as_of.isoformat()}" for found in replays if found.differences],
        "other_settings": _other_settings(services.settings, manifest["settings"]),
    }


def _make(services: Services, target: Path, name: str, at: datetime) -> dict[str, Any]:
    """Makes the backup of this name under another one, and renames it when it is complete; its manifest."""
    for left_behind in target.glob(f"*{_PARTIAL}"):  # by a process that was killed: the lock is ours
        shutil.rmtree(left_behind)
    if (target / name).exists():
        message = f"{target / name} exists already; wait a second and try again."
        raise InvalidRequestError(message)
    partial = target / f"{name}{_PARTIAL}"
    try:
        partial.mkdir(mode=0o700)
        manifest = _fill(services, partial, list_backups(target), at)
        partial.rename(target / name)
        sync(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _fill(services: Services, folder: Path, earlier: Sequence[Backup], at: datetime) -> dict[str, Any]:
    """Writes dump, artefacts and manifest; the manifest."""
    with transaction(services.engine) as connection:
        version = schema_version(connection)
        rows = dump.row_counts(connection)
        needed = model_rows.needed_artefacts(connection)
    dump.dump_database(str(services.settings.store.database_url), folder / DATABASE)
    artefacts = _copy_artefacts(services, folder.parent / OBJECTS, earlier)
    manifest = {
        "format": FORMAT,
        "made_at": at.isoformat(),
        "schema_version": version,
        "code_version": code_version(),
        "rows": rows,
        "database": _entry(folder / DATABASE),
        "artefacts": artefacts,
        "missing": sorted(set(needed) - set(artefacts)),
        "settings": _plain_settings(services.settings),
    }
    sync(folder / DATABASE)
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return manifest


def _copy_artefacts(services: Services, objects: Path, earlier: Sequence[Backup]) -> dict[str, dict[str, Any]]:
    """Copies what no earlier backup has; artefact -> hash and size."""
    known: Mapping[str, dict[str, Any]] = earlier[-1].manifest["artefacts"] if earlier else {}
    entries: dict[str, dict[str, Any]] = {}
    for prefix, store in _stores(services):
        for plain, stored in store.files().items():
            name = f"{prefix}{plain}"
            last = known.get(name)
            if last and _is_same(plain, stored, last) and (objects / last["sha256"]).exists():
                entries[name] = last
                continue
            try:
                content = store.read(plain)
            except CheckpointError:  # removed since it was listed; "missing" has it if a row needs it
                continue
            entries[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            if not (objects / entries[name]["sha256"]).exists():
                write_whole(objects / entries[name]["sha256"], content)
    return entries


def _is_same(name: str, stored: StoredFile, last: Mapping[str, Any]) -> bool:
    """Whether a file is that of an earlier backup: its name holds the hash of its content, and its size is the same."""
    return name.startswith(_FIXED_PREFIXES) and last["bytes"] == stored.byte_count


def _stores(services: Services) -> Iterator[tuple[str, ArtefactStore]]:
    """The places with artefacts, each with the prefix of their names.

    They are that of the models, that of each trained backbone, and those of the language models.
    """
    yield "", artefact_store(services)
    with transaction(services.engine) as connection:
        versions = backbone_rows.trained_versions(connection)
    for version in versions:
        yield f"{_BACKBONE}{version}/", backbone_store_of(services, version)
    yield from language_models.kept_stores(services.settings)


def _store_of(services: Services, name: str) -> ArtefactStore:
    """Where the artefact of this name in a manifest is stored."""
    if name.startswith(language_models.PREFIX):
        return language_models.store_of(services.settings, name)
    if not name.startswith(_BACKBONE):
        return artefact_store(services)
    return backbone_store_of(services, name.split("/")[1])


def _require_whole(backup: Backup) -> None:
    files = {DATABASE: (backup.folder / DATABASE, backup.manifest["database"])}
    artefacts = backup.manifest["artefacts"]
    files |= {name: (backup.objects / entry["sha256"], entry) for name, entry in artefacts.items()}
    damaged = [name for name, (path, entry) in files.items() if not path.is_file() or _entry(path) != dict(entry)]
    if damaged:
        message = (
            f"{backup.folder}: {len(damaged)} of {len(files)} files are missing or damaged, such as {damaged[0]}. "
            "Nothing was changed. Restore an earlier backup."
        )
        raise InvalidRequestError(message)


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}


def _plain_settings(settings: Settings) -> dict[str, str]:
    """The settings of market, model and schedule that may be shown, as text."""
    groups = [getattr(settings, name) for name in _GROUPS]
    return {item.name: str(getattr(group, item.name)) for group in groups for item in fields(group) if item.repr}


def _other_settings(settings: Settings, then: Mapping[str, str]) -> list[str]:
    """The settings that were different in the backup, in words; paths of the machine do not count."""
    now = _plain_settings(settings)
    other = {name: value for name, value in then.items() if name in now and now[name] != value and "/" not in value}
    return [f"HOURCAST_{name.upper()} was {value}, and is {now[name]}" for name, value in sorted(other.items())]


def _remove_old(target: Path, keep: int) -> list[str]:
    """Removes all but the newest ``keep`` backups, and the contents that none of them names."""
    backups = list_backups(target)
    old, kept = backups[:-keep], backups[-keep:]
    for backup in old:
        shutil.rmtree(backup.folder)
    named = {entry["sha256"] for backup in kept for entry in backup.manifest["artefacts"].values()}
    for path in (target / OBJECTS).iterdir():
        if path.name not in named:
            path.unlink()
    return [backup.folder.name for backup in old]
