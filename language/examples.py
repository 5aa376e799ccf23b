"""A question with its passages and its answer, as a model is taught and asked; and such questions as JSON lines.

Standard library only. Where next: ``questions.py`` makes them from filings, ``brought.py`` reads those of people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from include.errors import DataContractError

NOTHING: Final = "The filings do not say."
"""The answer where no passage has what is asked for."""


class Kind(StrEnum):
    """What a question asks for."""

    CELL = "cell"
    """A figure of a table."""
    DIFFERENCE = "difference"
    """The difference of two figures of a row, of two periods."""
    GROWTH = "growth"
    """The same in percent of the earlier one."""
    SENTENCE = "sentence"
    """A figure that a sentence has."""
    MISSING = "missing"
    """Something that no passage has."""
    BROUGHT = "brought"
    """Whatever a file of a person asks."""


@dataclass(frozen=True)
class Passage:
    """Words that may hold the answer. ``citation`` says where they stand: receipt, section and characters."""

    citation: str
    text: str


@dataclass(frozen=True)
class Example:
    """A question and its answer.

    ``cited`` is the place of the right passage, from 1 on, None if the answer cites none. ``figure`` is the answer as
    a decimal number, None if it is none. ``group`` is the company: all its questions are on one side of the split.
    ``receipt`` is the filing, and empty for a question from a file. ``origin`` is the source's name.
    """

    kind: Kind
    question: str
    passages: tuple[Passage, ...]
    answer: str
    cited: int | None
    figure: str | None
    group: str
    receipt: str
    origin: str

    @cached_property
    def key(self) -> str:
        """A hash of the whole example, 16 hexadecimal digits."""
        return hashlib.sha256(_line(self).encode()).hexdigest()[:16]


def to_lines(examples: Iterable[Example]) -> bytes:
    """The examples as JSON, one a line, in UTF-8. The same examples give the same bytes."""
    return "".join(_line(example) + "\n" for example in examples).encode()


def from_lines(content: bytes, name: str) -> list[Example]:
    """The examples of ``to_lines``; ``name`` is that of the file, for messages.

    Raises:
        DataContractError: a line is no example.
    """
    found = []
    for number, line in enumerate(content.decode().splitlines(), start=1):
        try:
            found.append(_example(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            message = f"{name}, line {number} is no question ({error}); the file was changed by something else."
            raise DataContractError(message) from error
    return found


def _line(example: Example) -> str:
    return json.dumps(asdict(example), ensure_ascii=False, sort_keys=True)


def _example(values: dict[str, Any]) -> Example:
    passages = tuple(Passage(**each) for each in values.pop("passages"))
    return Example(**{**values, "kind": Kind(values["kind"]), "passages": passages})
