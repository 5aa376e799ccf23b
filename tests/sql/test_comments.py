"""Whoever opens the database can read it: everything is described, and every number has a unit."""

import pytest

from include.store.engine import create_store_engine, fetch_rows, transaction
from include.store.migrations import SQL_DIR

pytestmark = pytest.mark.integration

UNITS = (
    "currency",
    "basis points",
    "log return",
    "ratio",
    "Ratio",
    "Share",
    "Hours",
    "Seconds",
    "units",
    "scaled units",
    "multiplied",
)
"""What a comment on a price, loss, share or size must say one of."""

FEATURE_UNITS = (
    "og ",
    "0 to 100",
    "-1 to 1",
    "0 to 1",
    "as a share",
    "over the mean",
    "same unit",
    "Sine",
    "Cosine",
    "1 where",
    "edge",
)
"""The features are pure numbers; their comments say of which kind."""


def _described(url: str, question: str) -> list[dict[str, object]]:
    engine = create_store_engine(url)
    with transaction(engine) as connection:
        rows = fetch_rows(connection, question)
    engine.dispose()
    return rows


@pytest.fixture
def columns(module_database_url: str) -> list[dict[str, object]]:
    return _described(
        module_database_url,
        """
        select
            namespace.nspname || '.' || relation.relname as relation,
            attribute.attname as name,
            format_type(attribute.atttypid, null) as kind,
            coalesce(col_description(relation.oid, attribute.attnum), '') as comment
        from pg_attribute as attribute
        inner join pg_class as relation on relation.oid = attribute.attrelid and relation.relkind in ('r', 'v')
        inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
        where namespace.nspname in ('forecast', 'filings', 'bi') and attribute.attnum > 0 and not attribute.attisdropped
        """,
    )


def test_every_schema_table_view_and_function_has_a_comment(module_database_url: str) -> None:
    rows = _described(
        module_database_url,
        """
        select nspname as name, obj_description(oid, 'pg_namespace') as comment
        from pg_namespace
        where nspname in ('forecast', 'filings', 'bi')
        union all
        select relname as name, obj_description(pg_class.oid, 'pg_class') as comment
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        where nspname in ('forecast', 'filings', 'bi') and relkind in ('r', 'v')
        union all
        select proname as name, obj_description(pg_proc.oid, 'pg_proc') as comment
        from pg_proc
        inner join pg_namespace on pg_namespace.oid = pronamespace
        where nspname in ('forecast', 'filings', 'bi')
        """,
    )

    assert len(rows) > 20
    assert [row["name"] for row in rows if not row["comment"]] == []


def test_every_column_has_a_comment(columns: list[dict[str, object]]) -> None:
    assert len(columns) > 200
    assert [f"{column['relation']}.{column['name']}" for column in columns if not column["comment"]] == []


def test_every_time_says_its_zone(columns: list[dict[str, object]]) -> None:
    silent = [
        f"{column['relation']}.{column['name']}"
        for column in columns
        if (column["kind"] == "timestamp with time zone" and "UTC" not in str(column["comment"]))
        or (
            column["kind"] in {"date", "timestamp without time zone"}
            and not any(clock in str(column["comment"]) for clock in ("exchange", "source's clock", "fiscal calendar"))
        )
    ]

    assert silent == []


def test_every_number_says_its_unit(columns: list[dict[str, object]]) -> None:
    silent = [
        f"{column['relation']}.{column['name']}: {column['comment']}"
        for column in columns
        if column["kind"] in {"double precision", "real", "numeric"}
        and not any(unit in str(column["comment"]) for unit in (*UNITS, *FEATURE_UNITS))
    ]

    assert silent == []


@pytest.mark.parametrize("path", sorted((SQL_DIR / "views").glob("*.sql")), ids=lambda path: path.stem)
def test_a_view_file_opens_with_its_grain_and_makes_the_view_of_its_name(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]

    assert text.startswith("-- grain: one row per ")
    assert f"create view bi.{path.stem} as" in text  # type: ignore[attr-defined]
