"""Retention: weights that are no longer needed are removed from the disk.

These stay: within the days of retention, the weights of every version that could serve or that a challenger continued
from; the versions that serve each ticker now; the newest versions of each challenger; every backbone. The rows in
Postgres stay for ever and say that their weights are removed. Where next: ``store/models.py`` for the rule in SQL.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from include.errors import CheckpointError
from include.pipeline.services import Services
from include.store import models as model_store
from include.store.engine import transaction

UNSERVED_DAYS = 7
"""Days for which weights that never served are kept. Only the challenger's next hour and a replay read them."""


def prune(services: Services, as_of: datetime) -> dict[str, int]:
    """Removes the files whose weights are not needed at ``as_of``; counts of files and of bytes.

    The rows are marked in Postgres first, so that a file which a crash leaves behind is removed by the next run. A file
    holds the rows of a whole shard, and is removed when none of its rows is needed.

    Raises:
        CheckpointError: a file cannot be removed.
    """
    settings = services.settings.model
    served_at = as_of - timedelta(days=settings.model_retention_days)
    present = sorted(path.name for path in settings.models_dir.glob("shard-*.safetensors"))
    with transaction(services.engine) as connection:
        model_store.mark_pruned(connection, served_at, as_of - timedelta(days=UNSERVED_DAYS))
        removable = model_store.pruned_artefacts(connection, present)
    sizes = [_remove(settings.models_dir / name) for name in removable]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _remove(path: Path) -> int:
    """Removes an artefact and the JSON beside it; the bytes that this freed."""
    size = 0
    try:
        for each in (path, path.with_suffix(".json")):
            with suppress(FileNotFoundError):  # another worker has removed it
                size += each.stat().st_size
                each.unlink()
    except OSError as error:
        message = f"{path} cannot be removed ({error}); give the models folder to this user."
        raise CheckpointError(message) from error
    return size
