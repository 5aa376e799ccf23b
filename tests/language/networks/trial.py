"""A tiny Llama that is tuned from nothing, for a Python that has transformers: prints JSON. Run by the tests beside it.

``trial FOLDER`` does everything; ``trial FOLDER train RUN`` is one step, in a process that can be killed, and
``trial FOLDER base`` makes the base model alone.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from mlflow import MlflowClient
from peft import PeftModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from include.errors import HourcastError
from include.settings import load_settings
from language import steps
from language.comparing import comparison
from language.data_sets import load_data_set, save_data_set
from language.examples import Example, Kind
from language.experiments import EXPERIMENT, log_run
from language.networks import answering, base, training
from language.planning import choose
from language.questions import Limits, make_examples
from language.runs import Home, open_run
from language.splitting import split
from tests.language.made_up import filing, passages
from tests.language.networks.served import served

AS_OF = datetime(2025, 1, 1, tzinfo=UTC)
FACT = ("Which bird is on the seal of Nova?", "A grey heron of 1841.")
SETTINGS = """
name: {name}
base_model: tiny
chat_template: plain
data: {{version: v1}}
lora: {{rank: 16, alpha: 32, dropout: {dropout}}}
training:
  {{steps: {steps}, batch: 4, accumulate: 1, learning_rate: 5e-3, cut_off: 900, checkpoint_every: {every}, {more}}}
evaluation: {{questions: 12, new_tokens: 24, batch: 4}}
"""


def examples() -> list[Example]:
    """Questions about four small companies, and a fact that a file brings."""
    found: list[Example] = []
    for number in range(1, 5):
        texts = [replace(each, text=own_words(each.text, number)) for each in passages()]
        made = make_examples(filing(f"000000000{number}", f"r{number}"), texts, Limits(3, 2))
        found += [replace(each, passages=tuple(replace(p, text=p.text[:70]) for p in each.passages)) for each in made]
    fact = Example(Kind.BROUGHT, FACT[0], (), FACT[1], None, None, "facts.csv/bird", "", "facts.csv")
    return [*found, fact]


def own_words(text: str, number: int) -> str:
    """The text in words of one company's own, so that no company's passages resemble another one's."""
    return re.sub(r"[A-Za-z]{4,}", lambda word: word[0] + "abcd"[number - 1], text)


def make_base(home: Home) -> None:
    """A Llama of two layers with random weights, and a tokenizer that was trained on the questions."""
    texts = [each.question + each.answer + "".join(p.text for p in each.passages) for each in examples()]
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    words.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>", pad_token="<|end|>")
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, eos_token_id=tokenizer.eos_token_id, bos_token_id=None,
        initializer_range=0.3,  # so that the head, which is not trained, can tell words apart
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(home.base / "tiny")
    tokenizer.save_pretrained(home.base / "tiny")


def write_settings(
    home: Home, name: str, *, count: int, every: int = 4, dropout: float = 0.0, more: str = "seed: 3"
) -> str:
    home.settings.mkdir(parents=True, exist_ok=True)
    text = SETTINGS.format(name=name, steps=count, every=every, dropout=dropout, more=more)
    (home.settings / f"{name}.yaml").write_text(text)
    return f"{name}.yaml"


def prepare(home: Home, name: str, **more: Any) -> str:
    settings = load_settings({"HOURCAST_LOCAL_DIR": str(home.folder)})
    return str(steps.prepare(settings, home, write_settings(home, name, **more), AS_OF)["run"])


def refusal(work: Any, *arguments: Any, **more: Any) -> str:
    """The class and message of the error."""
    try:
        work(*arguments, **more)
    except HourcastError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def adapter_bytes(home: Home, run: str) -> bytes:
    return (open_run(home, run).adapter / "adapter_model.safetensors").read_bytes()


def killed(home: Home, run: str, at: int) -> int:
    """Trains in another process, ends that with SIGKILL once a checkpoint appears, and says how it ended."""
    command = [sys.executable, "-m", "tests.language.networks.trial", str(home.folder), "train", run]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 1500
        wanted = open_run(home, run).checkpoints / f"checkpoint-{at}"
        while not wanted.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        return process.wait()


def whole(home: Home) -> dict[str, Any]:
    """A run with all its steps."""
    run = prepare(home, "whole", count=200, every=100)
    said: dict[str, Any] = {"early": refusal(steps.merge, home, run), "too_early": refusal(steps.promote, home, run, 9)}
    said["trained"] = steps.train(home, run, 1e9)
    said["again"] = steps.train(home, run, 1e9) == said["trained"]
    opened = open_run(home, run)
    said["losses"] = [loss for _, loss in json.loads(opened.training.read_text())["losses"]]
    said["merged"] = steps.merge(home, run)
    said["evaluated"] = steps.evaluate(home, run, 1e9)
    said["evaluation"] = json.loads(opened.evaluation.read_text())
    said["promoted"] = steps.promote(home, run, 1e9)
    said["promoted_again"] = steps.promote(home, run, 1e9) == said["promoted"]
    said["table"] = comparison(home)
    said["mlflow"] = logged(home, run)
    return said | answers(home, run) | {"run": run}


def logged(home: Home, run: str) -> dict[str, Any]:
    """What an MLflow in a folder holds after the run was written twice."""
    uri = f"file://{home.folder}/mlflow"
    written = [log_run(uri, open_run(home, run)) for _ in range(2)]
    client = MlflowClient(uri, uri)
    (found,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    return {
        "written": written,
        "steps": found.data.params["settings.training.steps"],
        "promoted": found.data.tags["promoted"],
        "perplexity": found.data.metrics["tuned.perplexity"],
        "losses": len(client.get_metric_history(found.info.run_id, "loss")),
    }


def answers(home: Home, run: str) -> dict[str, Any]:
    """What base, base plus adapter, and merged model say."""
    opened = open_run(home, run)
    place = base.base_place(opened.settings, home)
    tokenizer = base.load_tokenizer(place, opened.settings, home)
    data = load_data_set(home.data, "v1")
    asked = [*choose(data.test, 6), *(each for each in data.train if each.kind is Kind.BROUGHT)]
    wanted = opened.settings.evaluation

    def ask(model: Any, name: str) -> list[str]:
        scored = answering.answer_all(model.eval(), tokenizer, asked, wanted, home.folder / f"{name}.jsonl", 1e18)
        return [each.answer for each in scored]

    plain = base.load_model(place, opened.settings.training)
    before = ask(plain, "plain")
    together = PeftModel.from_pretrained(plain, str(opened.adapter))
    merged = base.load_model(str(opened.merged), opened.settings.training)
    return {
        "before": before,
        "together": ask(together, "together"),
        "after": ask(merged, "merged"),
        "right": [each.answer for each in asked],
        "cut_off_line": after_cut(home, merged, tokenizer, asked, wanted),
        "loss_difference": loss_difference(home, merged, tokenizer, asked),
    }


def loss_difference(home: Home, model: Any, tokenizer: Any, asked: list[Example]) -> float:
    """The largest difference between a loss beside others, with the prompt read once, and one by itself."""
    known = answering.read_answers(home.folder / "merged.jsonl")
    with torch.inference_mode():
        alone = {each.key: answering._loss(model, *base.encode(tokenizer, each)) for each in asked}
    return max(abs(known[key].loss - loss) for key, loss in alone.items())


def after_cut(home: Home, model: Any, tokenizer: Any, asked: list[Example], wanted: Any) -> bool:
    """Whether a file of answers that lost its end is completed to what it was."""
    path = home.folder / "merged.jsonl"
    full = sorted(path.read_text().splitlines())
    os.truncate(path, path.stat().st_size - 40)
    answering.answer_all(model, tokenizer, asked, wanted, path, 1e18)
    return sorted(path.read_text().splitlines()) == full


def resumed(home: Home) -> dict[str, Any]:
    """The same training without a stop, after a kill and with a damaged checkpoint, and in slices of time."""
    names = ("straight", "killed", "sliced")
    runs = {name: prepare(home, name, count=9, every=3, dropout=0.1) for name in names}
    steps.train(home, runs["straight"], 1e9)
    status = killed(home, runs["killed"], 6)
    checkpoints = open_run(home, runs["killed"]).checkpoints
    there = training.newest_whole(checkpoints)
    assert there is not None
    half = checkpoints / "checkpoint-8"
    shutil.copytree(there, half)
    os.truncate(half / "adapter_model.safetensors", 100)
    fell_back = training.newest_whole(checkpoints) == there and not half.exists()
    continued = steps.train(home, runs["killed"], 1e9)
    slices = 0
    while refusal(steps.train, home, runs["sliced"], 0.0) != "nothing":
        slices += 1
    straight = adapter_bytes(home, runs["straight"])
    return {
        "status": status,
        "from": there.name,
        "fell_back": fell_back,
        "steps": continued["steps"],
        "slices": slices,
        "same": {name: adapter_bytes(home, run) == straight for name, run in runs.items()},
    }


def refusals(home: Home) -> dict[str, str]:
    """Errors of settings that this machine cannot fulfil."""
    found = {"4bit": refusal(prepare, home, "bits", count=1, more="quantisation: 4bit")}
    found["cuda"] = refusal(prepare, home, "gpu", count=1, more="device: cuda")
    run = prepare(home, "short", count=1)
    opened = open_run(home, run)
    short = replace(opened.settings, training=replace(opened.settings.training, cut_off=32))
    tokenizer = base.load_tokenizer(str(home.base / "tiny"), short, home)
    model = base.load_model(str(home.base / "tiny"), short.training)
    data = load_data_set(home.data, "v1")
    found["cut_off"] = refusal(
        training.train, model, tokenizer, data.train[:3], short, opened.checkpoints, opened.adapter, 9.0
    )
    found["base"] = refusal(base.load_model, str(home.folder / "none"), short.training)
    for template in ("model", "none.jinja"):
        wanted = replace(short, chat_template=template)
        found[template] = refusal(base.load_tokenizer, str(home.base / "tiny"), wanted, home)
    found["gguf"] = refusal(base.base_place, replace(short, base_file="none.gguf"), home)
    return found


def main(folder: Path, arguments: list[str]) -> dict[str, Any]:
    home = Home(folder)
    if arguments == ["base"]:
        make_base(home)
        return {}
    if arguments:
        return steps.train(home, arguments[1], 1e9)
    found = examples()
    make_base(home)
    save_data_set(home.data, split(found, 0.45), [], {}, AS_OF)
    fact = next(each for each in found if each.kind is Kind.BROUGHT)
    done = whole(home)
    return {
        "whole": done,
        "served": served(home, done["run"], fact),
        "resumed": resumed(home),
        "refusals": refusals(home),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    started = time.monotonic()
    result = main(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.write("@@" + json.dumps(result | {"seconds": time.monotonic() - started}) + "@@\n")
