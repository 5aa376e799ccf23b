"""The process that a step runs in: its result, its errors, and that it never outlives the task."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.errors import CheckpointError, InvalidRequestError, RetryableError, SettingsError, UnfinishedRunError
from include.filings.tuning import run_step
from tests.support.waiting import eventually

STAND_IN = """
import json, sys, time
assert sys.argv[1] == "--for-airflow"
kind = sys.argv[2]
print("working", file=sys.stderr)
print("something else")
if kind == "good":
    print(json.dumps({"run": sys.argv[3]}))
elif kind == "long":
    open(sys.argv[3], "w").write("started")
    sys.stdin.buffer.read()
    open(sys.argv[3], "w").write("ended")
elif kind == "silent":
    sys.exit(137)
else:
    print(json.dumps({"error": kind, "message": "what happened"}))
    sys.exit(1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a package `language` that does as it is told."""
    (tmp_path / "language").mkdir()
    (tmp_path / "language" / "__main__.py").write_text(STAND_IN)
    return tmp_path


def test_the_result_is_the_last_line_and_the_rest_is_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert run_step(["good", "mine-1"], Path(sys.executable), folder) == {"run": "mine-1"}
    assert "working" in caplog.messages


@pytest.mark.parametrize("kind", [InvalidRequestError, RetryableError, CheckpointError, SettingsError])
def test_an_error_of_the_step_is_the_same_error_here(folder: Path, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="what happened"):
        run_step([kind.__name__], Path(sys.executable), folder)


def test_a_step_that_was_killed_is_said(folder: Path) -> None:
    with pytest.raises(UnfinishedRunError, match="status 137"):
        run_step(["silent"], Path(sys.executable), folder)


def test_without_its_environment_the_command_that_makes_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="make venv-language"):
        run_step(["good"], tmp_path / "bin" / "python")


def test_a_step_ends_when_its_task_is_killed(folder: Path) -> None:
    mark = folder / "mark"
    script = (
        "import sys; from pathlib import Path; from include.filings.tuning import run_step; "
        f"run_step(['long', {str(mark)!r}], Path(sys.executable), Path({str(folder)!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as task:
        assert eventually(lambda: mark.exists() and mark.read_text() == "started", 60)
        task.kill()
        task.wait()
    assert eventually(lambda: mark.read_text() == "ended", 60)


def test_a_task_that_is_stopped_does_not_wait_for_its_step(folder: Path) -> None:
    def stop(number: int, frame: object) -> None:
        raise TimeoutError

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 2)
    since = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            run_step(["long", str(folder / "mark")], Path(sys.executable), folder)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - since < 30
