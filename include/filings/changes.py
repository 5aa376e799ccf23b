"""Both sides of a change that a sentence of a filing states: period, value and unit, from the filing's own figures.

A wrong pair is worse than none. So a pair of figures is named only if all of this holds:

* The sentence states one percentage and one direction.
* The label of the figure is the subject of the sentence.
* Both figures are of the whole company, in one unit, over periods of equal length, a year apart.
* Their change rounds to the percentage.
* No other pair fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import product
from typing import Final

from include.filings.figures import Figure, figures, years
from include.filings.support import direction
from include.store.filing_facts import Fact

_YEAR: Final = timedelta(days=365)
_CALENDAR: Final = timedelta(days=10)
"""A fiscal year has 52 or 53 weeks, so its end moves."""
_MONTH: Final = 30.44
_SCALES: Final = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "": 0}
_ASIDE: Final = re.compile(r"\([^)]*\)|[\u201c\u201d\"]")
_AFTER_SUBJECT: Final = re.compile(
    r"\b(?:for|during|in|of|was|were|is|are|has|have|increased|decreased|grew|rose|fell|declined|improved)\b|,",
    re.IGNORECASE,
)
_REASON: Final = re.compile(
    r"\b(?:driven|due|because|primarily|partially|reflecting|while|as|mainly|offset|resulting)\b", re.IGNORECASE
)
"""How the part of a sentence begins that says why."""
_LENGTHS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), months)
    for pattern, months in (
        (r"\bquarter\b|\bthree[ -]months?\b", 3), (r"\bhalf\b|\bsix[ -]months?\b", 6),
        (r"\bnine[ -]months?\b|\bthree quarters\b", 9), (r"\b(?:full|fiscal) year\b|\btwelve[ -]months?\b", 12),
    )
)  # fmt: skip
"""How a sentence names the length of a period, and its months."""
_OTHER_BASE: Final = re.compile(
    r"sequential|\b(?:prior|previous|preceding) quarter\b|quarter-(?:on|over)-quarter", re.IGNORECASE
)
_EMPTY: Final = frozenset({"total", "of", "and", "the", "in", "for", "to", "a", "our", "by", "with", "consolidated"})


@dataclass(frozen=True)
class Change:
    """A figure and the one a year before it, as a filing has them."""

    new: Fact
    old: Fact
    receipt: str

    @property
    def text(self) -> str:
        """Both sides in one sentence."""
        ratio = (self.new.value - self.old.value) / abs(self.old.value)
        verb = "rose" if ratio > 0 else "fell"
        return f"{self.new.label} {verb} {abs(100 * ratio):.1f} % to {_side(self.new)} from {_side(self.old)}."

    @property
    def citation(self) -> str:
        """The filing and the concept that both figures have in it."""
        return f"{self.receipt}#fact:{self.new.concept}"


def find_change(sentence: str, facts: Sequence[Fact], receipt: str) -> Change | None:
    """The change that the sentence states, if exactly one pair of the filing's figures can be meant."""
    sentence = _REASON.split(sentence, maxsplit=1)[0]
    stated = [figure for figure in figures(sentence) if figure.unit == "%"]
    side = direction(sentence)
    if len(stated) != 1 or not side:
        return None
    whole = [fact for fact in facts if not fact.dimensions and _is_named(fact.label, sentence)]
    is_rise = side == "up"
    pairs = [
        (new, old)
        for new, old in product(whole, repeat=2)
        if _are_comparable(new, old)
        and _is_about(new, sentence)
        and _rounds_to(new, old, stated[0], sentence)
        and (new.value > old.value) == is_rise
        and _has_its_amounts(sentence, new, old)
    ]
    return Change(*pairs[0], receipt) if _are_one(pairs) else None


def _are_one(pairs: Sequence[tuple[Fact, Fact]]) -> bool:
    """Whether there is a pair, and all pairs say the same."""
    return len({(new.value, old.value, new.period_start, new.period_end, new.unit) for new, old in pairs}) == 1


def _has_its_amounts(sentence: str, new: Fact, old: Fact) -> bool:
    """Whether every amount of money in the sentence is one of the figures or their difference."""
    amounts = (figure for figure in figures(sentence) if figure.is_money and figure.unit != "%")
    return all(_is_a_side(amount, new, old) for amount in amounts)


def _is_named(label: str, sentence: str) -> bool:
    """Whether the sentence is about the label and nothing narrower: its subject has the same words."""
    subject = _AFTER_SUBJECT.split(_ASIDE.sub(" ", sentence), maxsplit=1)[0]
    return bool(_words(label)) and _words(label) == _words(subject)


def _words(text: str) -> set[str]:
    found = {word for word in re.findall(r"[^\W\d_]+", _ASIDE.sub(" ", text).lower()) if word not in _EMPTY}
    return {word.removesuffix("s") for word in found}


def _is_about(fact: Fact, sentence: str) -> bool:
    """Whether the sentence names the year or the length of the figure's period, and no other one."""
    lengths = {months for pattern, months in _LENGTHS if pattern.search(sentence)}
    named = years(sentence)
    if not (lengths or named) or _OTHER_BASE.search(sentence):
        return False
    return (not lengths or round(fact.days / _MONTH) in lengths) and (not named or str(fact.period_end.year) in named)


def _are_comparable(new: Fact, old: Fact) -> bool:
    """Whether both are the same figure in the same unit, a year apart, over as many months."""
    if new.concept != old.concept or new.unit != old.unit or not old.value:
        return False
    if (new.period_start is None) != (old.period_start is None):
        return False
    is_year_later = abs(new.period_end - old.period_end - _YEAR) <= _CALENDAR
    return is_year_later and round(new.days / _MONTH) == round(old.days / _MONTH)


def _rounds_to(new: Fact, old: Fact, stated: Figure, sentence: str) -> bool:
    digits = sentence[stated.start : stated.end].partition(".")[2]
    places = Decimal(1).scaleb(-len(re.match(r"\d*", digits)[0]))  # type: ignore[index]  # it matches always
    change = 100 * abs(new.value - old.value) / abs(old.value)
    return stated.value in {change.quantize(places, rounding) for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)}


def _is_a_side(amount: Figure, new: Fact, old: Fact) -> bool:
    """Whether an amount of money in the sentence is the new figure, the old one or their difference, as rounded."""
    exponent = _SCALES.get(amount.unit)
    if exponent is None:
        return False
    unit = amount.value.as_tuple().exponent
    places = Decimal(1).scaleb(min(0, unit) if isinstance(unit, int) else 0)
    return any(
        abs(abs(value).scaleb(-exponent) - amount.value) <= places / 2
        for value in (new.value, old.value, new.value - old.value)
    )


def _side(fact: Fact) -> str:
    exponent = next((size for size in (9, 6, 3) if fact.value % 10**size == 0), 0)
    exponent = 6 if exponent == 9 else exponent
    scale = {6: " million", 3: " thousand", 0: ""}[exponent]
    period = f"{fact.period_start} to {fact.period_end}" if fact.period_start else f"on {fact.period_end}"
    return f"{fact.value.scaleb(-exponent).normalize():,f}{scale} {fact.unit} [{period}]"
