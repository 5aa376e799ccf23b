"""From raw answers to chunks in the database: keep what came, convert it, and cut it.

Each filing is a transaction, so whatever ends a run in between leaves whole filings behind, and the next run goes on
with the others. Where next: ``store/filings.py`` for the rows, ``chunks.py`` for how a document is cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from include.errors import DataContractError, FilingsUnavailableError
from include.filings.chunks import Chunk, cut
from include.filings.contracts import Company, Filing, FilingSource, RawDocument
from include.filings.documents import convert
from include.filings.facts import read_facts
from include.filings.hangul import pairs
from include.filings.opendart import unpack
from include.filings.sgml import read_submission
from include.store import filings as store
from include.store.engine import Connection, Engine, transaction
from include.store.filing_facts import save_facts
from include.store.filings import ChunkRow, FilingRow

_CONVERTING: Final = (
    "blocks",
    "chunks",
    "dart",
    "documents",
    "facts",
    "hangul",
    "html",
    "markdown",
    "plain",
    "sgml",
    "tables",
    "words",
)
"""The modules that decide what a document and its chunks are."""


@cache
def converter_version() -> str:
    """The first 12 hex digits of a hash over the source of the modules that convert."""
    digest = hashlib.sha256()
    for name in _CONVERTING:
        digest.update(name.encode() + b"\0" + (Path(__file__).parent / f"{name}.py").read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def keep(connection: Connection, filing: Filing, content: bytes, fetched_at: datetime) -> bool:
    """Stores a filing's content as it came, read at ``fetched_at`` (UTC); whether it is new."""
    return store.save_version(connection, row_of(filing), content, fetched_at) is not None


def convert_kept(engine: Engine) -> dict[str, int]:
    """Converts and cuts what is kept and not converted; counts of filings converted and not convertible.

    A filing that cannot be converted is stored with the reason, and the others are converted nevertheless.
    """
    with transaction(engine) as connection:
        waiting = store.unconverted(connection, converter_version())
    counts = {"converted": 0, "unreadable": 0}
    for version_id in waiting:
        with transaction(engine) as connection:
            is_converted = _convert(connection, version_id)
        counts["converted" if is_converted else "unreadable"] += 1
    return counts


def _convert(connection: Connection, version_id: int) -> bool:
    version = store.load_version(connection, version_id)
    filing = filing_of(version.filing)
    try:
        raw = raw_documents(filing, version.content)
        document = convert(filing, raw)
    except (DataContractError, FilingsUnavailableError) as error:
        store.save_document(connection, version_id, converter_version(), None, (), str(error))
        return False
    parents, children = cut(document)
    store.save_document(
        connection,
        version_id,
        converter_version(),
        document.text,
        _rows(parents, children),
        front_matter=document.front_matter(),
    )
    save_facts(connection, version_id, read_facts(raw) if filing.source is FilingSource.EDGAR else ())
    return True


def raw_documents(filing: Filing, content: bytes) -> tuple[RawDocument, ...]:
    """The documents in a content as it came: a full submission, a ZIP file of OpenDART, or a report of DART.

    Raises:
        DataContractError: the submission is cut off.
        FilingsUnavailableError: the ZIP file is damaged.
    """
    if filing.source is FilingSource.EDGAR:
        return read_submission(content).documents
    if content.startswith(b"PK"):
        return unpack(filing.receipt, content)
    return (RawDocument("", filing.main_document, content),)


def row_of(filing: Filing) -> FilingRow:
    """The filing as its row."""
    company = filing.company
    return FilingRow(
        source=filing.source.value,
        receipt=filing.receipt,
        number=company.number,
        name=company.name,
        tickers=company.tickers,
        form=filing.form,
        items=filing.items,
        period_end=filing.period_end,
        filed_on=filing.filed_on,
        accepted_at=filing.accepted_at,
        main_document=filing.main_document,
        address=filing.address,
        is_amendment=filing.is_amendment,
    )


def filing_of(row: FilingRow) -> Filing:
    """The filing of a row."""
    source = FilingSource(row.source)
    return Filing(
        source=source,
        receipt=row.receipt,
        company=Company(source, row.number, row.name, row.tickers),
        form=row.form,
        accepted_at=row.accepted_at,
        filed_on=row.filed_on,
        period_end=row.period_end,
        items=row.items,
        main_document=row.main_document,
        address=row.address,
        is_amendment=row.is_amendment,
    )


def _rows(parents: Sequence[Chunk], children: Sequence[Chunk]) -> list[ChunkRow]:
    """Parents first, so that a child's parent has the same number among all chunks."""
    return [_row(number, chunk) for number, chunk in enumerate((*parents, *children))]


def _row(number: int, chunk: Chunk) -> ChunkRow:
    is_parent = chunk.parent is None
    return ChunkRow(
        number=number,
        parent_number=chunk.parent,
        section=chunk.section,
        titles=chunk.titles,
        start=chunk.start,
        end=chunk.end,
        lead=chunk.lead,
        text="" if is_parent else chunk.text,
        is_table=chunk.is_table,
        pairs=None if is_parent else pairs(" ".join((*chunk.titles[1:], chunk.lead, chunk.text))),
    )
