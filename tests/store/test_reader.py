"""The page's connections: read only, in UTC, bounded in time and number, and with one error for every outage."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg2
import pytest

from include.errors import StoreUnavailableError
from include.local.postgres import READER_ROLE, EmbeddedPostgres
from include.store import reader
from include.store.reader import Engine, create_reader_engine, read_rows, reading

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def pool(migrated_server: EmbeddedPostgres, module_database_url: str) -> Iterator[Engine]:
    """The pool of the page on an empty database."""
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    yield engine
    engine.dispose()


def test_rows_are_dictionaries_and_parameters_are_values(pool: Engine) -> None:
    hostile = "'; drop view bi.bar; --"
    assert read_rows(pool, "select cast(:name as text) as name, 2 as number", {"name": hostile}) == [
        {"name": hostile, "number": 2}
    ]
    assert read_rows(pool, "select 1 as one where false") == []


def test_times_are_in_utc(pool: Engine) -> None:
    (row,) = read_rows(pool, "select cast('2025-03-31 10:00-04' as timestamptz) as at")
    assert row["at"] == datetime(2025, 3, 31, 14, tzinfo=UTC)
    assert row["at"].utcoffset() == UTC.utcoffset(None)


def test_nothing_can_be_written(pool: Engine) -> None:
    with pytest.raises(StoreUnavailableError, match="read-only transaction"):
        read_rows(pool, "create table bi.mine (a integer)")


def test_a_view_that_is_missing_and_tables_are_one_error(pool: Engine) -> None:
    with pytest.raises(
        StoreUnavailableError, match=r"127\.0\.0\.1:\d+/\w+ could not be read: relation .* does not exist"
    ):
        read_rows(pool, "select * from bi.nothing")
    with pytest.raises(StoreUnavailableError, match="permission denied"):
        read_rows(pool, "select * from forecast.bar")


def test_a_statement_that_takes_too_long_is_ended(
    migrated_server: EmbeddedPostgres, module_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "STATEMENT_SECONDS", 0.2)
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    with pytest.raises(StoreUnavailableError, match="statement timeout"):
        read_rows(engine, "select pg_sleep(20)")
    engine.dispose()


def test_a_pool_in_use_is_an_outage_and_not_a_wait_without_end(
    migrated_server: EmbeddedPostgres, module_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "POOL_SIZE", 1)
    monkeypatch.setattr(reader, "STATEMENT_SECONDS", 1)
    engine = create_reader_engine(migrated_server.url(READER_ROLE, module_database_url.rpartition("/")[2]))
    with reading(engine), pytest.raises(StoreUnavailableError, match="QueuePool limit"):
        read_rows(engine, "select 1 as one")
    engine.dispose()


def test_what_the_driver_raises_by_itself_is_the_same_error(pool: Engine) -> None:
    with pytest.raises(StoreUnavailableError, match="lost"), reading(pool):
        raise psycopg2.OperationalError("lost")


def test_an_error_does_not_show_the_password() -> None:
    engine = create_reader_engine("postgresql+psycopg2://bi_reader:word@127.0.0.1:9/hourcast")
    with pytest.raises(StoreUnavailableError) as caught:
        read_rows(engine, "select 1")
    assert "word" not in str(caught.value)
