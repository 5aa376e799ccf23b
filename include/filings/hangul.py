"""Korean text for a search without an analyser of its language.

Korean words carry endings, so equal words differ in their last syllables. Pairs of neighbouring syllables are found in
all forms of a word. They are the words of Korean text in the search; a text of other scripts has none.
"""

from __future__ import annotations

import re
from typing import Final

_RUN: Final = re.compile(r"[\uac00-\ud7a3]+")
_ASKING: Final = re.compile(
    r"얼마나|얼마|무엇|누구|어디|언제|어떻게|어떤|몇\s?[명개건년월]?|무슨|왜|[\uac00-\ud7a3]*(?:니까|나요|은가요|인가요|인지|알려줘|주세요)"
)
"""Words that ask, and the verbs that end a question."""
_PARTICLE: Final = re.compile(
    r"(?<=[\uac00-\ud7a3]{2})(?:에서|으로|에게|까지|부터|은|는|이|가|을|를|의|에|과|와|도|로)(?![\uac00-\ud7a3])"
)


def pairs(text: str) -> str:
    """The pairs of neighbouring syllables of each Korean word, joined by spaces; a word of one syllable is itself."""
    found: list[str] = []
    for run in _RUN.findall(text):
        found += [run[place : place + 2] for place in range(max(1, len(run) - 1))]
    return " ".join(found)


def question_pairs(question: str) -> str:
    """The pairs of a question: those of its words without the particles at their ends and without words that ask."""
    return pairs(_PARTICLE.sub("", _ASKING.sub(" ", question)))
