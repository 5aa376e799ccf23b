"""Chunks with words of a question where there are many chunks: common words are counted in a sample.

Scoring every chunk that has a common word takes seconds. So only chunks are scored that have a rare word of the
question and, if too few have one, those that have all of its common ones. Others are hardly ever among the best. Rare
words are counted exactly. Where next: ``filings_search.py``, which scores every chunk where there are few.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from include.store.engine import Connection, fetch_rows

SAMPLE: Final = 128
"""One chunk in so many is in the sample, by its number."""
_COMMON: Final = 16
"""A word that so many chunks of the sample have is common; its count is right within about a quarter."""


def count_chunks(connection: Connection, known: str, values: Mapping[str, Any]) -> tuple[int, float]:
    """About how many chunks a search may see, and the mean count of their words, from the sample.

    ``known`` and ``terms``, here and below, are common table expressions of ``filings_search.py``.
    """
    (row,) = fetch_rows(
        connection,
        f"""
        with {known}
        select count(*) * {SAMPLE} as chunk_count, coalesce(avg(chunk.word_count), 1) as mean_count
        from bi.filing_chunk as chunk
        inner join known using (version_id)
        where chunk.chunk_id % {SAMPLE} = 0
        """,  # noqa: S608  # constants
        dict(values),
    )
    return int(row["chunk_count"]), float(row["mean_count"])


def _sampled(connection: Connection, known: str, terms: str, values: Mapping[str, Any]) -> dict[str, int]:
    """How many chunks of the sample have each word of the question."""
    rows = fetch_rows(
        connection,
        f"""
        with {known}, {terms}
        select term.word, count(known.version_id) as chunk_count
        from term
        left join bi.filing_chunk as chunk on chunk.words @@ term.query and chunk.chunk_id % {SAMPLE} = 0
        left join known using (version_id)
        group by term.word
        """,  # noqa: S608  # constants
        dict(values),
    )
    return {row["word"]: row["chunk_count"] for row in rows}


def rank(
    connection: Connection,
    known: str,
    terms: str,
    values: Mapping[str, Any],
    *,
    chunk_count: int,
    mean_count: float,
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The best chunks among those with a rare word, and the weight of each word of the question.

    If too few have a rare word, those with all common words are ranked as well. ``chunk_count`` and ``mean_count`` are
    those of ``count_chunks``.
    """
    sampled = _sampled(connection, known, terms, values)
    common = sorted(word for word, count in sampled.items() if count >= _COMMON)
    given = {
        **values,
        "common": common,
        "estimates": [_weight(chunk_count, sampled[word] * SAMPLE) for word in common],
        "chunk_count": chunk_count,
        "mean_count": mean_count,
    }
    found: tuple[list[dict[str, Any]], dict[str, float]] = ([], {})
    for with_common in (False, True):
        if with_common or len(common) < len(sampled):
            found = _ranked(connection, known, terms, {**given, "with_common": with_common})
        if len(found[0]) == values["limit"]:
            break
    return found


def _ranked(
    connection: Connection, known: str, terms: str, values: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The best chunks of those with a rare word or, ``with_common``, all common ones; and the words' weights."""
    rows = fetch_rows(
        connection,
        f"""
        with {known}, {terms},
        common as (
            select word, weight from unnest(
                cast(:common as text[]), cast(:estimates as double precision[])
            ) as given (word, weight)
        ),
        part as (
            select term.query from term where term.word <> all(cast(:common as text[]))
            union all
            select cast(string_agg(cast(term.query as text), ' & ') as tsquery) from term
            where :with_common and term.word = any(cast(:common as text[]))
            having count(*) > 0
        ),
        source as materialized (
            select cast(string_agg('(' || cast(part.query as text) || ')', ' | ') as tsquery) as query from part
        ),
        candidate as materialized (
            select chunk.chunk_id, chunk.word_count, chunk.words
            from bi.filing_chunk as chunk
            inner join known using (version_id)
            where chunk.words @@ (select source.query from source)
        ),
        hit as materialized (
            select
                candidate.chunk_id, candidate.word_count, term.word,
                ts_rank('{{1, 1, 0.5, 1}}', candidate.words, term.query) as frequency
            from candidate
            inner join term on candidate.words @@ term.query
        ),
        weight as (
            select
                term.word,
                coalesce(
                    max(common.weight),
                    ln(greatest(:chunk_count, count(hit.word)) + 1.0) - ln(count(hit.word) + 0.5)
                ) as weight
            from term
            left join common using (word)
            left join hit using (word)
            group by term.word
        ),
        best as (
            select
                hit.chunk_id,
                sum(weight.weight * hit.frequency / (0.6 + 0.4 * hit.word_count / :mean_count)) as score,
                sum(weight.weight) / (select sum(weight) from weight) as covered_ratio
            from hit
            inner join weight using (word)
            group by hit.chunk_id
            order by score desc, hit.chunk_id
            limit :limit
        )
        select
            (select jsonb_object_agg(word, weight) from weight) as weights,
            (select jsonb_agg(best order by score desc, chunk_id) from best) as best
        """,  # noqa: S608  # constants
        dict(values),
    )
    return rows[0]["best"] or [], rows[0]["weights"] or {}


def _weight(chunk_count: int, with_word: int) -> float:
    """A word's weight by BM25: the larger the fewer of the chunks have it."""
    with_word = min(with_word, chunk_count)
    return math.log(1 + (chunk_count - with_word + 0.5) / (with_word + 0.5))
