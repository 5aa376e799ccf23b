"""Reads schema ``bi`` with the role that may read nothing else: a small pool, short waits, read-only transactions.

It is for servers that answer people, such as the page in Airflow, so it imports neither pandas nor a COPY codec.
``engine.py`` is the pool of the pipeline. Where next: ``page.py``, which has the page's queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2 import Error as DriverError
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Engine as Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from include.errors import StoreUnavailableError

POOL_SIZE = 3
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 8
"""A person waits for the result; a query that takes longer is ended by Postgres."""


def create_reader_engine(url: str) -> Engine:
    """A pool of read-only connections to the database at ``url``, which returns times in UTC; connects on first use."""
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=STATEMENT_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "hourcast-page",
            "options": (
                f"-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout={1000 * STATEMENT_SECONDS}"
            ),
        },
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection whose transaction ends with the block; whatever the database refuses becomes one error.

    Raises:
        StoreUnavailableError: Postgres cannot be reached, every connection of the pool is in use, a query took
            longer than ``STATEMENT_SECONDS``, or the database lacks a view or the right to read it.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, DriverError, PoolTimeoutError) as error:
        where = f"{engine.url.host}:{engine.url.port}/{engine.url.database}"
        cause = error.orig if isinstance(error, DBAPIError) else error
        message = f"The database at {where} could not be read: {str(cause).strip()}"
        raise StoreUnavailableError(message) from error


def read_rows(engine: Engine, query: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows of a query with ``:name`` parameters, each as column -> value.

    Raises:
        StoreUnavailableError: the database cannot be read; see ``reading``.
    """
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(text(query), values or {}).mappings()]
