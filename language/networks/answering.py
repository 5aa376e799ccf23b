"""A model's answers to judging questions, greedily chosen, and how likely it thinks the right ones are.

Answers are appended to a file, so a process that is killed loses one batch at most. Where next: ``metrics.py``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from include.errors import RetryableError
from language.examples import Example
from language.metrics import Scored, score
from language.networks.base import Model, Tokenizer, encode
from language.run_settings import EvaluationSettings


def answer_all(
    model: Model,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    settings: EvaluationSettings,
    path: Path,
    until: float,
) -> list[Scored]:
    """The scored answers to all examples, in their order; those that ``path`` has already are not asked again.

    Raises:
        RetryableError: ``until``, an instant of ``time.monotonic``, has come before all were asked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known = read_answers(path)
    waiting = [example for example in examples if example.key not in known]
    for batch in _batches(waiting, settings.batch):
        if time.monotonic() > until:
            message = f"{len(known)} of {len(examples)} questions are answered; the next try goes on with the others."
            raise RetryableError(message)
        scored = _answer(model, tokenizer, batch, settings.new_tokens)
        _append(path, scored)
        known |= {each.key: each for each in scored}
    return [known[example.key] for example in examples]


def _answer(model: Model, tokenizer: Tokenizer, examples: Sequence[Example], new_tokens: int) -> list[Scored]:
    encoded = [encode(tokenizer, example) for example in examples]
    longest = max(len(prompt) for prompt, _ in encoded)
    pad = tokenizer.pad_token_id
    rows = [[pad] * (longest - len(prompt)) + prompt for prompt, _ in encoded]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt, _ in encoded]
    with torch.inference_mode():
        said = model.generate(
            input_ids=torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=pad,
            eos_token_id=_ends(model, tokenizer),
        )[:, longest:]
    texts = tokenizer.batch_decode(said, skip_special_tokens=True)
    return [
        score(example, text.strip(), _loss(model, prompt, answer), len(answer))
        for example, text, (prompt, answer) in zip(examples, texts, encoded, strict=True)
    ]


def _ends(model: Model, tokenizer: Tokenizer) -> list[int]:
    """The tokens that end an answer, by the tokenizer and by the model."""
    known = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(known if isinstance(known, list) else [known])}
    return sorted(end for end in ends if end is not None)


def _loss(model: Model, prompt: list[int], answer: list[int]) -> float:
    """The mean negative log likelihood of the answer's tokens, in nats."""
    tokens = torch.tensor([prompt + answer], device=model.device)
    with torch.inference_mode():
        logits = model(tokens).logits[0, len(prompt) - 1 : -1].float()
    return float(torch.nn.functional.cross_entropy(logits, tokens[0, len(prompt) :]))


def _batches(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    """Questions of similar length together, so that little is padded."""
    ordered = sorted(examples, key=lambda example: (sum(len(each.text) for each in example.passages), example.key))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def read_answers(path: Path) -> dict[str, Scored]:
    """The answers that a file has. A line that was cut off, and what follows it, is removed."""
    if not path.exists():
        return {}
    found: dict[str, Scored] = {}
    content = path.read_bytes()
    good = 0
    for line in content.splitlines(keepends=True):
        try:
            scored = Scored(**json.loads(line))
        except (ValueError, TypeError):
            break
        if not line.endswith(b"\n"):
            break
        found[scored.key] = scored
        good += len(line)
    if good < len(content):
        os.truncate(path, good)
    return found


def _append(path: Path, scored: Sequence[Scored]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(each), ensure_ascii=False, sort_keys=True) + "\n" for each in scored)
        file.flush()
        os.fsync(file.fileno())
