"""Scores of answers: exact figures, citations, words in common, refusals; and how sure a mean of them is.

Pure functions. Where next: ``promotion.py`` for what the scores decide.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

from include.errors import DataContractError
from language.examples import NOTHING, Example
from language.figures import answered_figure, citations_in, without_citations

_WORD: Final = re.compile(r"[^\W_]+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Scored:
    """One answer and its scores. A score is from 0 to 1, and None where the question has no such side.

    ``loss`` is the mean negative log likelihood of the right answer's tokens (nats), ``tokens`` their number.
    """

    key: str
    kind: str
    group: str
    receipt: str
    answer: str
    figure: float | None
    citation: float | None
    words: float
    refusal: float | None
    loss: float
    tokens: int


@dataclass(frozen=True)
class Estimate:
    """A mean of ``count`` questions and its standard error, by questions or by companies, whichever is larger."""

    mean: float
    error: float
    count: int


def score(example: Example, answer: str, loss: float, tokens: int) -> Scored:
    """The scores of a model's answer.

    ``figure``: the answer's figure equals the right one exactly. ``citation``: exactly the right passage is cited.
    ``words``: F1 of the words. ``refusal``: the answer is that the filings do not say, for a question that they do not
    answer.
    """
    right = None if example.figure is None else Decimal(example.figure)
    said = answered_figure(without_citations(answer), example.question)
    is_missing = example.answer == NOTHING
    return Scored(
        key=example.key,
        kind=str(example.kind),
        group=example.group,
        receipt=example.receipt,
        answer=answer,
        figure=None if right is None else float(said == right),
        citation=None if example.cited is None else float(citations_in(answer) == {example.cited}),
        words=word_f1(without_citations(answer), without_citations(example.answer)),
        refusal=float(answer.strip().startswith(NOTHING)) if is_missing else None,
        loss=loss,
        tokens=tokens,
    )


def word_f1(said: str, right: str) -> float:
    """The harmonic mean of precision and recall of the words, case aside; 1 for two empty texts."""
    first, second = (Counter(_WORD.findall(text.casefold())) for text in (said, right))
    if not first or not second:
        return float(first == second)
    common = (first & second).total()
    return 2 * common / (first.total() + second.total())


def estimate(values: Mapping[str, float], groups: Mapping[str, str]) -> Estimate:
    """The mean of the values by question, and its error; ``groups`` has the company of each question.

    Questions about one company are not independent, so the error is the larger one of two: that of independent
    questions, and that of companies as clusters.

    Raises:
        DataContractError: there is no value.
    """
    count = len(values)
    if not count:
        message = "No question has this score; the test set needs such questions."
        raise DataContractError(message)
    mean = math.fsum(values.values()) / count
    if count == 1:
        return Estimate(mean, math.inf, 1)
    plain = math.sqrt(math.fsum((value - mean) ** 2 for value in values.values()) / (count - 1) / count)
    sums: dict[str, float] = defaultdict(float)
    for key, value in values.items():
        sums[groups[key]] += value - mean
    clusters = len(sums)
    clustered = (
        math.sqrt(clusters / (clusters - 1) * math.fsum(each**2 for each in sums.values())) / count
        if clusters > 1
        else 0.0
    )
    return Estimate(mean, max(plain, clustered), count)


def summary(scored: Sequence[Scored]) -> dict[str, Any]:
    """Means, errors and counts by score, the perplexity of the right answers, and the exact figures by kind."""
    groups = {each.key: each.group for each in scored}
    found: dict[str, Any] = {
        name: asdict(estimate(values, groups))
        for name in ("figure", "citation", "words", "refusal")
        if (values := values_of(scored, name))
    }
    tokens = sum(each.tokens for each in scored)
    found["perplexity"] = math.exp(min(math.fsum(each.loss * each.tokens for each in scored) / max(tokens, 1), 700.0))
    kinds = sorted({each.kind for each in scored if each.figure is not None})
    found["figure_by_kind"] = {
        kind: asdict(estimate(values_of([each for each in scored if each.kind == kind], "figure"), groups))
        for kind in kinds
    }
    found["false_refusal"] = _false_refusals(scored)
    found["questions"] = len(scored)
    return found


def values_of(scored: Sequence[Scored], name: str) -> dict[str, float]:
    """A score by question, of the questions that have it."""
    return {each.key: value for each in scored if (value := getattr(each, name)) is not None}


def _false_refusals(scored: Sequence[Scored]) -> float | None:
    """The share of the questions with an answer that were refused."""
    answerable = [each for each in scored if each.refusal is None]
    if not answerable:
        return None
    return sum(each.answer.strip().startswith(NOTHING) for each in answerable) / len(answerable)
