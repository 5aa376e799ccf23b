"""A throw-away Postgres for measurements, with the durability of a real one, and a product over it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.local.postgres import APP_ROLE, HOURCAST_DATABASE, EmbeddedPostgres
from include.pipeline.services import Services, open_services
from include.settings import load_settings
from include.store.migrations import migrate

_FIRST_PORT = 54420


@contextmanager
def temporary_product() -> Iterator[Services]:
    """The product over an empty database; server, database and models are gone afterwards.

    Settings are the defaults, but every hour fine-tunes every ticker: what drifts is nothing to measure.
    """
    folder = Path(tempfile.mkdtemp(prefix="hourcast-bench-"))
    folder.chmod(0o755)  # as root, the server's user must be able to pass
    server = EmbeddedPostgres(folder / "local", _FIRST_PORT)
    try:
        server.start()
        url = server.url(APP_ROLE, HOURCAST_DATABASE)
        migrate(url)
        chosen = load_settings({"HOURCAST_DATABASE_URL": url, "HOURCAST_MODELS_DIR": str(folder / "models")})
        services = open_services(chosen)
        try:
            yield services
        finally:
            services.engine.dispose()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
