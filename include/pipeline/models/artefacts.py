"""The store of model artefacts that the settings describe: the models folder or an object store.

Where next: ``include/artefacts`` for the stores, ``networks.py`` for the models that are read from them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from include.artefacts.copies import Copies
from include.artefacts.objects import ObjectStore
from include.artefacts.store import ArtefactStore, FolderStore
from include.model.checkpoint import is_intact
from include.pipeline.services import Services
from include.settings import s3_endpoint

COPIES_FOLDER = "copies"
"""Folder in the models folder with copies of what was read from an object store."""
_MEGABYTE = 1_000_000


def artefact_store(services: Services) -> ArtefactStore:
    """The store that the settings describe.

    Raises:
        SettingsError: ``HOURCAST_ARTIFACTS_URI`` is no address that fsspec knows.
    """
    model = services.settings.model
    if model.artifacts_uri is None:
        return FolderStore(model.models_dir)
    return _opened(model.artifacts_uri, model.models_dir, model.artifacts_copies_megabytes, s3_endpoint())


@lru_cache
def _opened(uri: str, models_dir: Path, megabytes: int, endpoint: str | None) -> ArtefactStore:
    """One client a process: making one reads the credentials again."""
    copies = Copies(models_dir / COPIES_FOLDER, megabytes * _MEGABYTE)
    return ObjectStore.opened(uri, is_intact, copies, endpoint)
