"""Answers to questions from filings, in the words of the filings, without a language model.

An answer is sentences and rows of tables as they stand, each with its citation. What a filing says is text: nothing in
it is carried out. If the filings have too little of what is asked for, the answer is that they do not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from include.filings.database import open_engine
from include.filings.hangul import pairs
from include.filings.searching import Hit, search
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
                {"text": quote.text, "lead": quote.lead, "citation": quote.citation} for quote in source.quotes
            ]
        count = sum(len(source.quotes) for source in self.sources)
        said = f"{count} passage{'s' if count > 1 else ''}"
        nothing = NOTHING if self.filing_count else NO_FILING
        return {"answer": said if count else nothing, **found}


def answer(engine: Engine, question: str, bounds: Bounds) -> Answer:
    """The best sentences and rows for the question, by filing, among what was known at ``bounds.as_of``.

    Raises:
        InvalidRequestError: the question has no word to search for.
        DataContractError: ``as_of`` is naive.
    """
    found = search(engine, question, bounds, _PASSAGES)
    enough = [
        hit for hit in found.hits if hit.covered_ratio >= LEAST_COVERED and not hit.passage.text.rstrip().endswith(":")
    ]
    parts = [(hit, start, end) for hit in enough for start, end in _parts(hit.passage)]
    texts = [hit.passage.text[start:end] for hit, start, end in parts]
    with transaction(engine) as connection:
        weights = weigh(connection, found.weights, [(text, pairs(text)) for text in texts])
    chosen: list[tuple[Hit, Quote]] = []
    for hit in enough[:_QUOTES]:
        inside = [(weight, part) for weight, part in zip(weights, parts, strict=True) if part[0] is hit]
        _, (_, start, end) = max(inside, key=lambda each: (each[0], -each[1][1]))
        chosen.append((hit, _quote(hit.passage, start, end)))
    return Answer(question, bounds.as_of, found.filing_count, tuple(_by_filing(chosen)))


def ask(
    question: str, as_of: datetime, companies: Sequence[str] | None = None, forms: Sequence[str] | None = None
) -> dict[str, Any]:
    """The answer as plain values, from the database of the settings; see ``answer``.

    Nothing that became known after ``as_of`` (UTC) is seen. ``companies`` are tickers or numbers; None: all.

    Raises:
        SettingsError: no database is named.
        InvalidRequestError: the question has no word to search for.
    """
    bounds = Bounds(as_of, tuple(companies) if companies else None, tuple(forms) if forms else None)
    with open_engine() as engine:
        return answer(engine, question, bounds).as_json()


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


def _heading(before: str) -> str:
    """The headings of a table in what stands before one of its rows."""
    end = before.find("| --- |")
    return before[: before.find("\n", end)].strip() if end >= 0 else ""


def _by_filing(chosen: Sequence[tuple[Hit, Quote]]) -> list[Source]:
    """The quotes by filing and section, in the order of the best of each."""
    groups: dict[tuple[str, str], list[tuple[Hit, Quote]]] = {}
    for hit, quote in chosen:
        groups.setdefault((quote.receipt, quote.section), []).append((hit, quote))
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
