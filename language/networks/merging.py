"""The adapter merged into the weights of the base model, saved, read again, and compared with base plus adapter.

Where next: ``answering.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from peft import PeftModel

from include.errors import CheckpointError
from language.examples import Example
from language.folders import write_folder
from language.networks.base import Model, Tokenizer, encode, load_model
from language.run_settings import TrainingSettings

TOLERANCE: Final = {"float32": 1e-3, "bfloat16": 0.5}
"""Largest difference of a logit that rounding explains, by type of the weights."""


def merge(
    base: str, adapter: Path, merged: Path, training: TrainingSettings, tokenizer: Tokenizer, probes: Sequence[Example]
) -> float:
    """Writes the merged model to ``merged``, unless it is there; the largest difference of a logit on the probes.

    The base is read without quantisation, also where the training quantised it.

    Raises:
        CheckpointError: the model that was read again answers otherwise than base plus adapter.
    """
    together = PeftModel.from_pretrained(load_model(base, training), str(adapter)).eval()
    wanted = [_logits(together, tokenizer, probe) for probe in probes]
    if not merged.exists():
        whole = together.merge_and_unload()

        def fill(draft: Path) -> None:
            whole.save_pretrained(str(draft))
            tokenizer.save_pretrained(str(draft))

        write_folder(merged, fill)
    again = load_model(str(merged), training).eval()
    found = [_logits(again, tokenizer, probe) for probe in probes]
    difference = max(float((first - second).abs().max()) for first, second in zip(wanted, found, strict=True))
    if not difference <= TOLERANCE[training.dtype]:
        message = (
            f"The merged model in {merged} differs from base plus adapter by {difference:g} in a logit; remove the "
            "folder and run the step again."
        )
        raise CheckpointError(message)
    return difference


def _logits(model: Model, tokenizer: Tokenizer, example: Example) -> torch.Tensor:
    """The logits after each token of a question and its answer, [tokens, words of the vocabulary]."""
    prompt, answer = encode(tokenizer, example)
    with torch.inference_mode():
        found: torch.Tensor = model(torch.tensor([prompt + answer], device=model.device)).logits[0].float().cpu()
    return found
