"""Vectors of chunks for a search by meaning: a table for each version of an embedding model.

They need the extension ``vector`` (pgvector). Without it there is no vector, and text search does without. Vectors are
made from the chunks, so a backup leaves them out. A chunk that leaves takes its vectors along. Where next:
``include/filings/embedding.py`` for the models, ``filings_search.py`` for the search by words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from include.errors import SettingsError
from include.store.engine import Connection, execute, fetch_rows

_CANDIDATES = 100
"""Neighbours that the index looks at before it has to go on: more find more, and cost more."""


@dataclass(frozen=True)
class ModelVersion:
    """An embedding model at one state of its weights; see the comments of ``filings.embedding_model``."""

    name: str
    fingerprint: str
    dimension_count: int


@dataclass(frozen=True)
class PlainChunk:
    """A chunk as text: its titles, what leads it, and its words."""

    chunk_id: int
    text: str


def _has_extension(connection: Connection) -> bool:
    """Whether the database has the extension ``vector``; its types then have names in this transaction."""
    found = fetch_rows(
        connection,
        """
        select set_config('search_path', 'pg_catalog, ' || quote_ident(namespace.nspname), true)
        from pg_extension as extension
        inner join pg_namespace as namespace on namespace.oid = extension.extnamespace
        where extension.extname = 'vector'
        """,
    )
    return bool(found)


def open_model(connection: Connection, version: ModelVersion) -> int:
    """The number of a model's version; it and its table are created if they are missing.

    Raises:
        SettingsError: the database lacks the extension ``vector``.
    """
    if not _has_extension(connection):
        message = (
            "The database has no extension vector (pgvector), so chunks have no vectors and the search is by words. "
            "`make run` has it; for containers set POSTGRES_IMAGE=pgvector/pgvector:pg18 in .env; on a server of yours "
            "install pgvector, and a superuser runs: create extension vector."
        )
        raise SettingsError(message)
    execute(
        connection,
        """
        insert into filings.embedding_model (name, fingerprint, dimension_count, created_at)
        values (:name, :fingerprint, :dimension_count, now())
        on conflict (name, fingerprint) do nothing
        """,
        vars(version),
    )
    model_id = find_model(connection, version)
    if model_id is None:
        message = f"The model {version.name} has been removed meanwhile; run again."
        raise SettingsError(message)
    execute(connection, "select filings.make_vector_table(:model_id)", {"model_id": model_id})
    return model_id


def find_model(connection: Connection, version: ModelVersion) -> int | None:
    """The number of a model's version; None if no chunk was ever to be embedded by it."""
    rows = fetch_rows(
        connection,
        "select model_id from filings.embedding_model where name = :name and fingerprint = :fingerprint",
        {"name": version.name, "fingerprint": version.fingerprint},
    )
    return int(rows[0]["model_id"]) if rows else None


def model_names(connection: Connection) -> list[str]:
    """The names of the models that have embedded chunks, in their order."""
    rows = fetch_rows(connection, "select distinct name from filings.embedding_model order by name")
    return [str(row["name"]) for row in rows]


def drop_model(connection: Connection, name: str) -> int:
    """Removes every version of a model with its vectors; the count of versions."""
    rows = fetch_rows(
        connection,
        "select filings.drop_vector_table(model_id) from filings.embedding_model where name = :name",
        {"name": name},
    )
    return len(rows)


def has_vectors(connection: Connection, model_id: int) -> bool:
    """Whether the model's table is there: a restored database knows the model and has no vectors."""
    (row,) = fetch_rows(
        connection, "select to_regclass(:name) is not null as is_there", {"name": f"filings.{_table(model_id)}"}
    )
    return bool(row["is_there"])


def chunks_without_vector(connection: Connection, model_id: int, limit: int) -> list[PlainChunk]:
    """Searched chunks that the model has not embedded, those of the newest filings first."""
    rows = fetch_rows(
        connection,
        f"""
        select
            chunk.chunk_id,
            concat_ws(E'\\n', array_to_string(chunk.titles[2:], ' / '), chunk.lead, chunk.text) as text
        from filings.chunk as chunk
        inner join filings.version as version using (version_id)
        where chunk.parent_number is not null and not exists (
            select from filings.{_table(model_id)} as stored where stored.chunk_id = chunk.chunk_id
        )
        order by version.known_at desc, chunk.chunk_id
        limit :limit
        """,  # noqa: S608  # a number
        {"limit": limit},
    )
    return [PlainChunk(**row) for row in rows]


def count_without_vector(connection: Connection, model_id: int) -> int:
    """Number of searched chunks that the model has not embedded."""
    (row,) = fetch_rows(
        connection,
        f"""
        select count(*) as chunks from filings.chunk as chunk
        where chunk.parent_number is not null and not exists (
            select from filings.{_table(model_id)} as stored where stored.chunk_id = chunk.chunk_id
        )
        """,  # noqa: S608  # a number
    )
    return int(row["chunks"])


def save_vectors(
    connection: Connection, model_id: int, chunk_ids: Sequence[int], vectors: Sequence[Sequence[float]]
) -> int:
    """Stores the vectors of chunks that are still there; the count of new ones."""
    _has_extension(connection)
    return execute(
        connection,
        f"""
        insert into filings.{_table(model_id)} (chunk_id, version_id, vector)
        select chunk.chunk_id, chunk.version_id, cast(given.vector as halfvec)
        from unnest(cast(:chunk_ids as bigint[]), cast(:vectors as text[])) as given (chunk_id, vector)
        inner join filings.chunk as chunk using (chunk_id)
        order by chunk.chunk_id
        for key share of chunk
        on conflict (chunk_id) do nothing
        """,  # noqa: S608  # a number
        {"chunk_ids": list(chunk_ids), "vectors": [_text(vector) for vector in vectors]},
    )


def find_by_vector(
    connection: Connection, model_id: int, version_ids: Sequence[int], vector: Sequence[float], limit: int
) -> list[int]:
    """The chunks of these versions whose vectors are nearest to ``vector`` by their angle, nearest first.

    The index is walked on until there are enough of them, however few of the chunks these versions have.
    """
    _has_extension(connection)
    execute(connection, "set local hnsw.iterative_scan = relaxed_order")
    execute(connection, f"set local hnsw.ef_search = {max(_CANDIDATES, limit)}")
    rows = fetch_rows(
        connection,
        f"""
        with near as materialized (
            select
                stored.chunk_id,
                stored.vector <=> cast(:vector as halfvec({len(vector)})) as distance
            from filings.{_table(model_id)} as stored
            where stored.version_id = any(cast(:version_ids as bigint[]))
            order by distance
            limit :limit
        )
        select chunk_id from near order by distance, chunk_id
        """,  # noqa: S608  # numbers
        {"vector": _text(vector), "version_ids": list(version_ids), "limit": limit},
    )
    return [int(row["chunk_id"]) for row in rows]


def _table(model_id: int) -> str:
    return f"vector_{int(model_id)}"


def _text(vector: Sequence[float]) -> str:
    return json.dumps([round(float(number), 6) for number in vector])
