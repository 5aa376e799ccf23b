"""What a sentence of a filing does: it instructs its reader, compares, lists in order, or says the opposite of another.

``support.py`` asks this of a written sentence and of the words that it cites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from include.filings.figures import Figure, figures

_OPPOSITES: Final = tuple(
    (re.compile(rf"\b(?:{one})", re.IGNORECASE), re.compile(rf"\b(?:{other})", re.IGNORECASE))
    for one, other in (
        (r"repurchas|purchas|buy|bought|acquir", r"sold|sell|issu"),
        (r"pay|paid|spen[dt]", r"receiv|collect"),
        (r"borrow", r"repa[iy]|lend|lent"),
        (r"profit|gain|income", r"loss|losses\b"),
        (r"asset", r"liabilit"),
        (r"revenue", r"costs?\b|expense"),
        (r"win\b|wins\b|won\b", r"lose|lost\b"),
    )
)
"""Beginnings of words of which a sentence must not have the one where its passage has only the other."""
_COMPARED: Final = re.compile(r"\b(?:compared\s+(?:to|with)|versus|vs\.?|against|than)\b", re.IGNORECASE)
_FROM: Final = re.compile(
    r"\bfrom\s+(?:approximately\s+|about\s+)?(?:US)?[$\u20ac\u00a3\u00a5\u20a9]?\s?$", re.IGNORECASE
)
_CLAUSE: Final = re.compile(r"[;:]|,\s(?!or\b)")
_LENGTH: Final = re.compile(r"\b(three|six|nine|twelve)[ -]month", re.IGNORECASE)
_IN_ORDER: Final = re.compile(r"respectively")
_TELL: Final = "answer|reply|respond|write|say|state|tell|output|print|repeat|claim|report"
_INSTRUCTION: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,60}"
    r"\b(?:instruction|prompt|rule|question|above|previous|earlier|context)"
    r"|\b(?:system|developer|assistant|user)\s*(?:prompt|message|:)"
    r"|\byou (?:are|must|should|will|shall) (?:now|only|always|answer|reply|say|respond|write|tell)\b"
    rf"|(?:^|[.!?:;|,\"\u201c]\s*)(?:please\s+)?(?:{_TELL})\s+(?:only|exactly|instead|that|with|back|the\s+(?:user|reader))\b"
    rf"|\b(?:language model|AI model|chatbot|(?:AI|virtual) assistant|LLM)\b.{{0,80}}\b(?:must|should|{_TELL})\b"
    r"|<\|?\w+\|?>|\[/?INST\]|(?:이전|위의?|앞의?)\s?(?:모든\s?)?(?:지시|명령|질문)\S*(?:\s\S+)?\s?무시"
    r"|라고\s?(?:답|말|대답|작성)하(?:라|시오|세요|십시오)",
    re.IGNORECASE,
)


def is_instruction(text: str) -> bool:
    """Whether a text tells its reader what to answer, as a planted instruction does."""
    return bool(_INSTRUCTION.search(text.replace("\\", "")))


def is_opposite(sentence: str, text: str) -> bool:
    """Whether the sentence has a deed or a thing of which the text has only the opposite."""
    for pair in _OPPOSITES:
        for own, other in (pair, pair[::-1]):
            if own.search(sentence) and not own.search(text) and other.search(text):
                return True
    return False


def is_compared(text: str, figure: Figure) -> bool:
    """Whether the figure is what another one is compared with, such as that of the year before."""
    before = text[: figure.start]
    if _FROM.search(before):
        return True
    marks = list(_COMPARED.finditer(before))
    return bool(marks) and not _CLAUSE.search(before[marks[-1].end() :])


def lengths(text: str) -> set[str]:
    """The lengths of periods that a text names, such as ``three`` for three months."""
    return {match[1].lower() for match in _LENGTH.finditer(text)}


def lists_in_order(text: str) -> Iterator[list[Decimal]]:
    """The values that a text gives ``respectively`` and that no year tells apart."""
    begin = 0
    for match in _IN_ORDER.finditer(text):
        found = figures(text[begin : match.start()])
        values = [figure.value for figure in found if not figure.is_year]
        if len(values) > 1 and len({figure.value for figure in found if figure.is_year}) < 2:
            yield values
        begin = match.end()
