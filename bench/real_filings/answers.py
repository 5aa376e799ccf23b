"""Answers to questions about real filings: whether a quote has the figure, and what no filing says is refused.

The questions are in ``questions/answers.toml``. Every other one was used to choose settings.
"""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.real_filings.folder import NOW
from bench.results import Row, Section
from include.filings.answering import Level, Reply, reply
from include.filings.asking import Quote, unescaped
from include.store.engine import Engine, fetch_rows, transaction
from include.store.filings_search import Bounds

QUESTIONS: Final = Path(__file__).parent / "questions" / "answers.toml"
_HALVES: Final = ("chosen on", "held out")


@dataclass(frozen=True)
class Question:
    """A question about a company, by its number at its source, and the figure of the right answer.

    Without a ``figure`` the filings do not say.
    """

    company: str
    text: str
    figure: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a question."""

    question: Question
    quotes: tuple[Quote, ...]
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether a quote has the figure."""
        return any(has_figure(quote.text, self.question.figure) for quote in self.quotes)

    @property
    def is_first_right(self) -> bool:
        """Whether the first quote has the figure."""
        return bool(self.quotes) and has_figure(self.quotes[0].text, self.question.figure)


def load_questions() -> tuple[list[Question], list[Question]]:
    """The questions that the filings answer, and those that they do not."""
    found = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))
    answerable, unanswerable = ([Question(**each) for each in found[name]] for name in ("questions", "unanswerable"))
    return answerable, unanswerable


def has_figure(text: str, figure: str) -> bool:
    """Whether a text has the figure as such, and not as a part of a longer number."""
    before = r"(?<![\d.,])" if figure[:1].isdigit() else ""
    after = r"(?![\d]|[.,]\d)" if figure[-1:].isdigit() else ""
    return bool(re.search(before + re.escape(figure) + after, unescaped(" ".join(text.split()))))


def measure(engine: Engine) -> Section:
    """Both levels on both halves of the questions, and what went wrong, one note each."""
    answerable, unanswerable = load_questions()
    rows: list[Row] = []
    notes: list[str] = []
    texts = _texts(engine)
    for level in Level:
        right = [ask(engine, question, level) for question in answerable]
        none = [ask(engine, question, level) for question in unanswerable]
        rows += [
            {"questions": half, "level": level.value, **_row(right[place::2], none[place::2], texts)}
            for place, half in enumerate(_HALVES)
        ]
        notes += [_note(level, outcome) for outcome in (*right, *none) if not _is_good(outcome)]
    return Section(rows, notes)


def ask(engine: Engine, question: Question, level: Level) -> Outcome:
    """The quotes that answer a question about its company, from all of the company's filings."""
    begin = time.perf_counter()
    found: Reply = reply(engine, question.text, Bounds(NOW, (question.company,)), level)
    quotes = tuple(quote for source in found.answer.sources for quote in source.quotes)
    return Outcome(question, quotes, time.perf_counter() - begin)


def _row(right: Sequence[Outcome], none: Sequence[Outcome], texts: dict[str, str]) -> Row:
    quotes = [quote for outcome in (*right, *none) for quote in outcome.quotes]
    return {
        "asked": len(right),
        "answered": sum(bool(outcome.quotes) for outcome in right),
        "figure_quoted": sum(outcome.is_right for outcome in right),
        "figure_first": sum(outcome.is_first_right for outcome in right),
        "citations": len(quotes),
        "citations_exact": sum(texts[quote.receipt][quote.start : quote.end] == quote.text for quote in quotes),
        "unanswerable": len(none),
        "refused": sum(not outcome.quotes for outcome in none),
        "slowest_s": round(max(outcome.seconds for outcome in (*right, *none)), 2),
    }


def _texts(engine: Engine) -> dict[str, str]:
    """The text of each filing as Markdown, by its receipt number."""
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            """
            select version.receipt, document.markdown
            from filings.document as document
            inner join filings.version as version using (version_id)
            """,
        )
    return {str(row["receipt"]): str(row["markdown"]) for row in rows}


def _is_good(outcome: Outcome) -> bool:
    return outcome.is_right if outcome.question.figure else not outcome.quotes


def _note(level: Level, outcome: Outcome) -> str:
    first = f": {' '.join(outcome.quotes[0].text.split())[:120]}" if outcome.quotes else ""
    what = "wrong" if outcome.quotes else "refused"
    return f"{level.value}, {what}: {outcome.question.text} ({outcome.question.figure or 'unanswerable'}){first}"
