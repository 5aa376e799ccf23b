"""What filings cost: seconds a filing to convert and store, and milliseconds of a search bounded by an instant.

The filings are made up (``made_filings.py``). Vectors for the search by meaning are drawn at random, which is the worst
case for an index: nothing is near to anything.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from bench import machine
from bench.database import temporary_product
from bench.made_filings import FIRST_DAY, MadeFiling, made_filings
from bench.results import Row, Section
from include.filings import loading
from include.filings.contracts import Company, Filing, FilingSource
from include.filings.embedding import Embedder
from include.filings.searching import search
from include.store import filing_vectors as store
from include.store.engine import Engine, execute, fetch_rows, transaction
from include.store.filing_vectors import ModelVersion
from include.store.filings_search import Bounds

DIMENSIONS = 256
REPEATS = 60
_BATCH = 2000
_WORDS = 5


@dataclass(frozen=True)
class DrawnVectors:
    """An embedder that draws a vector for each text: the same text gives the same one."""

    version: ModelVersion = field(default_factory=lambda: ModelVersion("drawn", "0", DIMENSIONS))

    def passages(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text."""
        return [self.question(text) for text in texts]

    def question(self, text: str) -> list[float]:
        """The vector of a text."""
        drawn = np.random.default_rng(list(text.encode())).standard_normal(DIMENSIONS)
        found: list[float] = drawn.tolist()
        return found


def measure(filing_count: int, paragraphs: int) -> Section:
    """Seconds and bytes of a filing, and milliseconds of searches by words, and by words and meaning."""
    with temporary_product() as services:
        engine = services.engine
        cost = machine.cost_of(lambda: _load(engine, filing_count, paragraphs))
        chunk_count, questions = _questions(engine)
        rows: list[Row] = [
            {"what": "convert and store a filing", "s": cost.wall_s / filing_count, "cpu_s": cost.cpu_s / filing_count}
        ]
        rows += _searches(engine, filing_count, questions, None, "words")
        embedder = DrawnVectors()
        embedded = machine.cost_of(lambda: _embed(engine, embedder))
        rows.append({"what": "store and index the vectors", "s": embedded.wall_s})
        rows += _searches(engine, filing_count, questions, embedder, "words and meaning")
    notes = [
        f"{filing_count} made-up filings with {chunk_count} chunks; {REPEATS} questions of {_WORDS} words of a chunk.",
        f"Vectors of {DIMENSIONS} numbers are drawn. as_of is any day of the filings, so half of them are seen.",
    ]
    return Section(rows, notes)


def _load(engine: Engine, filing_count: int, paragraphs: int) -> None:
    for made in made_filings(filing_count, paragraphs):
        with transaction(engine) as connection:
            loading.keep(connection, filing_of(made), made.content, _evening(made))
    loading.convert_kept(engine)
    with transaction(engine) as connection:
        execute(connection, "analyze filings.chunk")


def filing_of(made: MadeFiling) -> Filing:
    """What the list of filings says of it."""
    company = Company(FilingSource.EDGAR, made.number, f"Made-up {made.number}", (f"T{int(made.number)}",))
    return Filing(FilingSource.EDGAR, made.receipt, company, "10-Q", _evening(made), made.accepted_on)


def _evening(made: MadeFiling) -> datetime:
    return datetime(made.accepted_on.year, made.accepted_on.month, made.accepted_on.day, 21, 5, tzinfo=UTC)


def _questions(engine: Engine) -> tuple[int, list[str]]:
    """The number of searched chunks, and questions of words that one of them has."""
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            "select chunk_id, text from filings.chunk where parent_number is not null and not is_table order by 1",
        )
        (total,) = fetch_rows(connection, "select count(words) as chunks from filings.chunk")
    rng = np.random.default_rng(7)
    chosen = rng.integers(0, len(rows), REPEATS)
    found = []
    for place in chosen:
        words = sorted({word.strip(".").lower() for word in rows[place]["text"].split()})
        found.append(" ".join(rng.choice(words, min(_WORDS, len(words)), replace=False)))
    return int(total["chunks"]), found


def _searches(
    engine: Engine, filing_count: int, questions: Sequence[str], embedder: Embedder | None, how: str
) -> list[Row]:
    rng = np.random.default_rng(9)
    days = [FIRST_DAY + timedelta(days=int(day)) for day in rng.integers(1, filing_count + 1, len(questions))]
    bounds = [Bounds(datetime(day.year, day.month, day.day, 23, tzinfo=UTC)) for day in days]
    of_one = [Bounds(each.as_of, ("T1",)) for each in bounds]
    return [
        {"what": f"search by {how}", **_times(engine, questions, bounds, embedder)},
        {"what": f"search by {how}, one company", **_times(engine, questions, of_one, embedder)},
    ]


def _times(
    engine: Engine, questions: Sequence[str], bounds: Sequence[Bounds], embedder: Embedder | None
) -> dict[str, float]:
    """Median in ms and what 19 of 20 stay below, after one search that is not counted."""
    search(engine, questions[0], bounds[0], embedder=embedder)
    found = sorted(
        1000 * seconds(lambda q=question, b=bound: search(engine, q, b, embedder=embedder))  # type: ignore[misc]
        for question, bound in zip(questions, bounds, strict=True)
    )
    return {"p50_ms": statistics.median(found), "p95_ms": found[int(0.95 * (len(found) - 1))]}


def seconds(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _embed(engine: Engine, embedder: Embedder) -> None:
    """Stores all vectors and builds the index afterwards, which takes a fraction of building it row by row."""
    with transaction(engine) as connection:
        model_id = store.open_model(connection, embedder.version)
        (index,) = fetch_rows(
            connection,
            "select indexdef from pg_indexes where indexname = :name",
            {"name": f"vector_{model_id}_nearest"},
        )
        execute(connection, f"drop index filings.vector_{model_id}_nearest")
    while True:
        with transaction(engine) as connection:
            chunks = store.chunks_without_vector(connection, model_id, _BATCH)
            if not chunks:
                break
            vectors = embedder.passages([chunk.text for chunk in chunks])
            store.save_vectors(connection, model_id, [chunk.chunk_id for chunk in chunks], vectors)
    with transaction(engine) as connection:
        execute(connection, "set local maintenance_work_mem = '512MB'")
        execute(connection, "set local search_path = pg_catalog, extensions")
        execute(connection, str(index["indexdef"]))
        execute(connection, f"analyze filings.vector_{model_id}")
