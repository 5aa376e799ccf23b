"""Passages of filings for a question, among what was known at an instant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from include.errors import InvalidRequestError
from include.filings.embedding import Embedder, Vector
from include.filings.hangul import question_pairs
from include.store import filing_vectors
from include.store.engine import Connection, Engine, transaction
from include.store.filings_search import (
    Bounds,
    Found,
    PassageRow,
    count_known,
    find_by_words,
    known_versions,
    load_passages,
)

_ASKING: Final = re.compile(
    r"\b(?:how (?:much|many|long|often|high|large|big)|tell|show|give|explain|describe|please|say|said|whether)\b",
    re.IGNORECASE,
)
"""Words that ask, and are not what is asked for."""
MEANING_WEIGHT: Final = 0.1
"""Weight of the ranking by meaning beside that by words, 1; chosen on questions other than those it was measured on."""
_RANK_OFFSET: Final = 60
_FUSED: Final = 50
"""Passages of each ranking that are joined."""
_KOREAN: Final = re.compile(r"(\d{6})\.K[SQ]")


@dataclass(frozen=True)
class Hit:
    """A passage, and the share of the question that it has: from 0 to 1 by the rarity of the words."""

    passage: PassageRow
    covered_ratio: float


@dataclass(frozen=True)
class Hits:
    """The passages for a question, best first, the weight of each of its words, and how many filings were searched."""

    hits: tuple[Hit, ...]
    weights: dict[str, float]
    filing_count: int


@dataclass(frozen=True)
class Rankings:
    """The chunks for a question by words and by meaning, best first, and the weight of each of its words."""

    by_words: tuple[Found, ...]
    by_meaning: tuple[int, ...]
    weights: dict[str, float]


def search(engine: Engine, question: str, bounds: Bounds, limit: int = 10, embedder: Embedder | None = None) -> Hits:
    """The passages that fit the question best, among what ``bounds`` lets it see.

    They are found by words. With an ``embedder`` whose vectors are stored, their order is also by meaning, and passages
    that are near without a word of the question are found too, with a share of 0.

    Raises:
        InvalidRequestError: the question has no word to search for.
        DataContractError: ``as_of`` is naive.
        FilingsUnavailableError: the embedder's service cannot be reached.
    """
    ranked = rankings(engine, question, bounds, embedder, limit)
    found = list(ranked.by_words)
    if ranked.by_meaning:
        found = fused(found, ranked.by_meaning)
    found = found[:limit]
    with transaction(engine) as connection:
        passages = load_passages(connection, [each.chunk_id for each in found])
        filing_count = count_known(connection, _spelled(bounds))
    covered = {each.chunk_id: each.covered_ratio for each in found}
    hits = tuple(Hit(passage, covered[passage.chunk_id]) for passage in passages)
    return Hits(hits, ranked.weights, filing_count)


def rankings(
    engine: Engine, question: str, bounds: Bounds, embedder: Embedder | None = None, limit: int = _FUSED
) -> Rankings:
    """The chunks that ``search`` joins; see there for what is raised. Without an ``embedder`` there is none by meaning.

    By words there are ``limit`` of them, and more if they are to be joined.
    """
    asked = _ASKING.sub(" ", question)
    vector = embedder.question(question) if embedder else ()
    with transaction(engine) as connection:
        count = max(limit, _FUSED) if embedder else limit
        found, weights = find_by_words(connection, _spelled(bounds), asked, question_pairs(asked), count)
        if not weights:
            message = f"{question!r} has no word to search for; ask for a thing, such as net sales."
            raise InvalidRequestError(message)
        near = _nearest(connection, _spelled(bounds), embedder.version, vector) if embedder else []
    return Rankings(tuple(found), tuple(near), weights)


def fused(
    by_words: Sequence[Found], by_meaning: Sequence[int], weight_of_meaning: float = MEANING_WEIGHT
) -> list[Found]:
    """Both rankings as one: the sum over both of the weight by 60 and the rank (reciprocal rank fusion), best first."""
    scores: dict[int, float] = {}
    for weight, ranking in ((1.0, [each.chunk_id for each in by_words]), (weight_of_meaning, by_meaning)):
        for rank, chunk_id in enumerate(ranking, 1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + weight / (_RANK_OFFSET + rank)
    covered = {each.chunk_id: each.covered_ratio for each in by_words}
    best = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    return [Found(chunk_id, scores[chunk_id], covered.get(chunk_id, 0.0)) for chunk_id in best]


def _nearest(connection: Connection, bounds: Bounds, version: filing_vectors.ModelVersion, vector: Vector) -> list[int]:
    """The chunks nearest to the question by meaning; none if the model has embedded nothing here."""
    model_id = filing_vectors.find_model(connection, version)
    if model_id is None or not filing_vectors.has_vectors(connection, model_id):
        return []
    versions = known_versions(connection, bounds)
    return filing_vectors.find_by_vector(connection, model_id, versions, vector, _FUSED) if versions else []


def _spelled(bounds: Bounds) -> Bounds:
    return replace(bounds, companies=as_sources_spell(bounds.companies))


def as_sources_spell(companies: Sequence[str] | None) -> tuple[str, ...] | None:
    """Tickers without the suffix of Korea's exchanges, which DART does not know."""
    if companies is None:
        return None
    return tuple(_KOREAN.sub(r"\1", company.upper()) for company in companies)
