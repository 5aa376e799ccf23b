"""Filings as they came, their versions, their text and its chunks: schema ``filings``.

Each function is one step of a transaction that its caller holds. A repetition changes no row. The tables are in the
migration ``filings``. Where next: ``include/filings/loading.py`` for the order of the steps, ``filings_search.py`` for
how chunks are found.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from include.contracts import require_utc
from include.store.engine import Connection, execute, fetch_rows


@dataclass(frozen=True)
class FilingRow:
    """A filing and its company. ``accepted_at`` is UTC; ``tickers`` are spelled as the source does."""

    source: str
    receipt: str
    number: str
    name: str
    tickers: tuple[str, ...]
    form: str
    items: tuple[str, ...]
    period_end: date | None
    filed_on: date
    accepted_at: datetime
    main_document: str
    address: str
    is_amendment: bool


@dataclass(frozen=True)
class StoredVersion:
    """A content of a filing, as it came."""

    version_id: int
    filing: FilingRow
    content: bytes


@dataclass(frozen=True)
class ChunkRow:
    """A chunk; see the comments of ``filings.chunk``. ``pairs`` are pairs of Korean syllables, None for a parent."""

    number: int
    parent_number: int | None
    section: str
    titles: tuple[str, ...]
    start: int
    end: int
    lead: str
    text: str
    is_table: bool
    pairs: str | None


def save_listed(connection: Connection, rows: Sequence[FilingRow]) -> int:
    """Stores filings that a list names, and their companies; the count of filings that are new.

    What a list says of a filing that is stored already is not believed: its header is exact.
    """
    for row in {(row.source, row.number): row for row in rows}.values():
        _save_company(connection, row)
    return sum(
        execute(
            connection,
            """
            insert into filings.filing (
                source, receipt, number, form, items, period_end, filed_on, accepted_at, main_document, address,
                is_amendment
            )
            values (
                :source, :receipt, :number, :form, cast(:items as text[]), :period_end, :filed_on, :accepted_at,
                :main_document, :address, :is_amendment
            )
            on conflict (source, receipt) do nothing
            """,
            _values(row),
        )
        for row in rows
    )


def save_version(connection: Connection, row: FilingRow, content: bytes, fetched_at: datetime) -> int | None:
    """Stores a filing's content as it came (``fetched_at`` is UTC); the version's number, None if nothing is new.

    The first content of a filing counts as known from its acceptance on. Another content is a new version, and is known
    from ``fetched_at`` on.
    """
    save_listed(connection, [row])
    key = {"source": row.source, "receipt": row.receipt}
    execute(connection, "select from filings.filing where source = :source and receipt = :receipt for update", key)
    digest = hashlib.sha256(content).hexdigest()
    newest = fetch_rows(
        connection,
        """
        select version, sha256 from filings.version
        where source = :source and receipt = :receipt
        order by version desc
        limit 1
        """,
        key,
    )
    if newest and newest[0]["sha256"] == digest:
        return None
    _save_exact(connection, row)
    number = newest[0]["version"] + 1 if newest else 1
    moment = require_utc(fetched_at, "fetched_at")
    known_at = max(moment, row.accepted_at) if newest else row.accepted_at
    execute(
        connection,
        """
        update filings.version set superseded_at = :known_at
        where source = :source and receipt = :receipt and superseded_at is null
        """,
        {**key, "known_at": known_at},
    )
    execute(
        connection,
        """
        insert into filings.version (source, receipt, version, sha256, address, fetched_at, known_at, content)
        values (:source, :receipt, :version, :sha256, :address, :fetched_at, :known_at, :content)
        """,
        {
            **key,
            "version": number,
            "sha256": digest,
            "address": row.address,
            "fetched_at": moment,
            "known_at": known_at,
            "content": gzip.compress(content, mtime=0),
        },
    )
    return number


def load_unfetched(
    connection: Connection, source: str, numbers: Sequence[str] | None, forms: Sequence[str]
) -> list[FilingRow]:
    """Filings of these forms and their amendments that have no content yet, newest first. None: of all companies."""
    rows = fetch_rows(
        connection,
        f"""
        select {_FILING_COLUMNS} from filings.filing as filing
        inner join filings.company as company using (source, number)
        where source = :source and (cast(:numbers as text[]) is null or number = any(cast(:numbers as text[])))
            and regexp_replace(filing.form, '/A$', '') = any(cast(:forms as text[]))
            and not exists (
                select from filings.version as stored
                where stored.source = filing.source and stored.receipt = filing.receipt
            )
        order by filing.accepted_at desc, filing.receipt desc
        """,  # noqa: S608  # a constant
        {"source": source, "numbers": None if numbers is None else list(numbers), "forms": list(forms)},
    )
    return [_filing_row(row) for row in rows]


def unconverted(connection: Connection, converter: str) -> list[int]:
    """The versions that this converter has not converted, oldest first; ``converter`` is the hash of its code."""
    rows = fetch_rows(
        connection,
        """
        select version.version_id from filings.version as version
        left join filings.document as document using (version_id)
        where document.converter is distinct from :converter
        order by version.version_id
        """,
        {"converter": converter},
    )
    return [row["version_id"] for row in rows]


def load_version(connection: Connection, version_id: int) -> StoredVersion:
    """A version with its content as it came."""
    (row,) = fetch_rows(
        connection,
        f"""
        select {_FILING_COLUMNS}, version.content
        from filings.version as version
        inner join filings.filing as filing using (source, receipt)
        inner join filings.company as company using (source, number)
        where version.version_id = :version_id
        """,  # noqa: S608  # a constant
        {"version_id": version_id},
    )
    content = gzip.decompress(bytes(row.pop("content")))
    return StoredVersion(version_id, _filing_row(row), content)


def save_document(
    connection: Connection,
    version_id: int,
    converter: str,
    markdown: str | None,
    chunks: Sequence[ChunkRow],
    problem: str | None = None,
    front_matter: str | None = None,
) -> None:
    """Stores a version's text and its chunks in place of those that there are; other versions keep theirs.

    What this converter has made is not made again. With a ``problem`` there is neither text nor chunk.
    """
    stored = fetch_rows(
        connection,
        "select converter, markdown from filings.document where version_id = :version_id for update",
        {"version_id": version_id},
    )
    if stored and stored[0]["converter"] == converter:
        return
    values = {"version_id": version_id, "converter": converter, "markdown": markdown, "problem": problem}
    execute(
        connection,
        """
        insert into filings.document (version_id, converter, front_matter, markdown, problem, converted_at)
        values (:version_id, :converter, :front_matter, :markdown, :problem, now())
        on conflict (version_id) do update
        set converter = excluded.converter, front_matter = excluded.front_matter, markdown = excluded.markdown,
            problem = excluded.problem, converted_at = excluded.converted_at
        """,
        values | {"front_matter": front_matter},
    )
    _replace_chunks(connection, version_id, chunks)


def counts(connection: Connection) -> dict[str, int]:
    """Numbers of filings, versions, documents, problems and searched chunks."""
    (row,) = fetch_rows(
        connection,
        """
        select
            (select count(*) from filings.filing) as filings,
            (select count(*) from filings.version) as versions,
            (select count(*) from filings.document where markdown is not null) as documents,
            (select count(*) from filings.document where problem is not null) as problems,
            (select count(*) from filings.chunk where parent_number is not null) as chunks
        """,
    )
    return row


_FILING_COLUMNS = """
    filing.source, filing.receipt, filing.number, company.name, company.tickers, filing.form, filing.items,
    filing.period_end, filing.filed_on, filing.accepted_at, filing.main_document, filing.address, filing.is_amendment
"""


_GIVEN = """
    jsonb_to_recordset(cast(:chunks as jsonb)) as given (
        number integer, parent_number integer, section text, titles text[], start integer, "end" integer,
        lead text, text text, is_table boolean, pairs text
    )
"""


def _filing_row(row: dict[str, Any]) -> FilingRow:
    return FilingRow(**{**row, "tickers": tuple(row["tickers"]), "items": tuple(row["items"])})


def _values(row: FilingRow) -> dict[str, Any]:
    values = asdict(row) | {"tickers": list(row.tickers), "items": list(row.items)}
    return values | {"accepted_at": require_utc(row.accepted_at, "accepted_at")}


def _save_company(connection: Connection, row: FilingRow) -> None:
    """Stores the company. A file names no ticker, so it changes nothing of what a list has named."""
    execute(
        connection,
        """
        insert into filings.company as stored (source, number, name, tickers)
        values (:source, :number, :name, cast(:tickers as text[]))
        on conflict (source, number) do update
        set name = excluded.name, tickers = excluded.tickers
        where excluded.tickers <> '{}'
            and (stored.name, stored.tickers) is distinct from (excluded.name, excluded.tickers)
        """,
        _values(row),
    )


def _save_exact(connection: Connection, row: FilingRow) -> None:
    """Replaces what a list said of a filing by what its content says."""
    execute(
        connection,
        """
        update filings.filing
        set form = :form, items = cast(:items as text[]), period_end = :period_end, filed_on = :filed_on,
            accepted_at = :accepted_at, main_document = :main_document, address = :address,
            is_amendment = :is_amendment
        where source = :source and receipt = :receipt
        """,
        _values(row),
    )


def _replace_chunks(connection: Connection, version_id: int, chunks: Sequence[ChunkRow]) -> None:
    """Stores the chunks. Those that are stored already stay, with their vectors."""
    values = {"version_id": version_id, "chunks": json.dumps([asdict(chunk) for chunk in chunks])}
    execute(
        connection,
        f"""
        delete from filings.chunk as stored
        where stored.version_id = :version_id and not exists (
            select from {_GIVEN}
            where given.number = stored.number
                and (
                    given.parent_number, given.section, given.titles, given.start, given."end", given.lead,
                    given.text, given.is_table
                ) is not distinct from (
                    stored.parent_number, stored.section, stored.titles, stored.first_character, stored.end_character,
                    stored.lead, stored.text, stored.is_table
                )
        )
        """,  # noqa: S608  # a constant
        values,
    )
    execute(
        connection,
        f"""
        insert into filings.chunk (
            version_id, number, parent_number, section, titles, first_character, end_character, lead, text,
            is_table, words, word_count
        )
        select
            :version_id, given.number, given.parent_number, given.section, given.titles, given.start, given."end",
            given.lead, given.text, given.is_table,
            case when given.parent_number is not null then
                setweight(to_tsvector('english', array_to_string(given.titles, ' ')), 'B')
                || to_tsvector('english', given.lead || ' ' || given.text) || to_tsvector('simple', given.pairs)
            end,
            coalesce(array_length(regexp_split_to_array(btrim(given.text), '\\s+'), 1), 0)
        from {_GIVEN}
        order by given.number
        on conflict (version_id, number) do nothing
        """,  # noqa: S608  # a constant
        values,
    )
