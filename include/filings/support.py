"""Whether a passage of a filing supports a sentence that somebody wrote from it.

A sentence is supported by one part of a passage: a sentence of it, or a row of its table under the table's headings.
The part must hold:

* every figure, with its unit and its year,
* the words that change a meaning: months, ordinal numbers, names, a ``not``, a ``may``,
* the direction of a change,
* most of the other words.

A part that gives instructions supports nothing. The check knows words, not meaning, so it drops some true sentences.
What it accepts stands in the filing in nearly the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from include.filings.figures import Figure, by_year, days, figures, stated_scales, years
from include.filings.wording import is_compared, is_instruction, is_opposite, lengths, lists_in_order

LEAST_WORDS: Final = 0.7
"""Share of a sentence's words that its passage must have."""
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'\u2019]*|[가-힣]+")
_STOP: Final = frozenset(
    {
        "a", "about", "according", "also", "amounted", "an", "and", "approximately", "are", "as", "at", "be",
        "been", "being", "by", "came", "company", "did", "do", "does", "during", "filing", "filings", "for",
        "from", "had", "has", "have", "her", "his", "i", "in", "into", "is", "it", "its", "of", "on", "or",
        "our", "over", "period", "report", "reported", "reporting", "reports", "said", "says", "so", "stated",
        "states", "stood", "such", "than", "that", "the", "their", "then", "there", "these", "they", "this",
        "those", "to", "total", "us", "was", "we", "were", "which", "while", "who", "whom", "whose", "with",
        "you", "your",
    }
)  # fmt: skip
_EXACT: Final = frozenset(
    {
        "annual", "april", "august", "basic", "december", "deferred", "diluted", "double", "doubled", "dozen",
        "eight", "eleven", "february", "fifty", "first", "five", "forty", "four", "fourth", "gross", "half",
        "hundred", "january", "july", "june", "march", "monthly", "net", "nine", "november", "october",
        "operating", "quarter", "quarterly", "second", "september", "seven", "six", "ten", "third", "thirty",
        "three", "triple", "tripled", "twelve", "twenty", "twice", "two",
    }
)  # fmt: skip
"""Words that change what a figure is; each must be there."""
_NEGATIONS: Final = frozenset(
    {
        "cannot", "n't", "neither", "never", "no", "none", "nor", "not", "without", "못", "아니", "않", "없",
    }
)  # fmt: skip
_NOT_ONLY: Final = re.compile(r"뿐(?:만)?\s?아니라|\bnot only\b")
_HEDGES: Final = frozenset(
    {
        "anticipate", "anticipates", "believe", "believes", "can", "could", "estimate", "estimates", "expect",
        "expected", "expects", "forecast", "forecasts", "hope", "if", "intend", "intends", "may", "might",
        "plan", "plans", "project", "projects", "should", "target", "targets", "unless", "would", "authorized",
        "authorised",
    }
)  # fmt: skip
_UP: Final = re.compile(r"\b(?:increas|rose|risen|rise|grew|grow|higher|gain|expand|improv|up\b)|증가|상승|늘어|개선")
_DOWN: Final = re.compile(r"\b(?:decreas|declin|fell|fall|lower|drop|reduc|shr[aiu]nk|down\b)|감소|하락|줄어|악화")
_SENTENCE: Final = re.compile(r"(?<=[.!?\u3002])[\"\u201d)\]]*\s+(?=[\"\u201c(\[]?[A-Z0-9\uac00-\ud7a3])|\n+")
_REFERS: Final = re.compile(r"(?:It|They|This|These|Such|That)\b|이는|이에|이로")
"""How a sentence begins that is about the thing of the sentence before it."""
_MARKUP: Final = re.compile(r"https?:|www\.|\]\(|<[a-z/!]|\S@\S+\.\w", re.IGNORECASE)
_LONGEST: Final = 500


@dataclass(frozen=True)
class Evidence:
    """A passage that a sentence may cite: its text, what leads it, and words that are true of all of it.

    ``about`` are the company, the form, the day of the period and the titles of the sections around the passage.
    """

    text: str
    lead: str
    about: str
    is_table: bool


@dataclass(frozen=True)
class _Part:
    """What one sentence may rest on: its words, and for a row of a table its cells with the headings above them."""

    text: str
    around: str
    cells: tuple[tuple[str, str], ...] = ()
    rivals: tuple[str, ...] = ()
    """The labels of the table's other rows."""


def direction(text: str) -> str:
    """Which way a change goes that a text states: ``up``, ``down``, or empty if it states none or both."""
    ups, downs = bool(_UP.search(text.lower())), bool(_DOWN.search(text.lower()))
    return "" if ups == downs else "up" if ups else "down"


def without_instructions(text: str) -> str:
    """The text without those of its sentences that give instructions."""
    return " ".join(part for part in _SENTENCE.split(text) if part and not is_instruction(part))


def objection(sentence: str, evidence: Sequence[Evidence], question: str = "") -> str:
    """Why the passages that a sentence cites do not support it; empty if one of them does.

    ``question`` says which year a sentence is about that names none.
    """
    if len(sentence) > _LONGEST or _MARKUP.search(sentence):
        return "it is too long, or has an address or markup"
    if not _content(sentence):
        return "it says nothing"
    if not evidence:
        return "it cites no passage"
    reasons: list[str] = []
    for part in (part for each in evidence for part in _parts(each)):
        reason = _against(sentence, part, question)
        if not reason:
            return ""
        reasons.append(reason)
    return min(reasons, key=_REASONS.index) if reasons else "its passage gives instructions"


_REASONS: Final = (
    "the direction of the change is another one", "the passage says the opposite",
    "the passage says not, or the sentence does", "the passage says it with a reserve",
    "the figure is that of another year or period", "a name or quantity is not there", "too few of its words are there",
    "a figure is not there",
)  # fmt: skip
"""From the nearest to being right to the farthest."""


def _against(sentence: str, part: _Part, question: str) -> str:
    found = by_year(sentence)
    if not _has_figures(sentence, found, part):
        return "a figure is not there"
    words = [word for word in _content(sentence) if not _has_own_check(word)]
    there = _content(f"{part.around} {part.text}")
    missing = [word for word in words if not _is_among(word, there)]
    if len(missing) > (1 - LEAST_WORDS) * len(words) or _fits_another_row(words, part):
        return "too few of its words are there"
    fixed = [word for word in _fixed(sentence) if not _is_among(word, there, is_exact=True)]
    begin = missing[:1] if missing[:1] == words[:1] else []
    if not all(_is_short_name(word, part.around) for word in (*begin, *fixed)) or _is_out_of_order(found, part):
        return "a name or quantity is not there"
    if not _same_periods(sentence, found, part, question):
        return "the figure is that of another year or period"
    return _other_tone(sentence, part)


def _has_figures(sentence: str, found: Sequence[tuple[Figure, str | None]], part: _Part) -> bool:
    """Whether the part has each figure of the sentence, and each year and day."""
    whole = f"{part.around} {part.text}"
    has_dates = years(sentence) <= years(whole) and days(sentence) <= days(whole)
    return has_dates and all(_has_figure(figure, part) for figure, _ in found)


def _is_short_name(word: str, around: str) -> bool:
    """Whether the word is made of the first letters of words that follow one another, as IBM is."""
    return len(word) > 1 and word in "".join(each[0] for each in _WORD.findall(around.lower()))


def _fits_another_row(words: Sequence[str], part: _Part) -> bool:
    """Whether the label of another row of the table has more of a sentence's words."""
    if not part.cells:
        return False
    heading, label = part.cells[0]
    own, *others = (
        sum(_is_among(word, _content(f"{heading} {each}")) for word in words) for each in (label, *part.rivals)
    )
    return any(other > own for other in others)


def _is_out_of_order(found: Sequence[tuple[Figure, str | None]], part: _Part) -> bool:
    """Whether the sentence has a figure that the part gives ``respectively``, without the others in their order."""
    values = [figure.value for figure, _ in found]
    lists = lists_in_order(part.text) if not part.cells else ()
    return any(set(values) & set(listed) and [each for each in values if each in listed] != listed for listed in lists)


def _same_periods(sentence: str, found: Sequence[tuple[Figure, str | None]], part: _Part, question: str) -> bool:
    """Whether each figure is about the year that the sentence, or else the question, gives it.

    In a table it must be of the same number of months, too; in a sentence without years, on the same side of a
    comparison.
    """
    if not _same_years(found, part, question):
        return False
    if part.cells:
        named = lengths(sentence)
        of_cells = (lengths(" ".join(_headings_of(figure, part))) for figure, _ in found)
        return all(not named or not given or named & given for given in of_cells)
    return all(
        (year is not None and len(years(part.text)) > 1) or any(
            is_compared(part.text, other) == is_compared(sentence, figure)
            for other in figures(part.text)
            if other.value == figure.value
        )
        for figure, year in found
    )  # fmt: skip


def _other_tone(sentence: str, part: _Part) -> str:
    """How the part says the same words in another way: with a reserve, with a not, or of the other direction."""
    if not part.cells and _has(_HEDGES, part.text) and not _has(_HEDGES, sentence):
        return "the passage says it with a reserve"
    if not part.cells and _has(_NEGATIONS, part.text) != _has(_NEGATIONS, sentence):
        return "the passage says not, or the sentence does"
    if not part.cells and is_opposite(sentence, part.text):
        return "the passage says the opposite"
    is_same = _same_direction_in_row(sentence, part) if part.cells else _same_direction(sentence, part.text)
    return "" if is_same else "the direction of the change is another one"


def _has_figure(figure: Figure, part: _Part) -> bool:
    """Whether the part has the figure with its unit; a table may state the unit once, for all of its amounts."""
    stated = stated_scales(part.around)
    for other in figures(part.text):
        if other.value != figure.value:
            continue
        if other.unit == figure.unit or (not other.unit and figure.unit in stated):
            return True
        if figure.unit == "%" and not other.unit and "%" in part.around:
            return True
    return False


def _same_years(found: Sequence[tuple[Figure, str | None]], part: _Part, question: str) -> bool:
    """Whether each figure is about the year that the sentence, or else the question, gives it."""
    asked = years(question)
    for figure, year in found:
        named = {year} if year else asked
        if not named:
            continue
        about = _years_of(figure, part)
        if about and not about & named:
            return False
    return True


def _years_of(figure: Figure, part: _Part) -> set[str]:
    """The years that the part gives a figure: those above its cells, or beside it in a sentence with several years."""
    if part.cells:
        return years(" / ".join(_headings_of(figure, part)))
    if len(years(part.text)) < 2:
        return years(part.text)
    return {year for other, year in by_year(part.text) if other.value == figure.value and year}


def _headings_of(figure: Figure, part: _Part) -> list[str]:
    """The headings above the cells that hold the figure."""
    return [heading for heading, cell in part.cells if any(each.value == figure.value for each in figures(cell))]


def _same_direction(sentence: str, text: str) -> bool:
    """Whether a rise in the sentence is one in the text, and a fall a fall."""
    return all(pattern.search(text.lower()) for pattern in (_UP, _DOWN) if pattern.search(sentence.lower()))


def _same_direction_in_row(sentence: str, part: _Part) -> bool:
    """Whether the two figures of a row that the sentence has changed as it says, by the years above them."""
    if not _UP.search(sentence.lower()) and not _DOWN.search(sentence.lower()):
        return True
    amounts = [figure for figure, _ in by_year(sentence) if figure.unit != "%"]
    dated = sorted((max(about), figure.value) for figure in amounts if (about := _years_of(figure, part)))
    if len(dated) != 2 or dated[0][0] == dated[1][0]:
        return False
    return direction(sentence) == ("up" if dated[1][1] > dated[0][1] else "down")


def _parts(evidence: Evidence) -> Iterator[_Part]:
    around = f"{evidence.about} {evidence.lead}"
    if evidence.is_table:
        yield from _rows(evidence, around)
        return
    sentences = [part.strip() for part in _SENTENCE.split(evidence.text) if part and part.strip()]
    usable = [None if is_instruction(sentence) else sentence for sentence in sentences]
    for sentence in usable:
        if sentence is not None:
            yield _Part(sentence, around)
    for one, other in pairwise(usable):
        if one is not None and other is not None and _REFERS.match(other):
            yield _Part(other, f"{around} {one}")


def _rows(evidence: Evidence, around: str) -> Iterator[_Part]:
    lines = [line for line in f"{evidence.lead}\n{evidence.text}".splitlines() if line.startswith("|")]
    rule = next((place for place, line in enumerate(lines) if line.startswith("| --- |")), None)
    headings = _cells(lines[rule - 1]) if rule else []
    rows = [_cells(line) for line in lines[(rule + 1) if rule is not None else 0 :] if not is_instruction(line)]
    for place, cells in enumerate(rows):
        above = [*headings, *[""] * (len(cells) - len(headings))]
        rivals = tuple(other[0] for number, other in enumerate(rows) if number != place and other)
        yield _Part(" ".join(cells), f"{around} {' '.join(headings)}", tuple(zip(above, cells, strict=False)), rivals)


def _cells(line: str) -> list[str]:
    return [cell.replace("\\", "").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _content(text: str) -> list[str]:
    return [word for word in (found.lower() for found in _WORD.findall(text)) if word not in _STOP]


def _has_own_check(word: str) -> bool:
    return word in _NEGATIONS or bool(_UP.match(word)) or bool(_DOWN.match(word))


def _fixed(sentence: str) -> list[str]:
    """The words of a sentence that must be there: quantities, months, and names, which are not at its beginning."""
    begin = first.start() if (first := _WORD.search(sentence)) else -1
    names = {each[0].lower() for each in _WORD.finditer(sentence) if _is_name(each[0], is_first=each.start() == begin)}
    return [word for word in (*_content(sentence), *names) if word in _EXACT or (word in names and word not in _STOP)]


def _is_name(word: str, *, is_first: bool) -> bool:
    """Whether a word is a name by its capitals; at the beginning of a sentence by one inside it, as in iPad."""
    return (word[0].isupper() and not is_first) or word[1:] != word[1:].lower()


def _is_among(word: str, others: Sequence[str], *, is_exact: bool = False) -> bool:
    if word in others:
        return True
    if "\uac00" <= word[0] <= "\ud7a3":
        return len(word) > 1 and any(other[:2] == word[:2] for other in others)
    if is_exact:
        return word.rstrip("s'\u2019") in {other.rstrip("s'\u2019") for other in others}
    return any(_is_same_stem(word, other) for other in others)


def _is_same_stem(one: str, other: str) -> bool:
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    return common >= max(4, len(one) - 3, len(other) - 3) or (common >= 3 and max(len(one), len(other)) - common <= 1)


def _has(words: frozenset[str], text: str) -> bool:
    found = {word.lower().replace("\u2019", "'") for word in _WORD.findall(_NOT_ONLY.sub("", text.replace("May ", "")))}
    if found & words or ("n't" in words and any(word.endswith("n't") for word in found)):
        return True
    korean = [key for key in words if key[0] >= "\uac00"]
    return any(key in word for word in found for key in korean)
