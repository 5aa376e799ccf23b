"""Questions about filings with exact answers: cells of tables, computations, sentences, and what is not there.

Everything is chosen by hashes, so the same filings give the same questions. Where next: ``tables.py`` for what a cell
is, ``splitting.py`` for which questions teach and which judge.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

from include.store.filings_passages import FiledPassage, KnownFiling
from language.examples import NOTHING, Example, Kind, Passage
from language.figures import as_text, cell_value, growth
from language.tables import Cell, Row, read_rows

KINDS: Final = (Kind.CELL, Kind.DIFFERENCE, Kind.GROWTH, Kind.SENTENCE, Kind.MISSING)
LONGEST_PASSAGE: Final = 1400
"""Characters of a passage with its lead; a longer one is not asked about."""
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|\n+")
_SENTENCE_FIGURE: Final = re.compile(r"(?<![\w.,(])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w,]|\.\d)")
_ESCAPED: Final = re.compile(r"\\([^\w\s|])")
_DIGITS: Final = re.compile(r"\d+")
_DART: Final = "dart"
_ASKED: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.CELL: (
        'What is "{label}" under "{new}"?',
        'Which figure does the filing give for "{label}", "{new}"?',
        'How much is "{label}" in the column "{new}"?',
    ),
    Kind.DIFFERENCE: (
        'By how much did "{label}" change from "{old}" to "{new}"?',
        'What is the difference of "{label}" between "{new}" and "{old}"?',
    ),
    Kind.GROWTH: (
        'By how many percent did "{label}" change from "{old}" to "{new}"?',
        'What is the growth of "{label}" from "{old}" to "{new}" in percent?',
    ),
}
_ASKED_IN_KOREAN: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.CELL: ('"{label}"의 "{new}" 값은 얼마입니까?', '"{new}" 기준 "{label}" 금액은 얼마입니까?'),
    Kind.DIFFERENCE: ('"{label}"의 값은 "{old}"에서 "{new}"까지 얼마나 변했습니까?',),
    Kind.GROWTH: ('"{label}"의 값은 "{old}"에서 "{new}"까지 몇 퍼센트 변했습니까?',),
}


@dataclass(frozen=True)
class Limits:
    """How many questions of a kind a filing gives at most, and how many passages come with each."""

    per_kind: int = 40
    passages: int = 3


@dataclass(frozen=True)
class _Asked:
    """A question before its passages are chosen. ``avoided`` is in no other passage than the right one."""

    kind: Kind
    question: str
    answer: str
    figure: Decimal | None
    place: FiledPassage
    avoided: str


def make_examples(filing: KnownFiling, passages: Sequence[FiledPassage], limits: Limits) -> list[Example]:
    """The questions about one filing, at most ``limits.per_kind`` of each kind."""
    short = [passage for passage in passages if len(_shown(passage)) <= LONGEST_PASSAGE]
    asked = [*_about_tables(filing, short), *_about_sentences(filing, short)]
    found: list[Example] = []
    for kind in KINDS[:-1]:
        of_kind = sorted((each for each in asked if each.kind is kind), key=lambda each: _hash(filing, each.question))
        made = (_with_passages(filing, each, short, limits.passages) for each in of_kind)
        found += _first(made, limits.per_kind)
    cells = sorted((each for each in asked if each.kind is Kind.CELL), key=lambda each: _hash(filing, each.answer))
    missing = (_without_answer(filing, each, short, limits.passages) for each in cells)
    return found + _first(missing, limits.per_kind)


def _first(made: Iterable[Example | None], count: int) -> list[Example]:
    found: list[Example] = []
    for example in made:
        if len(found) == count:
            break
        if example is not None:
            found.append(example)
    return found


def _about_tables(filing: KnownFiling, passages: Sequence[FiledPassage]) -> Iterator[_Asked]:
    for passage in passages:
        if passage.is_table:
            for row in read_rows(_shown(passage)):
                yield from _about_row(filing, passage, row)


def _about_row(filing: KnownFiling, passage: FiledPassage, row: Row) -> Iterator[_Asked]:
    for cell in row.cells:
        question = _ask(filing, Kind.CELL, row.label, cell.heading)
        yield _Asked(Kind.CELL, question, cell.text, cell.value, passage, row.label)
    for old, new in _periods(row.cells):
        if not old.is_percent:
            difference = new.value - old.value
            question = _ask(filing, Kind.DIFFERENCE, row.label, new.heading, old.heading)
            answer = f"{as_text(new.value)} - {as_text(old.value)} = {as_text(difference)}"
            yield _Asked(Kind.DIFFERENCE, question, answer, difference, passage, row.label)
        if not old.is_percent and old.value > 0 and new.value >= 0:
            percent = growth(old.value, new.value)
            question = _ask(filing, Kind.GROWTH, row.label, new.heading, old.heading)
            answer = f"({as_text(new.value)} - {as_text(old.value)}) / {as_text(old.value)} = {as_text(percent)}%"
            yield _Asked(Kind.GROWTH, question, answer, percent, passage, row.label)


def _periods(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Cell]]:
    """Pairs of neighbouring figures of two periods, the earlier one first; of headings that differ in digits only."""
    dated = sorted((cell for cell in cells if cell.year is not None), key=lambda cell: cell.year or 0)
    for old, new in pairwise(dated):
        plain = {_DIGITS.sub("", cell.heading) for cell in (old, new)}
        if old.year != new.year and len(plain) == 1 and old.is_percent == new.is_percent:
            yield old, new


def _about_sentences(filing: KnownFiling, passages: Sequence[FiledPassage]) -> Iterator[_Asked]:
    """Sentences with exactly one figure of thousands or more, which is taken out."""
    for passage in passages:
        if passage.is_table:
            continue
        for sentence in _SENTENCE.split(passage.text):
            figures = _SENTENCE_FIGURE.findall(sentence)
            if len(figures) == 1 and 40 <= len(sentence) <= 300 and passage.text.count(figures[0]) == 1:
                blank = sentence.replace(figures[0], "____")
                question = f"{_of(filing)}, which figure belongs into the gap: {blank}"
                yield _Asked(Kind.SENTENCE, question, figures[0], cell_value(figures[0]), passage, sentence)


def _ask(filing: KnownFiling, kind: Kind, label: str, new: str, old: str = "") -> str:
    texts = (_ASKED_IN_KOREAN if filing.source == _DART else _ASKED)[kind]
    text = texts[int(_hash(filing, label + new + old), 16) % len(texts)].format(label=label, new=new, old=old)
    return f"{_of(filing)}: {text}"


def _of(filing: KnownFiling) -> str:
    """Which filing a question is about, in words."""
    if filing.source == _DART:
        return f"{filing.company} {filing.form}({filing.period_end})"
    period = f" for the period to {filing.period_end}" if filing.period_end else ""
    return f"{filing.company}, {filing.form}{period}"


def _with_passages(filing: KnownFiling, asked: _Asked, passages: Sequence[FiledPassage], count: int) -> Example | None:
    """The question with its passage among others of its filing, which do not have what is asked for."""
    others = _others(filing, asked, passages, count - 1)
    if count > 1 and not others:
        return None
    place = int(_hash(filing, "place" + asked.question), 16) % (len(others) + 1)
    shown = [*others[:place], asked.place, *others[place:]]
    return _example(filing, asked, shown, f"{asked.answer} [{place + 1}]", place + 1)


def _without_answer(filing: KnownFiling, asked: _Asked, passages: Sequence[FiledPassage], count: int) -> Example | None:
    """The question with passages none of which has what is asked for."""
    others = _others(filing, asked, passages, count)
    return _example(filing, asked, others, NOTHING, None) if len(others) == count else None


def _others(filing: KnownFiling, asked: _Asked, passages: Sequence[FiledPassage], count: int) -> list[FiledPassage]:
    """Passages of the same filing and kind that have neither the label nor the answer, chosen by hash."""
    label, answer = asked.avoided.casefold(), asked.answer.rpartition("= ")[2]
    own = label.rpartition(": ")[2]
    ranked = sorted(
        (passage for passage in passages if passage.is_table == asked.place.is_table and passage is not asked.place),
        key=lambda passage: _hash(filing, asked.question + str(passage.first_character)),
    )
    found: list[FiledPassage] = []
    for passage in ranked:
        if len(found) == count:
            break
        shown = _shown(passage)
        if own not in shown.casefold() and answer not in shown:
            found.append(passage)
    return found


def _example(
    filing: KnownFiling, asked: _Asked, shown: Sequence[FiledPassage], answer: str, cited: int | None
) -> Example:
    return Example(
        kind=asked.kind if cited else Kind.MISSING,
        question=asked.question,
        passages=tuple(Passage(_citation(filing, passage), _shown(passage)) for passage in shown),
        answer=answer,
        cited=cited,
        figure=None if cited is None or asked.figure is None else f"{asked.figure:f}",
        group=f"{filing.source}/{filing.number}",
        receipt=filing.receipt,
        origin=filing.source,
    )


def _citation(filing: KnownFiling, passage: FiledPassage) -> str:
    return f"{filing.receipt}#{passage.section}:{passage.first_character}-{passage.end_character}"


def _shown(passage: FiledPassage) -> str:
    """The passage below its lead, without the backslashes of Markdown; a bar within a cell keeps its own."""
    separator = "\n" if passage.lead.rstrip().endswith("|") else "\n\n"
    lead = f"{passage.lead.rstrip()}{separator}" if passage.lead.strip() else ""
    return _ESCAPED.sub(r"\1", lead + passage.text)


def _hash(filing: KnownFiling, text: str) -> str:
    return hashlib.sha256(f"{filing.receipt}\0{text}".encode()).hexdigest()
