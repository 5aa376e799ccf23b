"""Which questions teach and which judge: by company, by hash, and without near-duplicates between the two.

Pure functions. Where next: ``similarity.py`` for what a near-duplicate is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from include.errors import DataContractError, InvalidRequestError
from language.examples import Example
from language.similarity import near_duplicates

ALIKE: Final = 0.8
"""Share of common word groups from which on two texts count as near-duplicates."""
SAME: Final = 0.95
"""The same within the teaching questions, where neighbouring cells of a table make similar questions on purpose."""


@dataclass(frozen=True)
class Split:
    """The questions that teach and those that judge, and how many were dropped, by reason."""

    train: tuple[Example, ...]
    test: tuple[Example, ...]
    dropped: dict[str, int]


def split(examples: Sequence[Example], test_ratio: float) -> Split:
    """Puts every company on one side by the hash of its name, and drops teaching questions that resemble judging ones.

    A company stays on its side however many others are added, unless one side would be empty.

    Raises:
        InvalidRequestError: there are fewer than two companies (a question from a file is one of its own).
    """
    unique = {example.key: example for example in examples}
    groups = sorted({example.group for example in unique.values()}, key=_place)
    if len(groups) < 2:
        message = (
            f"{len(groups)} companies have questions; one has to teach and another one to judge. Store filings of two "
            "companies at least (docs/filings.md), or add a file of questions."
        )
        raise InvalidRequestError(message)
    judging = {group for group in groups if _place(group) < test_ratio} or {groups[0]}
    judging -= {groups[-1]} if len(judging) == len(groups) else set()
    ordered = sorted(unique.values(), key=lambda example: example.key)
    test = tuple(example for example in ordered if example.group in judging)
    train, dropped = _without_leaks([example for example in ordered if example.group not in judging], test)
    dropped["repeated"] = len(examples) - len(unique)
    if not train or not test:
        message = f"{len(train)} questions teach and {len(test)} judge after duplicates are gone; store more filings."
        raise InvalidRequestError(message)
    found = Split(tuple(train), test, dropped)
    require_apart(found.train, found.test)
    return found


def require_apart(train: Sequence[Example], test: Sequence[Example]) -> None:
    """Checks that no company, filing, question or near-duplicate is on both sides.

    Raises:
        DataContractError: one is; the message names it.
    """
    for what, name in (("company", "group"), ("filing", "receipt"), ("question", "question")):
        both = {getattr(each, name) for each in train} & {getattr(each, name) for each in test} - {""}
        if both:
            message = f"The {what} {min(both)!r} is in the questions that teach and in those that judge."
            raise DataContractError(message)
    for what, texts in _TEXTS.items():
        alike = near_duplicates([texts(each) for each in train], [texts(each) for each in test], ALIKE)
        for place, other in alike.items():
            message = (
                f"A {what} that teaches resembles one that judges: {train[place].question!r} and "
                f"{test[other].question!r}."
            )
            raise DataContractError(message)


def _without_leaks(train: list[Example], test: Sequence[Example]) -> tuple[list[Example], dict[str, int]]:
    """The teaching questions that resemble no judging one and no earlier teaching one; counts of the others."""
    dropped: Counter[str] = Counter()
    asked = {example.question.casefold() for example in test}
    for what, texts in _TEXTS.items():
        alike = near_duplicates([texts(each) for each in train], [texts(each) for each in test], ALIKE)
        dropped[f"{what} resembles the test set"] = len(alike)
        train = [each for place, each in enumerate(train) if place not in alike]
    kept = [each for each in train if each.question.casefold() not in asked]
    dropped["question resembles the test set"] += len(train) - len(kept)
    said = [_asked(each) for each in kept]
    twins = {
        place
        for place, other in _first_twins(said).items()
        if kept[place].answer == kept[other].answer or not kept[place].passages
    }
    dropped["resembles another one"] = len(twins)
    return [each for place, each in enumerate(kept) if place not in twins], dict(dropped)


def _first_twins(texts: Sequence[str]) -> dict[int, int]:
    """Texts that are nearly the same as an earlier one: place -> place of the earlier one."""
    found = near_duplicates(texts, texts, SAME)  # the first match is the text itself unless an earlier one is a twin
    return {place: other for place, other in found.items() if other < place}


def _asked(example: Example) -> str:
    return f"{example.question} {example.answer}"


def _grounds(example: Example) -> str:
    """The passage with the answer; without one, all passages."""
    if example.cited is not None:
        return example.passages[example.cited - 1].text
    return " ".join(passage.text for passage in example.passages)


_TEXTS: Final = {"question": _asked, "passage": _grounds}


def _place(group: str) -> float:
    """A number from 0 to 1 that only the name decides."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
