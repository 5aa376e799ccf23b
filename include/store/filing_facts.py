"""The figures that a filing's inline XBRL marks: table ``filings.fact``, and ``bi.filing_fact`` for readers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows


@dataclass(frozen=True)
class Fact:
    """A figure: ``value`` is exact, in ``unit``. ``period_start`` is None for a figure of one day.

    ``decimals`` are the places to which it is exact, None for all. ``dimensions`` are empty for the whole company.
    """

    concept: str
    label: str
    period_start: date | None
    period_end: date
    unit: str
    value: Decimal
    decimals: int | None
    dimensions: str = ""

    @property
    def days(self) -> int:
        """Length of its period; 0 for a figure of one day."""
        return (self.period_end - self.period_start).days + 1 if self.period_start else 0


def save_facts(connection: Connection, version_id: int, facts: Sequence[Fact]) -> None:
    """Stores the figures of a version in place of those that there are. A repetition changes no row."""
    rows = [
        {
            "number": number,
            "concept": fact.concept,
            "label": fact.label,
            "period_start": fact.period_start.isoformat() if fact.period_start else None,
            "period_end": fact.period_end.isoformat(),
            "unit": fact.unit,
            "value": str(fact.value),
            "decimals": fact.decimals,
            "dimensions": fact.dimensions,
        }
        for number, fact in enumerate(facts)
    ]
    values = {"version_id": version_id, "facts": json.dumps(rows)}
    execute(
        connection,
        f"""
        delete from filings.fact as stored
        where stored.version_id = :version_id and not exists (
            select from {_GIVEN}
            where given.number = stored.number
                and ({_columns("given")}) is not distinct from ({_columns("stored")})
        )
        """,  # noqa: S608  # constants
        values,
    )
    execute(
        connection,
        f"""
        insert into filings.fact (version_id, number, {_columns()})
        select :version_id, given.number, {_columns("given")}
        from {_GIVEN}
        on conflict (version_id, number) do nothing
        """,  # noqa: S608  # constants
        values,
    )


def load_facts(connection: Connection, receipts: Sequence[str], as_of: datetime) -> dict[str, list[Fact]]:
    """The figures of the whole company in these filings of the SEC, of the versions that counted at ``as_of`` (UTC)."""
    rows = fetch_rows(
        connection,
        f"""
        select filing.receipt, {_columns("fact")}
        from bi.filing as filing
        inner join bi.filing_fact as fact using (version_id)
        where filing.source = 'edgar' and filing.receipt = any(cast(:receipts as text[]))
            and filing.accepted_at <= :as_of and filing.known_at <= :as_of
            and (filing.superseded_at is null or filing.superseded_at > :as_of)
            and fact.dimensions = ''
        order by filing.receipt, fact.number
        """,  # noqa: S608  # constants
        {"receipts": list(receipts), "as_of": require_utc(as_of, "as_of")},
    )
    found: dict[str, list[Fact]] = {receipt: [] for receipt in receipts}
    for row in rows:
        found[row.pop("receipt")].append(Fact(**row))
    return found


_COLUMNS = ("concept", "label", "period_start", "period_end", "unit", "value", "decimals", "dimensions")
_GIVEN = """
    jsonb_to_recordset(cast(:facts as jsonb)) as given (
        number integer, concept text, label text, period_start date, period_end date, unit text, value numeric,
        decimals integer, dimensions text
    )
"""


def _columns(table: str = "") -> str:
    return ", ".join(f"{table}.{column}" if table else column for column in _COLUMNS)
