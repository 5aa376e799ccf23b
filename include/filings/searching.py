"""Passages of filings for a question, among what was known at an instant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from include.errors import InvalidRequestError
from include.filings.hangul import question_pairs
from include.store.engine import Engine, transaction
from include.store.filings_search import Bounds, PassageRow, count_known, find_by_words, load_passages

_ASKING: Final = re.compile(
    r"\b(?:how (?:much|many|long|often|high|large|big)|tell|show|give|explain|describe|please|say|said|whether)\b",
    re.IGNORECASE,
)
"""Words that ask, and are not what is asked for."""
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


def search(engine: Engine, question: str, bounds: Bounds, limit: int = 10) -> Hits:
    """The passages that fit the question best, among what ``bounds`` lets it see.

    Raises:
        InvalidRequestError: the question has no word to search for.
        DataContractError: ``as_of`` is naive.
    """
    asked = _ASKING.sub(" ", question)
    spelled = replace(bounds, companies=_as_sources_spell(bounds.companies))
    with transaction(engine) as connection:
        found, weights = find_by_words(connection, spelled, asked, question_pairs(asked), limit)
        if not weights:
            message = f"{question!r} has no word to search for; ask for a thing, such as net sales."
            raise InvalidRequestError(message)
        passages = load_passages(connection, [each.chunk_id for each in found])
        filing_count = count_known(connection, spelled)
    covered = {each.chunk_id: each.covered_ratio for each in found}
    return Hits(tuple(Hit(passage, covered[passage.chunk_id]) for passage in passages), weights, filing_count)


def _as_sources_spell(companies: Sequence[str] | None) -> tuple[str, ...] | None:
    """Tickers without the suffix of Korea's exchanges, which DART does not know."""
    if companies is None:
        return None
    return tuple(_KOREAN.sub(r"\1", company.upper()) for company in companies)
