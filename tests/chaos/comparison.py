"""What a database stores, without clocks, and where it differs from what undisturbed runs stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from tests.chaos.checker import KEYS, WRONG, Finding

Content = dict[str, dict[str, str]]
"""Table (or ``artefact``) -> key -> the row without clocks, as text; of an artefact the hash."""

_TABLES = {
    **KEYS,
    "bar_rejected": "ticker, opened_at, reason",
    "earnings_date": "ticker, reported_on, known_at",
    "expected_day": "ticker, day_exchange",
    "extended_close": "ticker, closed_at, known_at",
}
_CLOCKS = ("written_number", "made_at", "created_at", "updated_at", "promoted_at", "planned_at")


def content_of(url: str, models_dir: Path) -> Content:
    """Every row of every table by its key, and the hash of every artefact."""
    found: Content = {}
    clocks = ", ".join(f"'{name}'" for name in _CLOCKS)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("set time zone 'UTC'")
        for table, keys in _TABLES.items():
            cursor.execute(
                f"select ({keys})::text, (to_jsonb(stored) - array[{clocks}])::text from forecast.{table} as stored"
                if "," in keys
                else f"select {keys}::text, (to_jsonb(stored) - array[{clocks}])::text from forecast.{table} as stored"
            )
            found[table] = dict(cursor.fetchall())
    found["artefact"] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(models_dir.glob("*.safetensors"))
    }
    return found


def without(content: Content, tables: Collection[str], columns: Collection[str] = ()) -> Content:
    """The content without some tables and, in all other tables, without some columns."""
    return {
        table: {key: _without_columns(row, columns) for key, row in rows.items()} if columns else rows
        for table, rows in content.items()
        if table not in tables
    }


def _without_columns(row: str, columns: Collection[str]) -> str:
    if not row.startswith("{"):
        return row
    return json.dumps({name: value for name, value in json.loads(row).items() if name not in columns})


def compare(found: Content, accepted: Sequence[Content], excused: frozenset[str] = frozenset()) -> list[Finding]:
    """Rows that no accepted content has, and rows that all of them have and are gone.

    ``excused`` are tickers that may differ, since their outcome says why.
    """
    findings = []
    for table, rows in found.items():
        wanted = [content[table] for content in accepted]
        for key, row in rows.items():
            if all(other.get(key) != row for other in wanted) and not _is_excused(table, key, row, excused):
                twin = next((other[key] for other in wanted if key in other), None)
                findings.append(Finding(WRONG, f"{table} {key}: {_difference(row, twin)}"))
        gone = set.intersection(*(set(other) for other in wanted)) - set(rows)
        findings += [
            Finding(WRONG, f"{table} {key}: is missing")
            for key in sorted(gone)
            if not _is_excused(table, key, wanted[0][key], excused)
        ]
    return findings


def _is_excused(table: str, key: str, row: str, excused: frozenset[str]) -> bool:
    if table == "artefact":
        return bool(excused)
    if table == "accuracy_market_day":
        return bool(excused)
    ticker = json.loads(row).get("ticker")
    return ticker in excused


def _difference(row: str, twin: str | None) -> str:
    if twin is None:
        return "is new"
    if not row.startswith("{"):
        return "has another hash"
    first: Mapping[str, Any] = json.loads(row)
    second: Mapping[str, Any] = json.loads(twin)
    name = next((name for name in first if first[name] != second.get(name)), "?")
    return f"{name} is {str(first.get(name))[:60]}, undisturbed {str(second.get(name))[:60]}"
