"""Retention: weights that are no longer needed are removed from the store.

These stay: within the days of retention, the weights of every version that could serve or that a challenger continued
from; the versions that serve each ticker now; the newest versions of each challenger; every backbone. The rows in
Postgres stay for ever and say that their weights are removed. Where next: ``store/models.py`` for the rule in SQL.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePath

from include.artefacts.store import ArtefactStore
from include.pipeline.models.artefacts import artefact_store
from include.pipeline.services import Services
from include.store import models as model_store
from include.store.engine import transaction

UNSERVED_DAYS = 7
"""Days for which weights that never served are kept. Only the challenger's next hour and a replay read them."""


def prune(services: Services, as_of: datetime, *, is_dry_run: bool = False) -> dict[str, int]:
    """Removes the files whose weights are not needed at ``as_of``; counts of files and of bytes.

    The rows are marked in Postgres first, so that a file which a crash leaves behind is removed by the next run. A file
    holds the rows of a whole shard, and is removed when none of its rows is needed. With ``is_dry_run`` nothing is
    marked or removed.

    Raises:
        CheckpointError: a file cannot be removed.
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    store = artefact_store(services)
    served_at = as_of - timedelta(days=services.settings.model.model_retention_days)
    files = store.files("shard-")
    present = [name for name in files if name.endswith(".safetensors")]
    with transaction(services.engine) as connection:
        attempt = connection.begin_nested()
        model_store.mark_pruned(connection, served_at, as_of - timedelta(days=UNSERVED_DAYS))
        removable = model_store.pruned_artefacts(connection, present)
        if is_dry_run:
            attempt.rollback()
    if is_dry_run:
        names = [name for artefact in removable for name in (artefact, _beside(artefact)) if name in files]
        return {"files": len(removable), "bytes": sum(files[name].byte_count for name in names)}
    sizes = [_remove(store, name) for name in removable]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _remove(store: ArtefactStore, name: str) -> int:
    """Removes an artefact and the JSON beside it; the bytes that this freed."""
    return store.remove(name) + store.remove(_beside(name))


def _beside(name: str) -> str:
    return str(PurePath(name).with_suffix(".json"))
