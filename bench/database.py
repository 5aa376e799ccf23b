"""A temporary Postgres for measurements, with the settings of `make run`, and the product's services over it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.local.postgres import EmbeddedPostgres
from include.pipeline.services import Services, open_services
from include.settings import load_settings
from include.store.migrations import migrate

_FIRST_PORT = 54420


@contextmanager
def temporary_product() -> Iterator[Services]:
    """The product's services over an empty database, with default settings; all is removed when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="hourcast-bench-"))
    folder.chmod(0o755)  # under root, the server runs as another user, which must be able to enter
    server = EmbeddedPostgres(folder / "local", _FIRST_PORT)
    try:
        server.start()
        url = server.migration_url()  # the product's role may not vacuum
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
