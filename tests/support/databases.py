"""A throw-away Postgres server, and fresh databases in it: each a copy of one that was migrated once."""

import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from include.local.postgres import HOURCAST_DATABASE, READER_ROLE, SUPERUSER, EmbeddedPostgres
from include.store.app_rights import APP_ROLE, OWNER_ROLE

FAST_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
TEST_PORT = 54320 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Workers that start their servers at the same moment begin to look for a free port at different numbers."""

_servers: dict[int, EmbeddedPostgres] = {}
"""The servers of this process, by port."""

_numbers = itertools.count(1)


@contextmanager
def temporary_server() -> Iterator[EmbeddedPostgres]:
    """A server of its own that is gone, with its data, when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="hourcast-postgres-"))
    folder.chmod(0o755)  # ours to open: as root, the server's user must be able to pass
    server = EmbeddedPostgres(folder / "local", TEST_PORT, FAST_OPTIONS)
    try:
        server.start()
        _servers[server.port] = server
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run_as_superuser(server: EmbeddedPostgres, *statements: str) -> None:
    """Runs each statement by itself, outside a transaction."""
    connection = psycopg2.connect(plain_url(server.url(SUPERUSER, "postgres")))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@contextmanager
def fresh_database(server: EmbeddedPostgres, template: str = HOURCAST_DATABASE) -> Iterator[str]:
    """Name of a new database, with an installation's roles, that is a copy of ``template``; dropped at the end."""
    name = f"hourcast_{next(_numbers)}"
    run_as_superuser(
        server,
        f"create database {name} owner {OWNER_ROLE} template {template} strategy = file_copy",
        f"revoke all on database {name} from public",
        f"grant connect on database {name} to {READER_ROLE}",
        f"grant connect, temporary on database {name} to {APP_ROLE}",
    )
    try:
        yield name
    finally:
        run_as_superuser(server, f"drop database {name} with (force)")


def owner_url(url: str) -> str:
    """The address of the same database, for what the product's role may not do; on a server of this process."""
    port, name = re.findall(r":(\d+)/(\w+)", url)[0]
    return _servers[int(port)].migration_url(name) if int(port) in _servers else url


def plain_url(url: str) -> str:
    """The address as psycopg2 and psql read it: without SQLAlchemy's driver."""
    return url.replace("postgresql+psycopg2://", "postgresql://")
