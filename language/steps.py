"""The steps of a run in their order: questions, training, merging, answers, promotion. Each may be repeated.

What a step has done is on the disk, so a step that was killed goes on, and one that is done does nothing. Where next:
``planning.py`` for the questions, ``networks`` for the models.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from include.errors import RetryableError, UnfinishedRunError
from include.settings import Settings
from language.data_sets import DataSet, load_data_set
from language.examples import Example
from language.folders import read_json, write_json
from language.metrics import Scored, summary
from language.networks import answering, base, merging, training
from language.planning import choose, make_data_set, read_wanted
from language.promotion import judge
from language.runs import Home, Run, open_new, open_run, promoted

Json = dict[str, Any]
_PROBES: Final = 4
"""Questions on which the merged model is compared with base plus adapter."""


def prepare(settings: Settings, home: Home, name: str, as_of: datetime) -> Json:
    """Reads the settings of a run, makes its questions and opens it; its name, its version of questions, counts.

    Filings that became known after ``as_of`` (UTC) are not used.

    Raises:
        InvalidRequestError: there are no such settings, or no questions.
        SettingsError: a value of the settings is wrong, or cannot be had on this machine.
    """
    wanted = read_wanted(home, name)
    base.require_quantisation(wanted.training)
    base.device_of(wanted.training)
    version = wanted.data.version
    if version == "new":
        version = make_data_set(settings, home, wanted.data, as_of)
    data = load_data_set(home.data, version)
    base.load_tokenizer(base.base_place(wanted, home), wanted, home)
    run = open_new(home, wanted, version, data.sha256, as_of.isoformat())
    counts = {"train": len(data.train), "test": len(data.test)}
    note = f"Run {run.name}: data set {version}, {counts['train']} questions teach and {counts['test']} judge."
    return {"run": run.name, "data": version, "counts": counts, "note": note}


def train(home: Home, name: str, seconds: float) -> Json:
    """Trains the run's adapter, from its newest checkpoint on; the steps, the last loss, seconds and megabytes.

    Raises:
        InvalidRequestError: there is no such run.
        RetryableError: after ``seconds`` it is not done; the next call goes on.
    """
    run = open_run(home, name)
    if not run.adapter.exists():
        place = base.base_place(run.settings, home)
        tokenizer = base.load_tokenizer(place, run.settings, home)
        model = base.load_model(place, run.settings.training, is_quantised=True)
        data = load_data_set(home.data, run.data_version)
        done = training.train(model, tokenizer, data.train, run.settings, run.checkpoints, run.adapter, seconds)
        before = read_json(run.training)["seconds"] if run.training.exists() else 0.0
        write_json(run.training, asdict(done) | {"seconds": before + done.seconds})
        if not done.is_complete:
            message = f"{done.step} of {run.settings.training.steps} steps are done; the next try goes on from there."
            raise RetryableError(message)
    measured = read_json(run.training)
    losses = [loss for _, loss in measured["losses"]]
    return {
        "steps": measured["step"],
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "seconds": round(measured["seconds"], 1),
        "peak_megabytes": round(measured["peak_megabytes"]),
        "left_out": measured["left_out"],
    }


def merge(home: Home, name: str) -> Json:
    """Merges the run's adapter into its base and compares the two; the largest difference of a logit.

    Raises:
        UnfinishedRunError: the adapter is not trained yet.
        CheckpointError: the merged model answers otherwise.
    """
    run = open_run(home, name)
    if not run.adapter.exists():
        message = f"Run {name} has no adapter yet; run its step train."
        raise UnfinishedRunError(message)
    if not run.merging.exists():
        started = time.monotonic()
        place = base.base_place(run.settings, home)
        tokenizer = base.load_tokenizer(place, run.settings, home)
        probes = load_data_set(home.data, run.data_version).test[:_PROBES]
        difference = merging.merge(place, run.adapter, run.merged, run.settings.training, tokenizer, probes)
        write_json(run.merging, {"logit_difference": difference, "seconds": time.monotonic() - started})
    measured: Json = read_json(run.merging)
    return measured


def evaluate(home: Home, name: str, seconds: float) -> Json:
    """Asks the base, the promoted model and the run's model the same questions; exact figures of each.

    Raises:
        UnfinishedRunError: the model is not merged yet.
        RetryableError: after ``seconds`` not all are asked; the next call goes on.
    """
    run = open_run(home, name)
    if not run.merging.exists():
        message = f"Run {name} has no merged model yet; run its step merge."
        raise UnfinishedRunError(message)
    until = time.monotonic() + seconds
    data = load_data_set(home.data, run.data_version)
    asked = choose(data.test, run.settings.evaluation.questions)
    found = {}
    for role, place in _models(home, run).items():
        started = time.monotonic()
        scored = _answers(home, run, data, asked, place, until)
        found[role] = summary(scored) | {"seconds": time.monotonic() - started}
    write_json(run.evaluation, found)
    return {role: _brief(each) for role, each in found.items()}


def promote(home: Home, name: str, seconds: float) -> Json:
    """Decides whether the run's model is better than the promoted one, or the base, and if so promotes it.

    Raises:
        UnfinishedRunError: the answers are not there yet.
        RetryableError: another model was promoted since, and after ``seconds`` it has not answered all questions.
    """
    run = open_run(home, name)
    if not run.verdict.exists():
        if not run.evaluation.exists():
            message = f"Run {name} is not evaluated yet; run its step evaluate."
            raise UnfinishedRunError(message)
        write_json(run.verdict, _judged(home, run, time.monotonic() + seconds))
    kept = read_json(run.verdict)
    if kept["is_promoted"] and promoted(home) == kept["compared_with"]:
        write_json(home.champion, {"run": run.name, "reason": kept["reason"]})
    rival = f"the promoted run {kept['compared_with']}" if kept["compared_with"] else "the base model"
    decision = "promoted" if kept["is_promoted"] else "not promoted"
    note = f"Run {run.name} is {decision}, compared with {rival}: {kept['reason']}."
    return {"run": run.name, "is_promoted": kept["is_promoted"], "note": note}


def _judged(home: Home, run: Run, until: float) -> Json:
    """The verdict on a run's model, and the run that it is compared with; None: the base model."""
    data = load_data_set(home.data, run.data_version)
    asked = choose(data.test, run.settings.evaluation.questions)
    places = _models(home, run)
    rival = "promoted" if "promoted" in places else "base"
    old, new = (_answers(home, run, data, asked, places[role], until) for role in (rival, "tuned"))
    return asdict(judge(old, new)) | {"compared_with": promoted(home) if rival == "promoted" else None}


def _models(home: Home, run: Run) -> dict[str, str]:
    """Where the models are that a run compares, by role; ``promoted`` is absent if there is none, or it is this one."""
    found = {"base": base.base_place(run.settings, home)}
    champion = promoted(home)
    if champion is not None and champion != run.name:
        found["promoted"] = str(open_run(home, champion).merged)
    return found | {"tuned": str(run.merged)}


def _answers(home: Home, run: Run, data: DataSet, asked: Sequence[Example], place: str, until: float) -> list[Scored]:
    """A model's scored answers, from the file that keeps them; the model is read only if one is missing."""
    evaluation = run.settings.evaluation
    kept = f"{base.model_digest(place)}-{data.sha256[:8]}-{evaluation.new_tokens}-{run.settings.chat_template}"
    path = home.answers / f"{kept.replace('/', '_')}.jsonl"
    known = answering.read_answers(path)
    if all(example.key in known for example in asked):
        return [known[example.key] for example in asked]
    tokenizer = base.load_tokenizer(place, run.settings, home)
    model = base.load_model(place, run.settings.training).eval()
    return answering.answer_all(model, tokenizer, asked, evaluation, path, until)


def _brief(scores: Json) -> Json:
    """The scores that a log line has room for."""
    return {
        name: round(scores[name]["mean"], 3) for name in ("figure", "citation", "words", "refusal") if name in scores
    } | {"perplexity": round(scores["perplexity"], 2), "seconds": round(scores["seconds"], 1)}
