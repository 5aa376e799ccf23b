"""Answers to questions from filings in the reader's level, and where a language model is set up, written by it.

An expert gets sentences, figures and sections as filed. A beginner gets few sentences by filing, and the terms in them
in plain words. A model's sentences are checked (``writing.py``); if it fails, the filings' own words are the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from include.errors import FilingsUnavailableError
from include.filings.asking import NOTHING, Answer, find, quoted, unescaped
from include.filings.changes import Change, find_change
from include.filings.chat import ChatModel, chat_model
from include.filings.database import open_engine
from include.filings.embedding import Embedder, reachable_embedder
from include.filings.glossary import Term, terms_in
from include.filings.searching import Hit, Hits
from include.filings.support import Evidence, without_instructions
from include.filings.writing import Written, WrittenSentence, write
from include.settings import load_settings
from include.store.engine import Engine, transaction
from include.store.filing_facts import load_facts
from include.store.filings_search import Bounds, PassageRow

_MOST_PASSAGES: Final = 8
"""Passages that a language model gets."""


class Level(StrEnum):
    """Whom an answer is for."""

    BEGINNER = "beginner"
    EXPERT = "expert"


@dataclass(frozen=True)
class Reply:
    """An answer for a reader.

    ``passages`` are those that a language model got, and ``written`` is what it wrote; None if none wrote. ``note``
    says what a reader should know about how the answer was made. ``changes`` are both sides of what quoted sentences of
    a filing say to have risen or fallen, for an expert.
    """

    level: Level
    answer: Answer
    glossary: tuple[Term, ...] = ()
    model: str | None = None
    passages: tuple[PassageRow, ...] = ()
    written: Written | None = None
    note: str = ""
    changes: tuple[Change, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The reply as plain values; citations of a written answer are numbered from 1 on in the order of their use."""
        found = self.answer.as_json() | {
            "level": self.level.value,
            "glossary": [asdict(term) for term in self.glossary],
            "note": self.note,
            "changes": [{"text": change.text, "citation": change.citation} for change in self.changes],
            "written": None,
        }
        if self.written is None:
            return found
        used = list(dict.fromkeys(place for each in self.written.sentences for place in each.passages))
        numbers = {place: number for number, place in enumerate(used, start=1)}
        text = " ".join(_numbered(each, numbers) for each in self.written.sentences)
        return found | {
            "answer": text or NOTHING,
            "written": {
                "model": self.model,
                "sentences": [
                    {"text": each.text, "citations": [numbers[place] for place in each.passages]}
                    for each in self.written.sentences
                ],
                "citations": [_cited(numbers[place], self.passages[place]) for place in used],
                "dropped_count": len(self.written.dropped),
            },
        }


def reply(
    engine: Engine,
    question: str,
    bounds: Bounds,
    level: Level,
    model: ChatModel | None = None,
    embedder: Embedder | None = None,
) -> Reply:
    """The answer for a reader of this level, written by ``model`` if there is one.

    With an ``embedder`` passages are also ranked by meaning.

    Raises:
        InvalidRequestError: the question has no word to search for.
        DataContractError: ``as_of`` is naive.
    """
    found = find(engine, question, bounds, embedder)
    answer = quoted(engine, question, bounds, found, is_short=level is Level.BEGINNER)
    shown = [f"{quote.lead}\n{quote.text}" for source in answer.sources for quote in source.quotes]
    changes = _changes(engine, answer) if level is Level.EXPERT else ()
    made = Reply(level, answer, _glossary(level, shown, question), changes=changes)
    if model is None or not found.hits:
        return made
    return _written(made, model, question, found)


def language_model(most_seconds: float | None = None) -> ChatModel | None:
    """The language model of the settings, which may take at most ``most_seconds``; None if none is set up.

    Raises:
        SettingsError: a setting is wrong.
    """
    model = chat_model(load_settings().filings)
    if model is None or most_seconds is None:
        return model
    return replace(model, seconds=min(model.seconds, most_seconds))


def ask(
    question: str,
    as_of: datetime,
    companies: Sequence[str] | None = None,
    forms: Sequence[str] | None = None,
    level: str = Level.EXPERT,
) -> dict[str, Any]:
    """The reply as plain values, from the database and by the language model of the settings; see ``reply``.

    Nothing that became known after ``as_of`` (UTC) is seen. ``companies`` are tickers or numbers; None: all.

    Raises:
        SettingsError: no database is named, or the language model's settings are wrong.
        InvalidRequestError: the question has no word to search for.
    """
    bounds = Bounds(as_of, tuple(companies) if companies else None, tuple(forms) if forms else None)
    model, embedder = language_model(), reachable_embedder(load_settings().filings)
    with open_engine() as engine:
        return reply(engine, question, bounds, Level(level), model, embedder).as_json()


def _changes(engine: Engine, answer: Answer) -> tuple[Change, ...]:
    """Both sides of the changes that quoted sentences state, from the figures of their filings."""
    quotes = [quote for source in answer.sources for quote in source.quotes if not quote.lead]
    if not quotes:
        return ()
    with transaction(engine) as connection:
        facts = load_facts(connection, sorted({quote.receipt for quote in quotes}), answer.as_of)
    found = [find_change(unescaped(quote.text), facts[quote.receipt], quote.receipt) for quote in quotes]
    return tuple(dict.fromkeys(change for change in found if change))


def _written(made: Reply, model: ChatModel, question: str, found: Hits) -> Reply:
    usable = [hit for hit in found.hits if without_instructions(hit.passage.text).strip()][:_MOST_PASSAGES]
    if not usable:
        return replace(made, note="Every passage gives instructions, so the language model was not asked.")
    passages = tuple(hit.passage for hit in usable)
    try:
        written = write(model, question, [evidence_of(hit) for hit in usable], made.level.value)
    except FilingsUnavailableError as error:
        note = f"{error} So the answer is in the filings' own words."
        return replace(made, model=model.name, note=note)
    glossary = _glossary(made.level, [each.text for each in written.sentences], question) or made.glossary
    return replace(made, glossary=glossary, model=model.name, passages=passages, written=written, note=_note(written))


def _note(written: Written) -> str:
    count = len(written.dropped)
    if not written.sentences:
        nothing = "The language model wrote nothing that the passages support. The nearest passages are below."
        return nothing if count else "The language model found no answer in the passages. The nearest are below."
    if not count:
        return ""
    what = "sentences of the language model had" if count > 1 else "sentence of the language model had"
    return f"{count} {what} no support in a passage and was left out."


def evidence_of(hit: Hit) -> Evidence:
    """A passage as what a written sentence may rest on, without the backslashes of Markdown in its text."""
    passage = hit.passage
    end = passage.period_end.isoformat() if passage.period_end else ""
    about = " ".join((passage.company, passage.form, end, *passage.titles))
    text = passage.text if passage.is_table else unescaped(passage.text)
    return Evidence(text, passage.lead, unescaped(about), passage.is_table)


def _glossary(level: Level, texts: Sequence[str], question: str) -> tuple[Term, ...]:
    return terms_in(texts, question) if level is Level.BEGINNER else ()


def _numbered(sentence: WrittenSentence, numbers: dict[int, int]) -> str:
    cited = "".join(f"[{numbers[place]}]" for place in sentence.passages)
    if sentence.text[-1] in ".!?\u3002":
        return f"{sentence.text[:-1]} {cited}{sentence.text[-1]}"
    return f"{sentence.text} {cited}."


def _cited(number: int, passage: PassageRow) -> dict[str, Any]:
    return {
        "number": number,
        "citation": f"{passage.receipt}#{passage.section}:{passage.first_character}-{passage.end_character}",
        "receipt": passage.receipt,
        "company": passage.company,
        "form": passage.form,
        "period_end": passage.period_end,
        "known_at": passage.known_at,
        "address": passage.address,
        "titles": passage.titles,
        "lead": passage.lead,
        "text": passage.text,
    }
