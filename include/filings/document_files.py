"""Filings as files beside the model artefacts: the text as Markdown, and its chunks as Parquet.

``docs/{company}/{year}/{form}/{receipt}.md`` and ``chunks/...parquet``, in the folder or object store of the artefacts.
A later version of a filing is a file of its own, ``{receipt}-v2.md``. What is written is not written again. Where next:
``store/filing_files.py`` for the bytes.
"""

from __future__ import annotations

from typing import Final

from include.artefacts.store import ArtefactStore
from include.filings.documents import folder_name
from include.store import filing_files as store
from include.store.engine import Engine, transaction
from include.store.filing_files import DocumentFile

TEXTS: Final = "docs"
CHUNKS: Final = "chunks"


def write_files(engine: Engine, artefacts: ArtefactStore) -> dict[str, int]:
    """Writes the files that are missing or of an earlier converter; counts of documents written and left as they are.

    A file that is there with the same bytes is not written again. A run that is ended leaves whole files, and the next
    one goes on.

    Raises:
        ArtefactStoreUnavailableError: the object store cannot be reached now.
        CheckpointError: the folder cannot be written to.
    """
    place = artefacts.place_of("").rstrip("/")
    counts = {"written": 0, "unchanged": 0}
    with transaction(engine) as connection:
        documents = store.list_documents(connection)
    listed: dict[tuple[str, ...], set[str]] = {}
    for document in documents:
        folders = _folders(document)
        for folder in folders:
            if folder not in listed:
                listed[folder] = set(artefacts.below(*folder).files())
        names = _names(document)
        is_there = all(name in listed[folder] for folder, name in zip(folders, names, strict=True))
        if is_there and document.place == place:
            counts["unchanged"] += 1
            continue
        _write(engine, artefacts, document, place)
        counts["written"] += 1
    return counts


def _write(engine: Engine, artefacts: ArtefactStore, document: DocumentFile, place: str) -> None:
    with transaction(engine) as connection:
        text, converter = store.load_document(connection, document.version_id)
        chunks = store.load_chunks(connection, document.version_id)
    for folder, name, content in zip(_folders(document), _names(document), (text, chunks), strict=True):
        artefacts.below(*folder).write(name, content)
    with transaction(engine) as connection:
        store.save_written(connection, document.version_id, place, converter)


def _folders(document: DocumentFile) -> list[tuple[str, ...]]:
    parts = (document.number, str(document.year), folder_name(document.form))
    return [(root, *parts) for root in (TEXTS, CHUNKS)]


def _names(document: DocumentFile) -> tuple[str, str]:
    name = document.receipt if document.version == 1 else f"{document.receipt}-v{document.version}"
    return f"{name}.md", f"{name}.parquet"
