"""Access to Postgres: an engine, transactions that raise the errors of ``include/errors.py``, bulk reads and writes.

Writes are set-based: COPY into a temporary staging table, then one statement for all rows. Rows of which none can be
stored already are copied into their table itself. The tables are listed in ``tables.py``; each other module of this
package reads and writes one family of them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, cast

import pandas as pd
import psycopg2
import psycopg2.errors
import psycopg2.extensions
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection as Connection
from sqlalchemy.engine import Engine as Engine
from sqlalchemy.exc import DBAPIError

from include.contracts import require_utc
from include.errors import DataContractError, HourcastError, StoreUnavailableError
from include.store.binary import Kinds, decode, encode
from include.store.tables import Table

CONNECT_SECONDS = 10


def create_store_engine(url: str) -> Engine:
    """A pool of connections to the database at ``url``, which returns times in UTC. It connects on first use."""
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=2,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "hourcast",
            "options": "-c timezone=UTC",
        },
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A connection whose work is committed at the end of the block, and rolled back if the block raises.

    Raises:
        StoreUnavailableError: Postgres cannot be reached, or it ended the connection or the transaction.
        DataContractError: a row violates a constraint of the schema.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, psycopg2.Error) as error:
        translated = _translate(error, engine)
        if translated is None:
            raise
        raise translated from error


def _translate(error: DBAPIError | psycopg2.Error, engine: Engine) -> HourcastError | None:
    """The error of ``include/errors.py`` for a driver's error; None for one that only a programming error causes."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    where = f"{engine.url.host}:{engine.url.port}/{engine.url.database}"
    if isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
        return StoreUnavailableError(f"Postgres at {where} is not available: {cause}".strip())
    if isinstance(cause, psycopg2.IntegrityError | psycopg2.DataError):
        return DataContractError(f"Postgres at {where} refused a row: {cause}".strip())
    return None


def run_script(connection: Connection, script: str) -> None:
    """Runs the statements of a script without parameters; ``%`` has no special meaning."""
    with closing(_cursor(connection)) as cursor:
        cursor.execute(script)


def execute(connection: Connection, statement: str, parameters: Mapping[str, Any] | None = None) -> int:
    """Runs one statement with ``:name`` parameters; the count of changed rows."""
    return connection.execute(text(statement), parameters or {}).rowcount


def fetch_rows(
    connection: Connection,
    query: str,
    parameters: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The rows of a query with ``:name`` parameters, each as column -> value; for small results."""
    return [dict(row) for row in connection.execute(text(query), parameters or {}).mappings()]


def fetch_frame(
    connection: Connection,
    query: str,
    parameters: Mapping[str, Any],
    tickers: Sequence[str],
    kinds: Kinds,
) -> pd.DataFrame:
    """The rows of a query with ``%(name)s`` parameters, as a frame; for large results.

    The query selects a ticker's position in ``tickers`` (integer, from 1), then the columns of ``kinds``, no nulls.
    """
    buffer = io.BytesIO()
    with closing(_cursor(connection)) as cursor:
        bound = cursor.mogrify(query, parameters).decode()
        cursor.copy_expert(f"copy ({bound}) to stdout (format binary)", buffer)
    return decode(buffer.getvalue(), tickers, kinds)


def copy_frame(
    connection: Connection, table: Table, frame: pd.DataFrame, kinds: Kinds, nullable: Collection[str] = ()
) -> bool:
    """Copies a frame's ticker and ``kinds`` columns into the table; NaN in a column of ``nullable`` becomes null.

    False, and nothing is stored, if the key of a row is stored already, also by a transaction that is not committed.
    """
    columns = ", ".join(("ticker", *kinds))
    copy = f"copy forecast.{table.name} ({columns}) from stdin (format binary)"
    data = io.BytesIO(encode(frame, kinds, nullable))
    try:
        with connection.begin_nested(), closing(_cursor(connection)) as cursor:
            cursor.copy_expert(copy, data)
    except psycopg2.errors.UniqueViolation:
        return False
    return True


def with_stored_rows(connection: Connection, table: Table, frame: pd.DataFrame, time: str) -> set[str]:
    """The tickers of a frame with stored rows whose ``time`` is between the ticker's first and last in the frame.

    Raises:
        DataContractError: the column ``time`` is missing.
    """
    _require_columns(frame, ("ticker", time))
    spans = frame.groupby("ticker", sort=False)[time].agg(["min", "max"])
    rows = fetch_rows(
        connection,
        f"""
        select given.ticker
        from unnest(
            cast(:tickers as text[]), cast(:firsts as timestamptz[]), cast(:lasts as timestamptz[])
        ) as given (ticker, first_at, last_at)
        where exists (
            select from forecast.{table.name} as stored
            where stored.ticker = given.ticker and stored.{time} between given.first_at and given.last_at
        )
        """,  # noqa: S608  # names from tables.py
        {
            "tickers": [str(ticker) for ticker in spans.index],
            "firsts": spans["min"].tolist(),
            "lasts": spans["max"].tolist(),
        },
    )
    return {str(row["ticker"]) for row in rows}


def stage_frame(connection: Connection, table: Table, frame: pd.DataFrame, kinds: Kinds) -> str:
    """Copies a frame's ticker and ``kinds`` columns into a staging table of this transaction; returns its name."""
    columns = ("ticker", *kinds)
    name = _create_staging(connection, table, columns)
    with closing(_cursor(connection)) as cursor:
        copy = f"copy {name} ({', '.join(columns)}) from stdin (format binary)"
        cursor.copy_expert(copy, io.BytesIO(encode(frame, kinds)))
    return name


def stage_rows(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> str:
    """Copies rows (values in the order of ``table.columns``) into a staging table; returns its name. For few rows."""
    name = _create_staging(connection, table, table.columns)
    lines = "".join("\t".join(map(_as_text, row)) + "\n" for row in rows)
    with closing(_cursor(connection)) as cursor:
        cursor.copy_expert(f"copy {name} ({', '.join(table.columns)}) from stdin", io.StringIO(lines))
    return name


def rows_of(frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """A frame's rows as Python values in the order of ``columns``; a missing value is None, except NaN in a float.

    Raises:
        DataContractError: a column is missing.
    """
    _require_columns(frame, columns)
    values = [_plain_values(frame[column]) for column in columns]
    return list(zip(*values, strict=True))


def upsert(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> int:
    """Inserts rows, or replaces those whose values differ; the count of rows that changed.

    A row with the same values is not changed, nor is its time of change: storing twice equals storing once.
    """
    staged = stage_rows(connection, table, rows)
    replaced = ", ".join(f"{column} = excluded.{column}" for column in table.values)
    touched = "".join(f", {column} = default" for column in table.touched)
    return execute(
        connection,
        f"""
        insert into forecast.{table.name} as stored ({", ".join(table.columns)})
        select {", ".join(table.columns)} from {staged}
        on conflict ({", ".join(table.keys)}) do update
        set {replaced}{touched}
        where ({_listed("stored", table.values)}) is distinct from ({_listed("excluded", table.values)})
        """,  # noqa: S608  # names from tables.py, never from outside
    )


def _cursor(connection: Connection) -> psycopg2.extensions.cursor:
    """The driver's cursor in the connection's transaction; SQLAlchemy has no COPY."""
    return cast("psycopg2.extensions.cursor", connection.connection.cursor())


def _require_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        message = f"The columns {', '.join(missing)} are missing; there are {', '.join(map(str, frame.columns))}."
        raise DataContractError(message)


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _create_staging(connection: Connection, table: Table, columns: Sequence[str]) -> str:
    name = f"staged_{table.name}"
    execute(connection, f"drop table if exists pg_temp.{name}")
    source = f"select {', '.join(columns)} from forecast.{table.name} with no data"  # noqa: S608  # names from tables.py
    execute(connection, f"create temporary table {name} on commit drop as {source}")
    return name


def _plain_values(column: pd.Series[Any]) -> list[Any]:
    is_time = isinstance(column.dtype, pd.DatetimeTZDtype)
    values = column.dt.as_unit("us").dt.to_pydatetime().tolist() if is_time else column.tolist()
    missing = column.isna()
    if pd.api.types.is_float_dtype(column.dtype) or not missing.any():
        return values
    return [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)]


def _as_text(value: object) -> str:
    """A value in COPY's text format."""
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, datetime):
        return require_utc(value, "a time to be stored").isoformat()
    words = json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else str(value)
    return words.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
