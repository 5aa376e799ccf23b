"""Fixtures that every room's tests may ask for. The server starts with the first test that needs it."""

from collections.abc import Iterator

import pytest

from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store.app_rights import APP_ROLE
from tests.support.databases import fresh_database, temporary_server

pytest_plugins = ["tests.support.workers"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """An embedded Postgres without a single table of ours."""
    with temporary_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_server(postgres_server: EmbeddedPostgres) -> EmbeddedPostgres:
    """The same server, its database `hourcast` migrated: the template of every other database. Do not write to it."""
    from include.store.migrations import migrate

    migrate(postgres_server.migration_url())
    return postgres_server


@pytest.fixture
def database(migrated_server: EmbeddedPostgres) -> Iterator[str]:
    """Name of a migrated, empty database of this test's own."""
    with fresh_database(migrated_server) as name:
        yield name


@pytest.fixture
def database_url(migrated_server: EmbeddedPostgres, database: str) -> str:
    """Address of this test's own database, with the role that writes."""
    return migrated_server.url(APP_ROLE, database)


@pytest.fixture
def reader_url(migrated_server: EmbeddedPostgres, database: str) -> str:
    """Address of this test's own database, with the role of the BI tools."""
    return migrated_server.url(READER_ROLE, database)


@pytest.fixture(scope="module")
def module_database_url(migrated_server: EmbeddedPostgres) -> Iterator[str]:
    """Address of a migrated, empty database that the tests of one module share."""
    with fresh_database(migrated_server) as name:
        yield migrated_server.url(APP_ROLE, name)
