"""Whether a tuned model is better than what answers now, on the same questions.

The rule has three parts:

* Both models have answered at least 30 questions with a figure.
* The new model's exact figures are proven better. The differences are taken question by question, and their mean is
  above 1.645 of its standard errors (a one-sided test at 5 %).
* Neither the citations nor the refusals are proven worse, by the same test.

A model that only seems better is not promoted. Pure functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from language.metrics import Estimate, Scored, estimate, values_of

LEAST_QUESTIONS: Final = 30
FACTOR: Final = 1.645
"""Standard errors of a one-sided test at 5 %."""


@dataclass(frozen=True)
class Verdict:
    """The decision, its reason in words, and the mean differences (new minus old) with their errors."""

    is_promoted: bool
    reason: str
    differences: dict[str, Estimate]


def judge(old: Sequence[Scored], new: Sequence[Scored]) -> Verdict:
    """Compares two models' answers to the same questions by the rule of this module."""
    found: dict[str, Estimate] = {}
    for name in ("figure", "citation", "refusal", "words"):
        before, after = values_of(old, name), values_of(new, name)
        both = {key: after[key] - before[key] for key in after if key in before}
        if both:
            found[name] = estimate(both, {each.key: each.group for each in new})
    figure = found.get("figure")
    if figure is None or figure.count < LEAST_QUESTIONS:
        count = figure.count if figure else 0
        reason = f"only {count} questions with a figure were answered by both, fewer than {LEAST_QUESTIONS}"
        return Verdict(False, reason, found)
    worse = [name for name in ("citation", "refusal") if name in found and is_above(found[name], -1)]
    if worse:
        reason = f"worse: {', '.join(f'{name} {in_words(found[name])}' for name in worse)}"
        return Verdict(False, reason, found)
    if not is_above(figure, 1):
        return Verdict(False, f"not proven better: exact figures {in_words(figure)}", found)
    return Verdict(True, f"better: exact figures {in_words(figure)}", found)


def is_above(difference: Estimate, sign: int) -> bool:
    """Whether a difference times ``sign`` is above 0 by more than chance."""
    return sign * difference.mean > FACTOR * difference.error and sign * difference.mean > 0


def in_words(difference: Estimate) -> str:
    """A difference with its error, in percentage points."""
    return f"{100 * difference.mean:+.1f} points (error {100 * difference.error:.1f}, {difference.count} questions)"
