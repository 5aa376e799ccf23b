"""Chunks of filings that fit a question, among those that were known at an instant.

Every query is bounded by ``as_of``: it sees the filings that had been accepted and, of each, the version that counted
then. They read schema ``bi`` alone, so the page searches with the role of readers. Where next:
``include/filings/searching.py``, which prepares the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from include.contracts import require_utc
from include.store.engine import Connection, fetch_rows
from include.store.filings_ranking import count_chunks, rank, rank_all

MANY: Final = 8_000
"""Chunks up to which each one is scored."""


@dataclass(frozen=True)
class Bounds:
    """What a search may see: what was known at ``as_of`` (UTC), and where they are given, only these.

    ``companies`` are tickers as the source spells them, or numbers; ``forms`` are without ``/A``; ``since`` and
    ``until`` are days of filing.
    """

    as_of: datetime
    companies: tuple[str, ...] | None = None
    forms: tuple[str, ...] | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Found:
    """A chunk that has words of the question.

    ``score`` is comparable within one search only. ``covered_ratio`` is the share of the question, by the rarity of its
    words, that the chunk has: from 0 to 1.
    """

    chunk_id: int
    score: float
    covered_ratio: float


@dataclass(frozen=True)
class PassageRow:
    """A chunk as a reader sees it, and the filing that it is from. ``known_at`` (UTC) is that of its version."""

    chunk_id: int
    receipt: str
    company: str
    form: str
    period_end: date | None
    known_at: datetime
    address: str
    section: str
    titles: tuple[str, ...]
    first_character: int
    end_character: int
    lead: str
    text: str
    is_table: bool


_KNOWN: Final = """
    known as materialized (
        select filing.version_id
        from bi.filing as filing
        where filing.accepted_at <= :as_of and filing.known_at <= :as_of
            and (filing.superseded_at is null or filing.superseded_at > :as_of)
            and (
                cast(:companies as text[]) is null or filing.tickers && cast(:companies as text[])
                or filing.number = any(cast(:companies as text[]))
            )
            and (
                cast(:forms as text[]) is null
                or regexp_replace(filing.form, '/A$', '') = any(cast(:forms as text[]))
            )
            and (cast(:since as date) is null or filing.filed_on >= :since)
            and (cast(:until as date) is null or filing.filed_on <= :until)
    )
"""

_TERMS: Final = """
    term as materialized (
        select word, cast('''' || replace(replace(word, '\\', '\\\\'), '''', '''''') || '''' as tsquery) as query
        from unnest(
            tsvector_to_array(
                to_tsvector('english', regexp_replace(:question, '[가-힣]+', ' ', 'g'))
                || to_tsvector('simple', :pairs)
            )
        ) as words (word)
    )
"""


def find_by_words(
    connection: Connection, bounds: Bounds, question: str, pairs: str, limit: int
) -> tuple[list[Found], dict[str, float]]:
    """The chunks with words of the question, best first, and the weight of each of its words.

    ``pairs`` are the question's pairs of Korean syllables. The score is that of BM25: a word weighs more the rarer it
    is among what the search may see, a repeated word adds less each time, and a long chunk is no better for its length.
    A word that is nowhere has the largest weight, so that a chunk without it covers less. Where the search sees more
    than some ``MANY`` chunks, words are counted in a sample and not every chunk is scored (``filings_ranking.py``).
    """
    values = {**_values(bounds), "question": question, "pairs": pairs, "limit": limit}
    counts = count_chunks(connection, _KNOWN, values)
    if counts.seen > MANY:
        best, weights = rank(connection, _KNOWN, _TERMS, values, counts, MANY)
    else:
        best, weights = rank_all(connection, _KNOWN, _TERMS, values)
    return [Found(**row) for row in best], weights


def count_known(connection: Connection, bounds: Bounds) -> int:
    """Number of filings that a search may see."""
    (row,) = fetch_rows(connection, f"with {_KNOWN} select count(*) as filings from known", _values(bounds))  # noqa: S608  # a constant of this module
    return int(row["filings"])


def known_versions(connection: Connection, bounds: Bounds) -> list[int]:
    """The versions of filings that a search may see."""
    rows = fetch_rows(connection, f"with {_KNOWN} select version_id from known order by 1", _values(bounds))  # noqa: S608  # a constant of this module
    return [int(row["version_id"]) for row in rows]


def load_passages(connection: Connection, chunk_ids: Sequence[int]) -> list[PassageRow]:
    """The chunks with their filings, in the order of ``chunk_ids``."""
    rows = fetch_rows(
        connection,
        """
        select
            chunk.chunk_id, filing.receipt, filing.company, filing.form, filing.period_end,
            filing.known_at, filing.address, chunk.section, chunk.titles, chunk.first_character,
            chunk.end_character, chunk.lead, chunk.text, chunk.is_table
        from bi.filing_chunk as chunk
        inner join bi.filing as filing using (version_id)
        where chunk.chunk_id = any(cast(:chunk_ids as bigint[]))
        order by array_position(cast(:chunk_ids as bigint[]), chunk.chunk_id)
        """,
        {"chunk_ids": list(chunk_ids)},
    )
    return [PassageRow(**{**row, "titles": tuple(row["titles"])}) for row in rows]


def weigh(connection: Connection, weights: Mapping[str, float], texts: Sequence[tuple[str, str]]) -> list[float]:
    """The sum of the weights of the words that each text has; a text comes with its pairs of Korean syllables."""
    rows = fetch_rows(
        connection,
        """
        select coalesce(sum(weights.weight), 0) as weight
        from unnest(cast(:texts as text[]), cast(:pairs as text[])) with ordinality as given (text, pairs, place)
        left join unnest(cast(:words as text[]), cast(:weights as double precision[])) as weights (word, weight)
            on weights.word = any(
                tsvector_to_array(to_tsvector('english', given.text) || to_tsvector('simple', given.pairs))
            )
        group by given.place
        order by given.place
        """,
        {
            "texts": [text for text, _ in texts],
            "pairs": [pairs for _, pairs in texts],
            "words": list(weights),
            "weights": list(weights.values()),
        },
    )
    return [float(row["weight"]) for row in rows]


def _values(bounds: Bounds) -> dict[str, Any]:
    values = asdict(bounds) | {"as_of": require_utc(bounds.as_of, "as_of")}
    listed = {name: None if values[name] is None else list(values[name]) for name in ("companies", "forms")}
    return values | listed
