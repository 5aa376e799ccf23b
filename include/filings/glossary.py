"""Terms of filings in plain words, in English and Korean, for readers who are no experts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("glossary.toml")
MOST_TERMS: Final = 8
_KOREAN: Final = re.compile(r"[\uac00-\ud7a3]")


@dataclass(frozen=True)
class Term:
    """A term in one language, and what it means there in one sentence."""

    term: str
    meaning: str


@dataclass(frozen=True)
class _Entry:
    english: tuple[str, ...]
    korean: tuple[str, ...]
    meaning: str
    meaning_korean: str


def terms_in(texts: Sequence[str], question: str) -> tuple[Term, ...]:
    """The terms that the texts use, in the order of their first use, at most ``MOST_TERMS``.

    Meanings are in Korean if the question is, else in English. A term that is only part of a longer one there, such as
    ``revenue`` in ``deferred revenue``, is left out.
    """
    text = "\n".join(texts)
    is_korean = bool(_KOREAN.search(question))
    taken: list[tuple[int, int, _Entry]] = []
    for spelling, entry in _spellings():
        found = _pattern(spelling).search(text)
        while found and any(start < found.end() and found.start() < end for start, end, _ in taken):
            found = _pattern(spelling).search(text, found.end())
        if found and all(entry is not other for _, _, other in taken):
            taken.append((found.start(), found.end(), entry))
    ordered = [entry for _, _, entry in sorted(taken, key=lambda each: each[0])][:MOST_TERMS]
    return tuple(
        Term(entry.korean[0], entry.meaning_korean) if is_korean else Term(entry.english[0], entry.meaning)
        for entry in ordered
    )


@cache
def _spellings() -> tuple[tuple[str, _Entry], ...]:
    """Every spelling with its entry, the longest first."""
    entries = [
        _Entry(tuple(row["english"]), tuple(row["korean"]), row["meaning"], row["meaning_korean"])
        for row in tomllib.loads(_FILE.read_text(encoding="utf-8"))["term"]
    ]
    pairs = [(spelling, entry) for entry in entries for spelling in (*entry.english, *entry.korean)]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair[0])))


@cache
def _pattern(spelling: str) -> re.Pattern[str]:
    """A spelling as a word of its own. An abbreviation has its capitals; Korean words carry endings."""
    if _KOREAN.search(spelling):
        return re.compile(rf"(?<![\uac00-\ud7a3]){re.escape(spelling)}")
    escaped = re.escape(spelling)
    return re.compile(rf"\b{escaped}\b", 0 if spelling.isupper() else re.IGNORECASE)
