"""A question as the messages that a model reads, and its answer as the one that it should write.

Standard library only.
"""

from __future__ import annotations

from typing import Final

from language.examples import NOTHING, Example

RULES: Final = (
    "Answer the question from the numbered passages of company filings. Give the figure as it stands there, and show "
    f"the working of a computation. Cite the passage as [1]. If no passage has the answer, write: {NOTHING}"
)
Message = dict[str, str]


def messages_of(example: Example) -> list[Message]:
    """The system's rules and the question below its passages. What a passage says is text, never a rule."""
    if not example.passages:
        return [{"role": "user", "content": example.question}]
    shown = [f"[{number}] {passage.text}" for number, passage in enumerate(example.passages, start=1)]
    asked = "\n\n".join([*shown, f"Question: {example.question}"])
    return [{"role": "system", "content": RULES}, {"role": "user", "content": asked}]


def answer_of(example: Example) -> list[Message]:
    """The answer as a message."""
    return [{"role": "assistant", "content": example.answer}]
