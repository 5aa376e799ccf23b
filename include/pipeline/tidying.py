"""Weights that nobody needs any more leave the disk, so that it does not grow without bound.

What stays: the weights of every version that could serve, or that a line went on from, within the days of retention;
of each ticker the versions that serve it now, and the newest of its line; every backbone. Rows stay for ever and say
that their weights are gone. Where next: ``store/models.py`` for the rule in SQL.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from include.errors import CheckpointError
from include.pipeline.services import Services
from include.store import models as model_store
from include.store.engine import transaction

LINE_DAYS = 7
"""Days for which weights are kept that never served; only their own line's next hour, and a replay, could want them."""


def prune(services: Services, as_of: datetime) -> dict[str, int]:
    """Removes the files of weights that nothing as of ``as_of`` needs; counts of files and of bytes.

    Postgres is told first: a file that is left over by a crash goes the next time. A file is shared by its shard, and
    goes when the last of its rows is needed no more.

    Raises:
        CheckpointError: a file cannot be removed.
    """
    settings = services.settings.model
    served_at = as_of - timedelta(days=settings.model_retention_days)
    present = sorted(path.name for path in settings.models_dir.glob("shard-*.safetensors"))
    with transaction(services.engine) as connection:
        model_store.mark_pruned(connection, served_at, as_of - timedelta(days=LINE_DAYS))
        spent = model_store.pruned_artefacts(connection, present)
    sizes = [_remove(settings.models_dir / name) for name in spent]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _remove(path: Path) -> int:
    """Removes an artefact and the JSON beside it; their bytes."""
    size = 0
    try:
        for each in (path, path.with_suffix(".json")):
            with suppress(FileNotFoundError):  # another worker was faster
                size += each.stat().st_size
                each.unlink()
    except OSError as error:
        message = f"{path} cannot be removed ({error}); give the models folder to this user."
        raise CheckpointError(message) from error
    return size
