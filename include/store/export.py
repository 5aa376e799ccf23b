"""The rows of a query as an Arrow table, and that table as the bytes of a Parquet or CSV file.

A column's comment in the database, which has its unit, becomes the metadata ``comment`` of the field in Parquet. The
same rows give the same bytes. Where next: ``include/pipeline/exporting`` for the files of whole views.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

import psycopg2.extensions
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
from pyarrow import csv as arrow_csv

from include.store.engine import Connection, fetch_rows

COMMENT_KEY: Final = b"comment"
"""Key of a field's metadata under which its comment is."""

_TYPES: Final = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
"""Postgres' types and Arrow's. Every other type becomes text, written as Postgres writes it."""


@dataclass(frozen=True)
class ViewColumn:
    """A column of a view: its name, Postgres' short name of its type (``timestamptz``), and its comment with the unit.

    ``comment`` is empty where there is none.
    """

    name: str
    kind: str
    comment: str


def view_columns(connection: Connection, view: str) -> list[ViewColumn]:
    """The columns of a view of schema bi, in its order; none if there is no such view."""
    rows = fetch_rows(
        connection,
        """
        select attribute.attname as name, kind.typname as kind,
            coalesce(col_description(relation.oid, attribute.attnum), '') as comment
        from pg_attribute as attribute
        inner join pg_class as relation on relation.oid = attribute.attrelid and relation.relkind = 'v'
        inner join pg_type as kind on kind.oid = attribute.atttypid
        where relation.relnamespace = to_regnamespace('bi') and relation.relname = :view and attribute.attnum > 0
        order by attribute.attnum
        """,
        {"view": view},
    )
    return [ViewColumn(str(row["name"]), str(row["kind"]), str(row["comment"])) for row in rows]


def view_names(connection: Connection) -> list[str]:
    """The names of the views of schema bi, without the schema, in alphabetical order."""
    query = "select viewname from pg_views where schemaname = 'bi' order by viewname"
    return [str(row["viewname"]) for row in fetch_rows(connection, query)]


def read_table(connection: Connection, query: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """All rows of a query with ``%(name)s`` parameters; in memory, so bound the query. A literal ``%`` is ``%%``.

    Times with a zone are UTC, in microseconds; numbers are exact to the bit, except that ``numeric`` becomes a float.
    It sets the transaction's time zone and formats of output.
    """
    buffer = io.BytesIO()
    with closing(cast("psycopg2.extensions.cursor", connection.connection.cursor())) as cursor:
        cursor.execute("set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1")
        bound = cursor.mogrify(query, dict(parameters or {})).decode()
        types = _column_types(cursor, bound)
        cursor.copy_expert(f"copy ({bound}) to stdout (format csv, header)", buffer)
    return arrow_csv.read_csv(
        pa.BufferReader(buffer.getbuffer()),
        arrow_csv.ReadOptions(use_threads=False),
        # a row of one null is an empty line
        arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,  # COPY puts quotes around an empty text, and none around a null
            true_values=["t"],
            false_values=["f"],
        ),
    )


def with_comments(table: pa.Table, comments: Mapping[str, str]) -> pa.Table:
    """The table with the comments of its columns as metadata of the fields; columns without one stay as they are."""
    described = [
        field.with_metadata({COMMENT_KEY: comments[field.name].encode()}) if comments.get(field.name) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(described, table.schema.metadata))


def to_parquet(table: pa.Table) -> bytes:
    """The table as the bytes of a Parquet file, with the metadata of its fields."""
    buffer = io.BytesIO()
    with open_parquet(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def open_parquet(sink: BinaryIO, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer of a Parquet file with the options that all files of ours have."""
    return pq.ParquetWriter(sink, schema, compression="zstd", version="2.6", write_page_index=True)


def to_csv(table: pa.Table) -> bytes:
    """The table as UTF-8 CSV with a head. Text is quoted, an unknown value is empty, times with a zone end in Z."""
    buffer = io.BytesIO()
    arrow_csv.write_csv(table, buffer)
    return buffer.getvalue()


def _column_types(cursor: psycopg2.extensions.cursor, query: str) -> dict[str, pa.DataType]:
    """Column -> Arrow type of a query's result."""
    cursor.execute(f"select * from ({query}) as described limit 0")  # noqa: S608  # the caller's own query, bound
    described = cursor.description or ()
    cursor.execute("select oid, typname from pg_type where oid = any(%s)", ([each.type_code for each in described],))
    kinds = dict(cursor.fetchall())
    return {each.name: _TYPES.get(kinds[each.type_code], pa.string()) for each in described}
