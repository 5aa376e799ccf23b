"""The filings that were known at an instant, with all passages of each: what question sets are made of.

Where next: ``filings_search.py`` finds single passages for a question; ``language/material.py`` uses this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from include.contracts import require_utc
from include.store.engine import Connection, fetch_rows


@dataclass(frozen=True)
class KnownFiling:
    """The version of a filing that counted at an instant. ``number`` is the company's at the source."""

    version_id: int
    source: str
    receipt: str
    number: str
    company: str
    form: str
    period_end: date | None
    sha256: str


@dataclass(frozen=True)
class FiledPassage:
    """A searched chunk of a filing; ``lead`` is the heading of a table's later rows."""

    section: str
    first_character: int
    end_character: int
    lead: str
    text: str
    is_table: bool


def load_known_filings(
    connection: Connection, as_of: datetime, companies: Sequence[str] | None = None
) -> list[KnownFiling]:
    """The converted filings that were known at ``as_of`` (UTC), by receipt. ``companies``: tickers or numbers, or all.

    Raises:
        DataContractError: ``as_of`` is naive.
    """
    rows = fetch_rows(
        connection,
        """
        select
            version.version_id, filing.source, filing.receipt, filing.number, company.name as company, filing.form,
            filing.period_end, version.sha256
        from filings.version as version
        inner join filings.filing as filing using (source, receipt)
        inner join filings.company as company using (source, number)
        inner join filings.document as document using (version_id)
        where filing.accepted_at <= :as_of and version.known_at <= :as_of
            and (version.superseded_at is null or version.superseded_at > :as_of)
            and document.markdown is not null
            and (
                cast(:companies as text[]) is null or company.tickers && cast(:companies as text[])
                or company.number = any(cast(:companies as text[]))
            )
        order by filing.source, filing.receipt
        """,
        {"as_of": require_utc(as_of, "as_of"), "companies": None if companies is None else list(companies)},
    )
    return [KnownFiling(**row) for row in rows]


def load_passages(connection: Connection, version_id: int) -> list[FiledPassage]:
    """The searched chunks of a version, in the order of its text."""
    rows = fetch_rows(
        connection,
        """
        select section, first_character, end_character, lead, text, is_table
        from filings.chunk
        where version_id = :version_id and parent_number is not null
        order by first_character, number
        """,
        {"version_id": version_id},
    )
    return [FiledPassage(**row) for row in rows]


def load_company_names(connection: Connection, companies: Sequence[str]) -> list[str]:
    """The names of companies by their tickers, as their source spells them, or by their numbers."""
    rows = fetch_rows(
        connection,
        """
        select distinct filing.company
        from bi.filing as filing
        where filing.tickers && cast(:companies as text[]) or filing.number = any(cast(:companies as text[]))
        order by filing.company
        """,
        {"companies": list(companies)},
    )
    return [str(row["company"]) for row in rows]
