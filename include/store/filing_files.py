"""Documents and chunks of filings as the bytes of files, and which of them are written.

Equal rows give equal bytes. Where next: ``include/filings/document_files.py``, which writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

from include.store.engine import Connection, execute, fetch_rows
from include.store.export import to_parquet, with_comments


@dataclass(frozen=True)
class DocumentFile:
    """A document and where it is written: ``place`` is None if it is not, or by another converter.

    ``version`` is 1 for the first content of a filing. ``year`` is that of the day of filing.
    """

    version_id: int
    number: str
    year: int
    form: str
    receipt: str
    version: int
    place: str | None


_INSTANT: Final = pa.timestamp("us", tz="UTC")
_CHUNKS: Final = pa.schema(
    [
        ("source", pa.string()),
        ("receipt", pa.string()),
        ("version", pa.int32()),
        ("company_number", pa.string()),
        ("company", pa.string()),
        ("tickers", pa.list_(pa.string())),
        ("form", pa.string()),
        ("period_end", pa.date32()),
        ("filed_on", pa.date32()),
        ("accepted_at", _INSTANT),
        ("known_at", _INSTANT),
        ("number", pa.int32()),
        ("parent_number", pa.int32()),
        ("section", pa.string()),
        ("titles", pa.list_(pa.string())),
        ("first_character", pa.int32()),
        ("end_character", pa.int32()),
        ("lead", pa.string()),
        ("text", pa.string()),
        ("is_table", pa.bool_()),
        ("word_count", pa.int32()),
    ]
)
_COMMENTS: Final = {
    "version": "1 for the first content of the filing, 2 for the next",
    "accepted_at": "from when on the filing counts as known, UTC",
    "known_at": "from when on this content counts as known, UTC",
    "number": "place among the chunks of the document, from 0 on",
    "parent_number": "number of a child's parent; null for a parent",
    "first_character": "its first character in the text below the front matter, from 0 on",
    "end_character": "the character after its last",
    "lead": "what is shown before the text: the headings of a table's later rows",
}


def list_documents(connection: Connection) -> list[DocumentFile]:
    """All documents that have a text and a front matter, and where they are written, oldest first."""
    rows = fetch_rows(
        connection,
        """
        select
            version_id, filing.number, cast(extract(year from filing.filed_on) as integer) as year, filing.form,
            filing.receipt, version.version,
            case when file.converter = document.converter then file.place end as place
        from filings.document as document
        inner join filings.version as version using (version_id)
        inner join filings.filing as filing using (source, receipt)
        left join filings.document_file as file using (version_id)
        where document.front_matter is not null
        order by version_id
        """,
    )
    return [DocumentFile(**row) for row in rows]


def load_document(connection: Connection, version_id: int) -> tuple[bytes, str]:
    """A document's file, which is its front matter and its text, and its converter."""
    (row,) = fetch_rows(
        connection,
        "select front_matter, markdown, converter from filings.document where version_id = :version_id",
        {"version_id": version_id},
    )
    return f"---\n{row['front_matter']}---\n\n{row['markdown']}".encode(), row["converter"]


def load_chunks(connection: Connection, version_id: int) -> bytes:
    """A document's chunks as a Parquet file, in their order; a parent's text is that of its range."""
    rows = fetch_rows(
        connection,
        """
        select
            filing.source, filing.receipt, version.version, filing.number as company_number,
            company.name as company, company.tickers, filing.form, filing.period_end, filing.filed_on,
            filing.accepted_at, version.known_at, chunk.number, chunk.parent_number, chunk.section, chunk.titles,
            chunk.first_character, chunk.end_character, chunk.lead,
            case when chunk.parent_number is null then substr(
                document.markdown, chunk.first_character + 1, chunk.end_character - chunk.first_character
            ) else chunk.text end as text,
            chunk.is_table, chunk.word_count
        from filings.chunk as chunk
        inner join filings.document as document using (version_id)
        inner join filings.version as version using (version_id)
        inner join filings.filing as filing using (source, receipt)
        inner join filings.company as company on company.source = filing.source and company.number = filing.number
        where chunk.version_id = :version_id
        order by chunk.number
        """,
        {"version_id": version_id},
    )
    return to_parquet(with_comments(_table(rows), _COMMENTS))


def save_written(connection: Connection, version_id: int, place: str, converter: str) -> None:
    """Stores that the document of this converter is written at ``place``."""
    execute(
        connection,
        """
        insert into filings.document_file (version_id, place, converter, written_at)
        values (:version_id, :place, :converter, now())
        on conflict (version_id) do update
        set place = excluded.place, converter = excluded.converter, written_at = excluded.written_at
        """,
        {"version_id": version_id, "place": place, "converter": converter},
    )


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=_CHUNKS)
