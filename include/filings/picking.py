"""Which sentence or row of a passage answers a question best.

A part is judged by the question's words that it has, and less by those that only stand around it: the headings of its
table, the row that names the rows below it, the titles of its sections. A figure counts if the question asks for one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from include.filings.figures import figures, years
from include.filings.hangul import pairs
from include.filings.searching import Hit, Hits
from include.store.engine import Engine, transaction
from include.store.filings_search import weigh

AROUND: Final = 0.8
"""What a word counts that stands around a part, where one in the part counts 1."""
FIGURE: Final = 0.4
YEAR: Final = 0.2
"""What it counts, as a share of the question, that a part has a figure that is asked for, and a year that is."""
RANK: Final = 0.01
"""What a passage counts less for each passage that the search has put before it."""
_ASKS_FIGURE: Final = re.compile(
    r"\bhow (?:much|many|large|high|old|long|big)\b|\bwhat (?:share|percentage|number|was|were|is|are)\b|얼마|몇",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"(?<=[.!?\u3002])[\"\u201d)\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9\uac00-\ud7a3])|\n+")


@dataclass(frozen=True)
class Part:
    """A sentence or a row of a passage: characters ``start`` to ``end`` of its text, and what stands around it."""

    hit: Hit
    start: int
    end: int
    around: str

    @property
    def text(self) -> str:
        """The part as it stands."""
        return self.hit.passage.text[self.start : self.end]

    @property
    def is_row(self) -> bool:
        """Whether the part is a row of a table."""
        return self.hit.passage.is_table and self.text.startswith("|")


def best_parts(engine: Engine, question: str, found: Hits) -> list[Part]:
    """The best part of each passage, the best passages first."""
    parts = [part for hit in found.hits for part in parts_of(hit)]
    texts = [part.text for part in parts] + [f"{part.around} {part.text}" for part in parts]
    with transaction(engine) as connection:
        weights = weigh(connection, found.weights, [(text, pairs(text)) for text in texts])
    total = sum(found.weights.values())
    scored = [
        (_score(question, part, inside / total, whole / total), part)
        for part, inside, whole in zip(parts, weights[: len(parts)], weights[len(parts) :], strict=True)
    ]
    best: list[tuple[float, Part]] = []
    for rank, hit in enumerate(found.hits):
        score, part = max((each for each in scored if each[1].hit is hit), key=lambda each: (each[0], -each[1].start))
        best.append((score - RANK * rank, part))
    return [part for _, part in sorted(best, key=lambda each: -each[0])]


def _score(question: str, part: Part, inside: float, whole: float) -> float:
    score = inside + AROUND * (whole - inside)
    if _ASKS_FIGURE.search(question) and any(not figure.is_year for figure in figures(part.text)):
        score += FIGURE
    asked = years(question)
    if asked and asked & years(f"{part.around} {part.text}"):
        score += YEAR
    return score


def parts_of(hit: Hit) -> list[Part]:
    """The sentences of a passage, or the rows of its table without its headings."""
    passage = hit.passage
    text, start = passage.text, 0
    around = " ".join((*passage.titles[1:], passage.lead))
    headings, above = "", ""
    found: list[Part] = []
    for end in (*_SENTENCE.finditer(text), None):
        stop = end.start() if end else len(text)
        line = text[start:stop]
        is_heading = passage.is_table and "| --- |" in text[start:]
        if line.strip() and is_heading:
            headings = f"{headings} {line}"
        elif line.strip():
            above = _named_above(line, above) if passage.is_table else ""
            found.append(Part(hit, start, stop, f"{around} {headings} {above}"))
        start = end.end() if end else stop
    return found or [Part(hit, 0, len(text), around)]


def _named_above(line: str, above: str) -> str:
    """The label of the row that names the rows below it: one without any cell but its label."""
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    return cells[0] if len(cells) > 1 and cells[0] and not any(cells[1:]) else above
