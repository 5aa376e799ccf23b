"""The best chunks for the words of a question: all scored where there are few, some of them where there are many.

To score a chunk takes about 10 microseconds, so not every one of 200,000 is scored. A sample shows which words of the
question stand together, and how often. From it follows which chunks to score: those with a rare word, and those with
the heaviest combinations of common words, until they are some thousands. Where next: ``filings_search.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from include.store.engine import Connection, fetch_rows

SAMPLE: Final = 32
"""One chunk in so many, by its number, is in the index ``chunk_sample``."""
_SAMPLED: Final = 1_000
"""Chunks of the sample that are read at most; of more, every second, fourth and so on is read."""
_COMMON: Final = 4
"""A word that so many chunks of the sample have is common, and its count is estimated from them."""
_COMBINED: Final = 6
"""So many of the common words, the heaviest ones, choose what is scored."""
_SCORED: Final = 1_500
"""Chunks with common words that are scored, about, if a search may see all chunks."""
_LEAST_SCORED: Final = 400

Ranked = tuple[list[dict[str, Any]], dict[str, float]]
"""The best chunks (chunk_id, score, covered_ratio), best first, and the weight of each word of the question."""


@dataclass(frozen=True)
class Counts:
    """About how many chunks a search may see, how many there are, and the mean count of words of the former."""

    seen: int
    stored: int
    mean_words: float


def count_chunks(connection: Connection, known: str, values: Mapping[str, Any]) -> Counts:
    """The counts of a search, from the sample.

    ``known`` and ``terms``, here and below, are common table expressions of ``filings_search.py``.
    """
    (row,) = fetch_rows(
        connection,
        f"""
        with {known}
        select
            count(known.version_id) * {SAMPLE} as seen, count(*) * {SAMPLE} as stored,
            coalesce(avg(chunk.word_count) filter (where known.version_id is not null), 1) as mean_words
        from bi.filing_chunk as chunk
        left join known using (version_id)
        where chunk.chunk_id % {SAMPLE} = 0
        """,  # noqa: S608  # constants
        dict(values),
    )
    return Counts(int(row["seen"]), int(row["stored"]), float(row["mean_words"]))


def rank_all(connection: Connection, known: str, terms: str, values: Mapping[str, Any]) -> Ranked:
    """The best of all chunks that the search may see, with exact counts."""
    counted = "(select count(*) from candidate)", "(select avg(word_count) from candidate)"
    return _ranked(connection, f"{known}, {terms}, {_of_versions('known')}", counted, values, {})


def rank(
    connection: Connection,
    known: str,
    terms: str,
    values: Mapping[str, Any],
    counts: Counts,
    most: int,
) -> Ranked:
    """The best chunks among those with a rare word or with heavy combinations of common ones.

    If there are fewer than ``limit`` of them, which is so if all words are very common, the chunks of the newest
    filings are ranked too, about ``most`` of them. The index of words has all chunks, also those that the search may
    not see. So if it may see few of them, fewer combinations are scored.
    """
    step = SAMPLE
    while counts.seen > step * _SAMPLED:
        step *= 2
    words, masks = _sampled(connection, known, terms, {**values, "step": step})
    weights: dict[str, float] = {}
    for place, word in enumerate(words):
        count = sum(count for mask, count in masks.items() if mask >> place & 1)
        if count >= _COMMON:
            weights[word] = _weight(counts.seen, count * step)
    groups = [[word] for word in words if word not in weights]
    scored = max(_LEAST_SCORED, _SCORED * counts.seen / counts.stored)
    groups += combinations_to_score(words, masks, weights, scored / step)
    given = {**values, "chunk_count": counts.seen, "mean_count": counts.mean_words}
    counted = "cast(:chunk_count as bigint)", "cast(:mean_count as double precision)"
    best: list[dict[str, Any]] = []
    if groups:
        numbers = [number for number, group in enumerate(groups) for _ in group]
        chosen = {"numbers": numbers, "grouped": [word for group in groups for word in group]}
        candidates = f"{known}, {terms}, {_WITH_WORDS}"
        best, weights = _ranked(connection, candidates, counted, {**given, **chosen}, weights)
    if len(best) < values["limit"]:
        candidates = f"{known}, {terms}, {_NEWEST}, {_of_versions('newest')}"
        newest, weights = _ranked(connection, candidates, counted, {**given, "most": most}, weights)
        merged = {row["chunk_id"]: row for row in (*newest, *best)}
        best = sorted(merged.values(), key=lambda row: (-row["score"], row["chunk_id"]))[: values["limit"]]
    return best, weights


def combinations_to_score(
    words: Sequence[str], masks: Mapping[int, int], weights: Mapping[str, float], most: float
) -> list[list[str]]:
    """The combinations of common words whose chunks are scored: chunks that have all words of one of them.

    ``masks`` has how many chunks of the sample have exactly these of the ``words``, one bit each. ``weights`` are those
    of the common words. The chunks with the heaviest words come first, until there are ``most`` in the sample.
    """
    heaviest = sorted(weights, key=lambda word: (-weights[word], word))[:_COMBINED]
    bits = [words.index(word) for word in heaviest]
    counts: dict[int, int] = {}
    for mask, count in masks.items():
        short = sum((mask >> bit & 1) << place for place, bit in enumerate(bits))
        counts[short] = counts.get(short, 0) + count
    combinations = {short: _chosen(heaviest, short) for short in range(1, 2 ** len(heaviest))}
    chosen: list[int] = []
    for short in sorted(combinations, key=lambda short: (-sum(weights[word] for word in combinations[short]), short)):
        most -= counts.get(short, 0)
        if most < 0:
            break
        if not any(other & short == other for other in chosen):
            chosen = [other for other in chosen if other & short != short] + [short]
    return [combinations[short] for short in chosen]


def _chosen(words: Sequence[str], mask: int) -> list[str]:
    return [word for place, word in enumerate(words) if mask >> place & 1]


def _sampled(
    connection: Connection, known: str, terms: str, values: Mapping[str, Any]
) -> tuple[list[str], dict[int, int]]:
    """The words of the question, and how many chunks of the sample have which of them: a mask with a bit for each.

    Words past the sixtieth have no bit, so they count as rare.
    """
    rows = fetch_rows(
        connection,
        f"""
        with {known}, {terms},
        numbered as materialized (
            select word, query, cast(row_number() over (order by word) - 1 as integer) as place from term
        ),
        picked as materialized (
            select chunk.chunk_id
            from bi.filing_chunk as chunk
            inner join known using (version_id)
            where chunk.chunk_id % {SAMPLE} = 0 and chunk.chunk_id % :step = 0
        ),
        marked as (
            select (
                select coalesce(sum(cast(1 as bigint) << numbered.place), 0)
                from numbered
                where numbered.place < 60 and chunk.words @@ numbered.query
            ) as mask
            from picked
            cross join lateral (
                select words from bi.filing_chunk as one
                where one.chunk_id = picked.chunk_id
                offset 0
            ) as chunk
        )
        select
            (select coalesce(array_agg(word order by place), '{{}}') from numbered) as words,
            cast(marked.mask as bigint) as mask, count(*) as chunk_count
        from marked
        group by marked.mask
        """,  # noqa: S608  # constants
        dict(values),
    )
    return list(rows[0]["words"]), {row["mask"]: row["chunk_count"] for row in rows}


def _of_versions(versions: str) -> str:
    """All chunks of the versions that a table expression names. Read version by version: few of all are theirs."""
    return f"""
        candidate as materialized (
            select chunk.chunk_id, chunk.word_count, chunk.words
            from {versions}
            cross join lateral (
                select chunk_id, word_count, words from bi.filing_chunk as of_version
                where of_version.version_id = {versions}.version_id
                offset 0
            ) as chunk
        )
    """  # noqa: S608  # constants


_NEWEST: Final = """
    newest as materialized (
        select known.version_id from known
        inner join bi.filing using (version_id)
        order by filing.known_at desc, known.version_id desc
        limit greatest(1, cast(:most as bigint) * (select count(*) from known) / :chunk_count)
    )
"""
_WITH_WORDS: Final = """
    part as (
        select cast(string_agg(cast(term.query as text), ' & ') as tsquery) as query
        from unnest(cast(:numbers as integer[]), cast(:grouped as text[])) as given (number, word)
        inner join term using (word)
        group by given.number
    ),
    source as materialized (
        select cast(string_agg('(' || cast(part.query as text) || ')', ' | ') as tsquery) as query from part
    ),
    candidate as materialized (
        select chunk.chunk_id, chunk.word_count, chunk.words
        from bi.filing_chunk as chunk
        inner join known using (version_id)
        where chunk.words @@ (select source.query from source)
    )
"""


def _ranked(
    connection: Connection,
    candidates: str,
    counted: tuple[str, str],
    values: Mapping[str, Any],
    weights: Mapping[str, float],
) -> Ranked:
    """The best of the chunks in the table expression ``candidate``.

    ``counted``: the number of chunks and the mean count of their words, as SQL. Words without a weight in ``weights``
    are counted among the candidates.
    """
    chunk_count, mean_count = counted
    rows = fetch_rows(
        connection,
        f"""
        with {candidates},
        size as materialized (
            select {chunk_count} as chunk_count, {mean_count} as mean_count
        ),
        given as (
            select word, weight from unnest(
                cast(:weighed as text[]), cast(:weights as double precision[])
            ) as given (word, weight)
        ),
        hit as materialized (
            select
                candidate.chunk_id, candidate.word_count, term.word,
                ts_rank('{{1, 1, 0.5, 1}}', candidate.words, term.query) as frequency
            from candidate
            inner join term on candidate.words @@ term.query
        ),
        weight as materialized (
            select
                term.word,
                coalesce(
                    max(given.weight),
                    ln(
                        1 + (greatest(max(size.chunk_count), count(hit.word)) - count(hit.word) + 0.5)
                        / (count(hit.word) + 0.5)
                    )
                ) as weight
            from term
            cross join size
            left join given using (word)
            left join hit using (word)
            group by term.word
        ),
        best as (
            select
                hit.chunk_id,
                sum(weight.weight * hit.frequency / (0.6 + 0.4 * hit.word_count / size.mean_count)) as score,
                sum(weight.weight) / (select sum(weight) from weight) as covered_ratio
            from hit
            inner join weight using (word)
            cross join size
            group by hit.chunk_id
            order by score desc, hit.chunk_id
            limit :limit
        )
        select
            (select jsonb_object_agg(word, weight) from weight) as weights,
            (select jsonb_agg(best order by score desc, chunk_id) from best) as best
        """,  # noqa: S608  # constants
        {**values, "weighed": list(weights), "weights": list(weights.values())},
    )
    return rows[0]["best"] or [], rows[0]["weights"] or {}


def _weight(chunk_count: int, with_word: int) -> float:
    """A word's weight by BM25: the larger the fewer of the chunks have it."""
    with_word = min(with_word, chunk_count)
    return math.log(1 + (chunk_count - with_word + 0.5) / (with_word + 0.5))
