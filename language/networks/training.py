"""Supervised fine-tuning with LoRA, which continues from its newest whole checkpoint after whatever ended it.

Where next: ``merging.py``.
"""

from __future__ import annotations

import json
import logging
import resource
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTConfig, SFTTrainer

from include.errors import InvalidRequestError
from language.examples import Example
from language.folders import hashes_of, sync_tree, write_folder, write_json
from language.networks.base import Model, Tokenizer, device_of, encode
from language.run_settings import LoraSettings, RunSettings

_LOG: Final = logging.getLogger(__name__)
WHOLE: Final = "whole.json"
"""The file of a checkpoint that is written last, with the hashes of the others."""


@dataclass(frozen=True)
class Trained:
    """How far a training came. ``losses`` are mean losses (nats a token) by step, of this and earlier processes."""

    step: int
    is_complete: bool
    seconds: float
    peak_megabytes: float
    losses: tuple[tuple[int, float], ...]
    used: int
    left_out: int


def train(
    model: Model,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    settings: RunSettings,
    checkpoints: Path,
    adapter: Path,
    seconds: float,
) -> Trained:
    """Trains an adapter for ``seconds`` at most and writes it to ``adapter`` when all steps are done.

    Raises:
        InvalidRequestError: no question is short enough.
    """
    started = time.monotonic()
    rows = [_row(tokenizer, example) for example in examples]
    fitting = [row for row in rows if len(row["input_ids"]) <= settings.training.cut_off]
    if not fitting:
        shortest = min(len(row["input_ids"]) for row in rows)
        message = (
            f"No question has {settings.training.cut_off} tokens or fewer (the shortest has {shortest}); raise "
            "training.cut_off, or lower data.passages."
        )
        raise InvalidRequestError(message)
    clock = _Clock(started + seconds)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(settings, checkpoints),
        train_dataset=Dataset.from_list(fitting),
        processing_class=tokenizer,
        peft_config=_lora(settings.lora),
        callbacks=[clock],
    )
    newest = newest_whole(checkpoints)
    _LOG.info("Training on %d questions, from step %s.", len(fitting), newest.name if newest else "0")
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    step = int(trainer.state.global_step)
    is_complete = step >= settings.training.steps
    if is_complete and not adapter.exists():
        write_folder(adapter, lambda draft: trainer.model.save_pretrained(str(draft)))
    losses = tuple((int(entry["step"]), float(entry["loss"])) for entry in trainer.state.log_history if "loss" in entry)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Trained(step, is_complete, time.monotonic() - started, peak, losses, len(fitting), len(rows) - len(fitting))


def newest_whole(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end; those that were not are removed."""
    found = []
    for folder in checkpoints.glob("checkpoint-*"):
        if _is_whole(folder):
            found.append(folder)
        else:
            shutil.rmtree(folder)
    return max(found, key=lambda folder: int(folder.name.rpartition("-")[2])) if found else None


def _is_whole(folder: Path) -> bool:
    try:
        kept = json.loads((folder / WHOLE).read_bytes())
    except (OSError, ValueError):
        return False
    return bool(kept == {name: digest for name, digest in hashes_of(folder).items() if name != WHOLE})


class _Clock(TrainerCallback):  # type: ignore[misc]  # the library has no types here
    """Makes checkpoints durable, and stops with one when the time is up."""

    def __init__(self, until: float) -> None:
        self._until = until

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002  # the library calls it so
        state: TrainerState,
        control: TrainerControl,
        **_: Any,  # noqa: ANN401  # as above
    ) -> None:
        """Asks for a last checkpoint when the time is up."""
        if time.monotonic() > self._until and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002  # as above
        **_: Any,  # noqa: ANN401  # as above
    ) -> None:
        """Flushes the checkpoint, and then marks it as whole."""
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        sync_tree(folder)
        write_json(folder / WHOLE, hashes_of(folder))


def _row(tokenizer: Tokenizer, example: Example) -> dict[str, list[int]]:
    """The tokens of an example; only those of the answer are learnt."""
    prompt, answer = encode(tokenizer, example)
    return {"input_ids": prompt + answer, "completion_mask": [0] * len(prompt) + [1] * len(answer)}


def _arguments(settings: RunSettings, checkpoints: Path) -> SFTConfig:
    training = settings.training
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=training.steps,
        per_device_train_batch_size=training.batch,
        gradient_accumulation_steps=training.accumulate,
        learning_rate=training.learning_rate,
        warmup_steps=round(training.warmup_ratio * training.steps),
        lr_scheduler_type="cosine",
        max_length=training.cut_off,
        completion_only_loss=True,
        packing=False,
        save_strategy="steps",
        save_steps=training.checkpoint_every,
        save_total_limit=2,
        logging_steps=1,
        logging_strategy="steps",
        report_to=[],
        disable_tqdm=True,
        seed=training.seed,
        data_seed=training.seed,
        use_cpu=device_of(training) == "cpu",
        bf16=False,
        gradient_checkpointing=False,
        dataloader_num_workers=0,
    )


def _lora(lora: LoraSettings) -> LoraConfig:
    names = [name.strip() for name in lora.modules.split(",") if name.strip()]
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear" if names == ["all-linear"] else names,
        task_type="CAUSAL_LM",
    )
