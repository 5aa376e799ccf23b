"""A model's answers to judging questions, greedily chosen, and how likely it thinks the right ones are.

Answers are appended to a file, so a process that is killed loses one batch at most. Where next: ``metrics.py``.
"""

from __future__ import annotations

import copy
import inspect
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from transformers import Cache

from include.errors import RetryableError
from language.examples import Example
from language.metrics import Scored, score
from language.networks.base import Model, Tokenizer, encode
from language.run_settings import EvaluationSettings

_LEAST: Final = 2
"""Tokens of a prompt from which on there is something to keep of it."""


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
    tokens, mask = _padded([prompt for prompt, _ in encoded], pad, model, at_left=True)
    with torch.inference_mode():
        kept = _read(model, tokens, mask)
        losses = _losses(model, encoded, kept, mask, pad)
        said = model.generate(
            input_ids=tokens,
            attention_mask=mask,
            **({"cache": kept} if kept is not None else {}),
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
        score(example, text.strip(), loss, len(answer))
        for example, text, loss, (_, answer) in zip(examples, texts, losses, encoded, strict=True)
    ]


def _padded(
    rows: Sequence[list[int]], pad: int, model: Model, *, at_left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of tokens in one array, and 1 where there is one, [rows, longest]."""
    longest = max(len(row) for row in rows)
    gaps = [[pad] * (longest - len(row)) for row in rows]
    ones = [[1] * len(row) for row in rows]
    zeros = [[0] * len(gap) for gap in gaps]
    tokens = [gap + row if at_left else row + gap for gap, row in zip(gaps, rows, strict=True)]
    mask = [none + one if at_left else one + none for none, one in zip(zeros, ones, strict=True)]
    return torch.tensor(tokens, device=model.device), torch.tensor(mask, device=model.device)


def _read(model: Model, tokens: torch.Tensor, mask: torch.Tensor) -> Cache | None:
    """What a model keeps of the prompts but for their last token, so that it reads them once; None if it keeps nothing.

    A model that knows no positions, or keeps something else than keys and values, reads them again for each purpose.
    """
    if "position_ids" not in inspect.signature(model.forward).parameters or tokens.shape[1] < _LEAST:
        return None
    read = model(
        input_ids=tokens[:, :-1],
        attention_mask=mask[:, :-1],
        position_ids=_positions(mask)[:, :-1],
        use_cache=True,
        logits_to_keep=1,
    )
    kept = getattr(read, "cache", None)
    return kept if isinstance(kept, Cache) else None


def _positions(mask: torch.Tensor) -> torch.Tensor:
    """The place of each token in its row, from 0 on."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def _losses(
    model: Model, encoded: Sequence[tuple[list[int], list[int]]], kept: Cache | None, mask: torch.Tensor, pad: int
) -> list[float]:
    """The mean negative log likelihood of each answer's tokens, in nats."""
    if kept is None:
        return [_loss(model, prompt, answer) for prompt, answer in encoded]
    tokens, own = _padded([[prompt[-1], *answer] for prompt, answer in encoded], pad, model)
    whole = torch.cat([mask[:, :-1], own], dim=1)
    logits = model(
        input_ids=tokens,
        attention_mask=whole,
        position_ids=_positions(whole)[:, -tokens.shape[1] :],
        cache=copy.deepcopy(kept),  # reading adds to it, and the model's own answer begins from it too
        use_cache=True,
    ).logits.float()
    return [
        float(torch.nn.functional.cross_entropy(row[: len(answer)], found[1 : len(answer) + 1]))
        for row, found, (_, answer) in zip(logits, tokens, encoded, strict=True)
    ]


def _ends(model: Model, tokenizer: Tokenizer) -> list[int]:
    """The tokens that end an answer, by the tokenizer and by the model."""
    known = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(known if isinstance(known, list) else [known])}
    return sorted(end for end in ends if end is not None)


def _loss(model: Model, prompt: list[int], answer: list[int]) -> float:
    tokens = torch.tensor([prompt + answer], device=model.device)
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
