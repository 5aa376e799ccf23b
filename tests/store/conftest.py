"""Two ways into a migrated database: one connection that is rolled back, and an engine whose commits stay."""

from collections.abc import Iterator

import pytest

from include.store.engine import Connection, Engine, create_store_engine


@pytest.fixture(scope="module")
def module_engine(module_database_url: str) -> Iterator[Engine]:
    engine = create_store_engine(module_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(module_engine: Engine) -> Iterator[Connection]:
    """An open transaction on an empty database; whatever the test does is undone."""
    with module_engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database for this test, for what takes several transactions."""
    engine = create_store_engine(database_url)
    yield engine
    engine.dispose()
