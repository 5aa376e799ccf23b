"""Starts the steps of ``language``, in its own environment, as processes of their own.

Nothing of that package, nor of its libraries, is imported here. Where next: ``language/__main__.py``.
"""

from __future__ import annotations

import json
import logging
import subprocess
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from include import errors
from include.errors import HourcastError, SettingsError, UnfinishedRunError

_LOG: Final = logging.getLogger(__name__)
PROJECT_DIR: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = PROJECT_DIR / ".venv-language" / "bin" / "python"
MINUTES: Final = 40
"""Minutes of one try of a step: below the limit of a task, so that the step stops by itself and leaves a checkpoint."""
Json = dict[str, Any]


def prepare(settings_file: str, as_of: datetime) -> Json:
    """Makes the questions of a run and opens it; its name, counts, and the note of the DAG's run.

    Raises:
        SettingsError: the environment does not exist, or a setting is wrong.
        InvalidRequestError: there is no such file of settings, or there are no questions.
    """
    return run_step(["prepare", settings_file, "--as-of", as_of.isoformat()])


def train(run: str) -> Json:
    """Trains the adapter of a run; steps, losses, seconds.

    Raises:
        RetryableError: it is not done yet; the next try goes on.
    """
    return run_step(["train", run, "--minutes", str(MINUTES)])


def merge(run: str) -> Json:
    """Merges the adapter into the base model; the largest difference of a logit.

    Raises:
        CheckpointError: the merged model answers otherwise.
    """
    return run_step(["merge", run])


def evaluate(run: str) -> Json:
    """Asks the judging questions, before and after; the scores.

    Raises:
        RetryableError: not all are asked yet; the next try goes on.
    """
    return run_step(["evaluate", run, "--minutes", str(MINUTES)])


def promote(run: str) -> Json:
    """Promotes the model if it is better; the decision, and the note of the DAG's run.

    Raises:
        UnfinishedRunError: the run is not evaluated yet.
    """
    return run_step(["promote", run, "--minutes", str(MINUTES)])


def run_step(arguments: Sequence[str], python: Path = PYTHON, folder: Path = PROJECT_DIR) -> Json:
    """The result of a step. What it writes meanwhile goes to the log. It ends with this process, however that ends.

    Raises:
        SettingsError: the environment does not exist.
        HourcastError: the error that the step reports.
        UnfinishedRunError: it ended without a result, for instance because memory ran out.
    """
    if not python.exists():
        message = (
            "There is no environment for language models here. `make venv-language` makes it (about 2 GB); then start "
            "this again. See docs/language.md."
        )
        raise SettingsError(message)
    command = [str(python), "-m", "language", "--for-airflow", *arguments]
    with subprocess.Popen(  # noqa: S603  # our own program, and arguments that it checks
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            reader = threading.Thread(target=_log_lines, args=(process.stderr,), daemon=True)
            reader.start()
            said = process.stdout.read() if process.stdout else ""
            process.wait()
            reader.join(timeout=10)
        except BaseException:  # the task is ended, or its time is up
            process.kill()
            raise
    return _result(said, process.returncode)


def _log_lines(lines: IO[str] | None) -> None:
    for line in lines or ():
        _LOG.info("%s", line.rstrip())


def _result(said: str, status: int) -> Json:
    """The JSON of the last line, or the error that it names."""
    last = said.strip().rpartition("\n")[2]
    try:
        found: Json = json.loads(last)
    except ValueError:
        message = f"The step ended with status {status} and without a result; its log above may say why. Memory?"
        raise UnfinishedRunError(message) from None
    if "error" not in found:
        return found
    kind = getattr(errors, found["error"], HourcastError)
    raise kind(found["message"])
