"""Questions from files that people bring: alpaca JSON, chat JSON, CSV.

A file is read as a whole or not at all: a line that is wrong is named. Where next: ``settings.py`` says what a run has
to state about a file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from include.errors import DataContractError
from language.examples import Example, Kind, Passage
from language.figures import answered_figure, citations_in

_ROLES: Final[Mapping[str, str]] = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant"}
_LONGEST: Final = 100_000
Found = tuple[str, str, str, str]
"""Question, passage, answer, and citation of the passage; empty where there is none."""


def read_questions(content: bytes, form: str, name: str) -> list[Example]:
    """The questions of a file; ``form`` is one of ``FORMS``, ``name`` is for messages and becomes their origin.

    Every question is a group of its own, since nothing says which of them are about the same.

    Raises:
        DataContractError: the file, or an entry of it, has another form; the message says which entry.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name} is not in UTF-8 ({error.reason} at byte {error.start}); save it in UTF-8."
        raise DataContractError(message) from error
    found = [_example(each, name) for each in FORMS[form](text, name)]
    if not found:
        message = f"{name} has no question."
        raise DataContractError(message)
    return found


def _example(entry: Found, name: str) -> Example:
    question, passage, answer, citation = (each.strip() for each in entry)
    passages = (Passage(citation or name, passage),) if passage else ()
    figure = answered_figure(answer, question) if len(answer) <= 40 else None
    is_cited = bool(passages) and citations_in(answer) == {1}
    return Example(
        kind=Kind.BROUGHT,
        question=question,
        passages=passages,
        answer=answer,
        cited=1 if is_cited else None,
        figure=None if figure is None else f"{figure:f}",
        group=_group(name, question),
        receipt="",
        origin=name,
    )


def _group(name: str, question: str) -> str:
    """The file and the words of the question, so that the same question never stands on both sides."""
    words = re.findall(r"[^\W_]+", question.casefold())
    return f"{name}/{' '.join(words)}"


def _alpaca(text: str, name: str) -> Iterator[Found]:
    """Entries of ``instruction``, ``input`` (may be empty or missing) and ``output``."""
    for place, entry in _entries(text, name):
        yield (
            _text(entry, "instruction", name, place),
            _text(entry, "input", name, place, is_needed=False),
            _text(entry, "output", name, place),
            "",
        )


def _chat(text: str, name: str) -> Iterator[Found]:
    """Entries of ``messages`` with ``role`` and ``content``, or ``conversations`` with ``from`` and ``value``.

    A message of the system before the question is its passage. Each question with the answer after it counts; earlier
    turns are not kept.
    """
    for place, entry in _entries(text, name):
        turns = entry.get("messages", entry.get("conversations"))
        if not isinstance(turns, list) or not turns:
            message = f"{name}, entry {place} has neither 'messages' nor 'conversations'."
            raise DataContractError(message)
        yield from _turns(turns, name, place)


def _turns(turns: Sequence[Any], name: str, place: int) -> Iterator[Found]:
    system, asked = "", ""
    count = 0
    for turn in turns:
        if not isinstance(turn, dict):
            message = f"{name}, entry {place}: a message is {turn!r}; it needs 'role' and 'content'."
            raise DataContractError(message)
        said = str(turn.get("role", turn.get("from")))
        words = _text(turn, "content" if "content" in turn else "value", name, place)
        role = _ROLES.get(said, said)
        if role == "system":
            system = words
        elif role == "user":
            asked = words
        elif role == "assistant" and asked:
            count += 1
            yield asked, system, words, ""
            asked = ""
        else:
            message = f"{name}, entry {place}: role {said!r} is unknown, or answers no question."
            raise DataContractError(message)
    if not count:
        message = f"{name}, entry {place} has no question with an answer."
        raise DataContractError(message)


def _csv(text: str, name: str) -> Iterator[Found]:
    """Rows with the columns ``question`` and ``answer``, and perhaps ``passage`` and ``citation``."""
    csv.field_size_limit(_LONGEST)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = {"question", "answer"} - set(reader.fieldnames or ())
        if missing:
            message = f"{name} has no column {' and no column '.join(sorted(missing))}; it has: {reader.fieldnames}."
            raise DataContractError(message)
        for place, row in enumerate(reader, start=1):
            if None in row:
                message = f"{name}, row {place} has more cells than the first line."
                raise DataContractError(message)
            yield (
                _text(row, "question", name, place),
                _text(row, "passage", name, place, is_needed=False),
                _text(row, "answer", name, place),
                _text(row, "citation", name, place, is_needed=False),
            )
    except csv.Error as error:
        message = f"{name}, line {reader.line_num} is no CSV: {error}."
        raise DataContractError(message) from error


def _entries(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON list, or of one object a line, from 1 on."""
    try:
        parsed = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in _lines(text)]
    except ValueError as error:
        message = f"{name} is no JSON: {error}."
        raise DataContractError(message) from error
    for place, entry in enumerate(parsed, start=1):
        if not isinstance(entry, dict):
            message = f"{name}, entry {place} is {type(entry).__name__}; it has to be an object."
            raise DataContractError(message)
        yield place, entry


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _text(entry: Mapping[str, Any], field: str, name: str, place: int, *, is_needed: bool = True) -> str:
    value = entry.get(field)
    if value is None and not is_needed:
        return ""
    if not isinstance(value, str) or (is_needed and not value.strip()):
        message = f"{name}, entry {place}: {field!r} has to be a text that is not empty; it is {value!r}."
        raise DataContractError(message)
    if len(value) > _LONGEST:
        message = f"{name}, entry {place}: {field!r} has {len(value)} characters, more than {_LONGEST}."
        raise DataContractError(message)
    return value


FORMS: Final[Mapping[str, Callable[[str, str], Iterator[Found]]]] = {"alpaca": _alpaca, "chat": _chat, "csv": _csv}
"""The forms of files, each with its reader."""
