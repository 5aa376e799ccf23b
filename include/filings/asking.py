"""Answers to questions from filings, in the words of the filings, without a language model.

An answer is sentences and rows of tables as they stand, each with its citation. What a filing says is text: nothing in
it is carried out. If the filings have too little of what is asked for, the answer is that they do not say. Where next:
``answering.py`` for readers' levels and for answers that a language model writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from include.filings.embedding import Embedder
from include.filings.hangul import pairs
from include.filings.searching import Hit, Hits, search
from include.store.engine import Engine, transaction
from include.store.filings_search import Bounds, PassageRow, weigh

LEAST_COVERED: Final = 0.6
"""Share of the question, by the rarity of its words, that a passage must have to count as an answer. A line that ends
with a colon is none: it leads the table below it, too."""
NOTHING: Final = "The filings do not say."
NO_FILING: Final = (
    "No filing that this question may see is in the database. The DAG filings_etl fetches filings, and so does "
    "`python -m include.filings` with --store."
)
_PASSAGES: Final = 8
_QUOTES: Final = 5
_FEW_QUOTES: Final = 3
_SENTENCE: Final = re.compile(r"(?<=[.!?\u3002])[\"\u201d)\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9\uac00-\ud7a3])|\n+")


@dataclass(frozen=True)
class Quote:
    """Words of a filing as they stand there: characters ``start`` to ``end`` of its text.

    ``lead`` are the headings of the table whose row the quote is, else empty.
    """

    text: str
    lead: str
    receipt: str
    section: str
    start: int
    end: int

    @property
    def citation(self) -> str:
        """Where the words stand: receipt, section and characters."""
        return f"{self.receipt}#{self.section}:{self.start}-{self.end}"

    @property
    def plain(self) -> str:
        """The same without Markdown; a row of a table as its label and, after each heading, its cell."""
        if not self.lead:
            return unescaped(" ".join(self.text.split()))
        headings, (label, *cells) = _cells(self.lead.splitlines()[-2]), _cells(self.text)
        above = [*headings[1:], *[""] * len(cells)]
        named = [f"{heading}: {cell}" if heading else cell for heading, cell in zip(above, cells, strict=False) if cell]
        return f"{label}: {'; '.join(named)}" if label else "; ".join(named)


@dataclass(frozen=True)
class Source:
    """A filing with the quotes from it, best first. ``known_at`` (UTC) is from when on the text counts as known."""

    company: str
    form: str
    period_end: date | None
    known_at: datetime
    address: str
    titles: tuple[str, ...]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class Answer:
    """What ``filing_count`` filings say to a question; without sources they do not say."""

    question: str
    as_of: datetime
    filing_count: int
    sources: tuple[Source, ...]

    def as_json(self) -> dict[str, Any]:
        """The answer as plain values, each quote with its citation."""
        found = asdict(self)
        for source, shown in zip(self.sources, found["sources"], strict=True):
            shown["quotes"] = [
                {"text": quote.text, "lead": quote.lead, "plain": quote.plain, "citation": quote.citation}
                for quote in source.quotes
            ]
        count = sum(len(source.quotes) for source in self.sources)
        said = f"{count} passage{'s' if count > 1 else ''}"
        nothing = NOTHING if self.filing_count else NO_FILING
        return {"answer": said if count else nothing, **found}


def answer(engine: Engine, question: str, bounds: Bounds) -> Answer:
    """The best sentences and rows for the question, by filing and section, among what was known at ``bounds.as_of``.

    Raises:
        InvalidRequestError: the question has no word to search for.
        DataContractError: ``as_of`` is naive.
    """
    return quoted(engine, question, bounds, find(engine, question, bounds))


def find(engine: Engine, question: str, bounds: Bounds, embedder: Embedder | None = None) -> Hits:
    """The passages that have enough of the question, best first; see ``answer`` for what is raised.

    With an ``embedder`` their order is also by meaning.
    """
    found = search(engine, question, bounds, _PASSAGES, embedder)
    enough = [
        hit for hit in found.hits if hit.covered_ratio >= LEAST_COVERED and not hit.passage.text.rstrip().endswith(":")
    ]
    return replace(found, hits=tuple(enough))


def quoted(engine: Engine, question: str, bounds: Bounds, found: Hits, *, is_short: bool = False) -> Answer:
    """The best sentence or row of each passage that ``find`` has found, by filing and section.

    If it ``is_short`` they are few and by filing, and a row is among them only if its passage fits best or no sentence
    was found.
    """
    parts = [(hit, start, end) for hit in found.hits for start, end in _parts(hit.passage)]
    texts = [hit.passage.text[start:end] for hit, start, end in parts]
    with transaction(engine) as connection:
        weights = weigh(connection, found.weights, [(text, pairs(text)) for text in texts])
    chosen: list[tuple[Hit, Quote]] = []
    for hit in _readable(found.hits)[:_FEW_QUOTES] if is_short else found.hits[:_QUOTES]:
        inside = [(weight, part) for weight, part in zip(weights, parts, strict=True) if part[0] is hit]
        _, (_, start, end) = max(inside, key=lambda each: (each[0], -each[1][1]))
        chosen.append((hit, _quote(hit.passage, start, end)))
    return Answer(question, bounds.as_of, found.filing_count, tuple(_grouped(chosen, is_by_section=not is_short)))


def _readable(hits: Sequence[Hit]) -> list[Hit]:
    has_text = any(not hit.passage.is_table for hit in hits)
    return [hit for place, hit in enumerate(hits) if place == 0 or not hit.passage.is_table or not has_text]


def _parts(passage: PassageRow) -> list[tuple[int, int]]:
    """The ranges of a passage's sentences, or of the rows of its table without its headings."""
    text, start = passage.text, 0
    found: list[tuple[int, int]] = []
    for end in (*_SENTENCE.finditer(text), None):
        stop = end.start() if end else len(text)
        if text[start:stop].strip() and not (passage.is_table and "| --- |" in text[start:]):
            found.append((start, stop))
        start = end.end() if end else stop
    return found or [(0, len(text))]


def _quote(passage: PassageRow, start: int, end: int) -> Quote:
    is_row = passage.is_table and passage.text[start : start + 1] == "|"
    lead = f"{passage.lead}\n\n{_heading(passage.text[:start])}".strip() if is_row else ""
    first = passage.first_character
    return Quote(passage.text[start:end], lead, passage.receipt, passage.section, first + start, first + end)


def unescaped(text: str) -> str:
    """The text without the backslashes that Markdown needs."""
    return re.sub(r"\\([^\w\s])", r"\1", text)


def _cells(row: str) -> list[str]:
    return [unescaped(cell.strip()) for cell in re.split(r"(?<!\\)\|", row)[1:-1]] or [""]


def _heading(before: str) -> str:
    """The headings of a table in what stands before one of its rows."""
    end = before.find("| --- |")
    return before[: before.find("\n", end)].strip() if end >= 0 else ""


def _grouped(chosen: Sequence[tuple[Hit, Quote]], *, is_by_section: bool) -> list[Source]:
    """The quotes by filing, or by filing and section, in the order of the best of each."""
    groups: dict[tuple[str, str], list[tuple[Hit, Quote]]] = {}
    for hit, quote in chosen:
        groups.setdefault((quote.receipt, quote.section if is_by_section else ""), []).append((hit, quote))
    return [
        Source(
            company=group[0][0].passage.company,
            form=group[0][0].passage.form,
            period_end=group[0][0].passage.period_end,
            known_at=group[0][0].passage.known_at,
            address=group[0][0].passage.address,
            titles=group[0][0].passage.titles,
            quotes=tuple(quote for _, quote in group),
        )
        for group in groups.values()
    ]
