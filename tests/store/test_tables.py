"""The names in Python against the migrated database, which is the truth."""

import pytest

from include.contracts import BAR_COLUMNS, FEATURE_COLUMNS
from include.store.engine import Connection, fetch_rows
from include.store.tables import BAR_KINDS, FEATURE_KINDS, TABLES, Table

pytestmark = pytest.mark.integration

SQL_KINDS = {"time": "timestamp with time zone", "f8": "double precision", "f4": "real"}
FILLED_BY_POSTGRES = {
    "earnings_date": {"reported_at"},
    "model_version": {"is_pruned", "unreadable_at", "unreadable_reason"},
    "outcome": {"newest_closed_at", "due_closed_at", "freshness", "session_note", "is_refresh"},
    "ticker": {
        "is_simulated",
        "calendar",
        "timezone",
        "currency",
        "name",
        "feed_delay_minutes",
        "onboarded_as_of",
        "activated_as_of",
        "retired_as_of",
    },
}
"""Columns that a later statement fills, or Postgres itself."""


def _columns(connection: Connection, table: str) -> dict[str, str]:
    rows = fetch_rows(
        connection,
        """
        select column_name, data_type from information_schema.columns
        where table_schema = 'forecast' and table_name = :name
        """,
        {"name": table},
    )
    return {row["column_name"]: row["data_type"] for row in rows}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_the_columns_that_python_names(connection: Connection, table: Table) -> None:
    touched = set(table.touched)

    assert set(_columns(connection, table.name)) == (
        set(table.columns) | touched | FILLED_BY_POSTGRES.get(table.name, set())
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_tables_key_is_what_python_says(connection: Connection, table: Table) -> None:
    rows = fetch_rows(
        connection,
        """
        select attribute.attname as name
        from pg_index
        cross join unnest(pg_index.indkey) with ordinality as part (number, position)
        inner join pg_attribute as attribute
            on attribute.attrelid = pg_index.indrelid and attribute.attnum = part.number
        where pg_index.indrelid = cast(:name as regclass) and pg_index.indisprimary
        order by part.position
        """,
        {"name": f"forecast.{table.name}"},
    )

    assert tuple(row["name"] for row in rows) == table.keys


@pytest.mark.parametrize(("name", "kinds"), [("bar", BAR_KINDS), ("feature", FEATURE_KINDS)])
def test_binary_columns_have_the_width_that_python_writes(
    connection: Connection, name: str, kinds: dict[str, str]
) -> None:
    stored = _columns(connection, name)

    assert {column: SQL_KINDS[kind] for column, kind in kinds.items()} == {column: stored[column] for column in kinds}


def test_bars_and_features_carry_the_contracts_columns_in_order() -> None:
    assert ("ticker", *BAR_KINDS) == (*BAR_COLUMNS, "known_at")
    assert tuple(FEATURE_KINDS)[2:] == FEATURE_COLUMNS
