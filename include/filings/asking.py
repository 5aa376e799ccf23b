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
from include.filings.figures import years
from include.filings.picking import Part, best_parts
from include.filings.searching import Hit, Hits, as_sources_spell, search
from include.store.engine import Engine, transaction
from include.store.filings_passages import load_company_names
from include.store.filings_search import Bounds, PassageRow

LEAST_COVERED: Final = 0.6
"""Share of the question, by the rarity of its words, that a passage must have to count as an answer. A line that ends
with a colon is none: it leads the table below it, too."""
NOTHING: Final = "The filings do not say."
NO_FILING: Final = (
    "No filing that this question may see is in the database. The DAG filings_etl fetches filings, and so does "
    "`python -m include.filings` with --store."
)
_PASSAGES: Final = 16
_QUOTES: Final = 5
_FEW_QUOTES: Final = 3
_LEGAL: Final = re.compile(r"\(주\)|㈜|주식회사")


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
    with transaction(engine) as connection:
        names = load_company_names(connection, as_sources_spell(bounds.companies) or ())
    found = search(engine, without_names(question, names), bounds, _PASSAGES, embedder)
    asked = years(question)
    enough = [
        hit
        for hit in found.hits
        if hit.covered_ratio >= LEAST_COVERED
        and not hit.passage.text.rstrip().endswith(":")
        and (not asked or asked & _years_of(hit.passage))
    ]
    return replace(found, hits=tuple(enough))


def without_names(question: str, names: Sequence[str]) -> str:
    """The question without the names of the companies that it may see, whose filings rarely repeat them.

    A name is the beginning of a company's, such as ``Union Pacific`` of Union Pacific Corp, or its first letters.
    """
    left = question
    for name in names:
        words = re.findall(r"[^\W_]+", _LEGAL.sub(" ", name))
        initials = "".join(word[0] for word in words)
        beginnings = [r"\W+".join(map(re.escape, words[:count])) for count in range(len(words), 0, -1)]
        known = [*beginnings, *([initials] if len(initials) > 2 else [])]
        for each in known:
            left = re.sub(rf"(?<!\w){each}(?:['\u2019]s)?(?![A-Za-z])", " ", left, flags=re.IGNORECASE)
    return left if re.search(r"\w", left) else question


def _years_of(passage: PassageRow) -> set[str]:
    """The years that a passage may be about: those that it names, and its filing's calendar and fiscal year."""
    named = years(f"{passage.lead} {passage.text} {' '.join(passage.titles)}")
    end = passage.period_end or passage.known_at.date()
    return named | {str(end.year), str(end.year + 1)}


def quoted(engine: Engine, question: str, bounds: Bounds, found: Hits, *, is_short: bool = False) -> Answer:
    """The best sentence or row of each passage that ``find`` has found, by filing and section.

    If it ``is_short`` they are few and by filing, and a row is among them only if its passage fits best or no sentence
    was found.
    """
    best = best_parts(engine, question, found)
    chosen = [(part.hit, _quote(part)) for part in (_readable(best)[:_FEW_QUOTES] if is_short else best[:_QUOTES])]
    return Answer(question, bounds.as_of, found.filing_count, tuple(_grouped(chosen, is_by_section=not is_short)))


def _readable(parts: Sequence[Part]) -> list[Part]:
    has_text = any(not part.hit.passage.is_table for part in parts)
    return [part for place, part in enumerate(parts) if place == 0 or not part.hit.passage.is_table or not has_text]


def _quote(part: Part) -> Quote:
    passage = part.hit.passage
    lead = f"{passage.lead}\n\n{_heading(passage.text[: part.start])}".strip() if part.is_row else ""
    first = passage.first_character
    return Quote(part.text, lead, passage.receipt, passage.section, first + part.start, first + part.end)


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
