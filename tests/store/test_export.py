"""A query's rows as Arrow, Parquet and CSV: exact, in UTC, with units, and the same bytes for the same rows."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.store.engine import Connection, create_store_engine, transaction
from include.store.export import read_table, to_csv, to_parquet, view_columns, view_names, with_comments

KINDS: dict[str, tuple[str, list[Any]]] = {
    "timestamptz": (
        "('2025-03-31 14:00+02'::timestamptz), ('2025-03-31 12:00:00.12+00')",
        [datetime(2025, 3, 31, 12, tzinfo=UTC), datetime(2025, 3, 31, 12, 0, 0, 120000, tzinfo=UTC)],
    ),
    "timestamp": ("('2025-03-31 14:00'::timestamp)", [datetime(2025, 3, 31, 14)]),  # noqa: DTZ001  # without a zone
    "date": ("('2025-03-31'::date)", [date(2025, 3, 31)]),
    "text": ("('a, \"b\"\nc'::text), (''), ('é'), ('\\.')", ['a, "b"\nc', "", "é", "\\."]),
    "double precision": ("(0.1::float8), ('infinity'), (1e-300)", [0.1, float("inf"), 1e-300]),
    "real": ("(0.1::real)", [0.10000000149011612]),
    "numeric": ("(12.5::numeric)", [12.5]),
    "bigint": ("(9007199254740993::bigint)", [9007199254740993]),
    "boolean": ("(true), (false)", [True, False]),
    "jsonb": ("('{\"a\": [1]}'::jsonb)", ['{"a": [1]}']),
}


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_of_each_type_comes_back_as_it_was_stored_and_null_stays_null(
    connection: Connection, kind: str
) -> None:
    rows, expected = KINDS[kind]

    table = read_table(connection, f"select a from (values {rows}, (null)) as given (a)")

    assert table.column("a").to_pylist() == [*expected, None]


@pytest.mark.integration
def test_a_query_has_parameters_and_keeps_its_types_without_rows(connection: Connection) -> None:
    query = "select %(a)s::text as a, now() as b where %(a)s <> 'it''s'"

    assert read_table(connection, query, {"a": "x'y%"}).column("a").to_pylist() == ["x'y%"]
    empty = read_table(connection, query, {"a": "it's"})
    assert (empty.num_rows, empty.schema.types) == (0, [pa.string(), pa.timestamp("us", "UTC")])


@pytest.mark.integration
def test_the_role_of_bi_tools_reads_with_the_comments_of_a_view(reader_url: str) -> None:
    engine = create_store_engine(reader_url)
    with transaction(engine) as connection:
        columns = view_columns(connection, "forecast")
        table = read_table(connection, "select * from bi.forecast")
        assert view_columns(connection, "no_view") == []
        assert {"bar", "forecast"} <= set(view_names(connection))
    engine.dispose()
    comments = {column.name: column.comment for column in columns}

    schema = pq.read_schema(io.BytesIO(to_parquet(with_comments(table, comments))))

    assert schema.names == [column.name for column in columns]
    assert {field.name: field.metadata[b"comment"].decode() for field in schema} == comments
    assert "in currency" in comments["q50"]
    assert [column.kind for column in columns if column.name == "as_of"] == ["timestamptz"]


def test_the_same_rows_give_the_same_parquet_and_a_column_without_a_comment_has_none() -> None:
    def made() -> pa.Table:
        return with_comments(pa.table({"a": [1.0, None], "b": ["x", ""]}), {"a": "A, ratio."})

    data = to_parquet(made())

    assert data == to_parquet(made())
    back = pq.read_table(io.BytesIO(data))
    assert back.equals(made())
    assert [field.metadata for field in back.schema] == [{b"comment": b"A, ratio."}, None]


def test_csv_has_a_head_times_in_utc_and_empty_cells_for_the_unknown() -> None:
    at = pa.array([datetime(2025, 3, 31, 14, tzinfo=UTC), None], pa.timestamp("us", "UTC"))

    text = to_csv(pa.table({"at": at, "name": ['a "b"', None]})).decode()

    assert text.splitlines() == ['"at","name"', '2025-03-31 14:00:00.000000Z,"a ""b"""', ","]
