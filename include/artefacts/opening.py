"""Opens the store of artefacts that the settings describe, for what needs no copies of weights: reports, experiments.

An object store needs fsspec and pyarrow, which are imported only where one is used. Where next: ``store.py``.
"""

from __future__ import annotations

from importlib import import_module

from include.artefacts.store import ArtefactStore, FolderStore
from include.settings import ModelSettings, s3_endpoint


def open_store(model: ModelSettings) -> ArtefactStore:
    """The folder of the models, or the object store in its place; nothing is read, and nothing is copied to this disk.

    Raises:
        SettingsError: ``HOURCAST_ARTIFACTS_URI`` is no address that fsspec knows.
    """
    if model.artifacts_uri is None:
        return FolderStore(model.models_dir)
    objects = import_module("include.artefacts.objects")
    opened: ArtefactStore = objects.ObjectStore.opened(
        model.artifacts_uri, lambda _name, _content: None, None, s3_endpoint()
    )
    return opened
