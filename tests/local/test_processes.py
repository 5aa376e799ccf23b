"""Finding and ending the processes of one folder, with real processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from include.local.processes import end, end_marked, find_marked, is_alive, marks
from tests.support.waiting import eventually

SLEEPER = "import time; time.sleep(60)"
IGNORING = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]); time.sleep(60)"

Start = Callable[..., psutil.Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts Python with a program; everything that it started is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start_program(program: str, component: str | None, owner: Path = tmp_path) -> psutil.Process:
        environment = dict(os.environ) | (marks(owner, component) if component else {})
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=environment, start_new_session=True, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        found = psutil.Process(process.pid)
        # The kernel reports the exec as done a moment before it shows the new program's environment.
        assert eventually(lambda: bool(found.environ()))
        return found

    yield start_program
    for process in started:
        for descendant in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            descendant.kill()
        process.kill()
        process.communicate()


def pids(processes: list[psutil.Process]) -> set[int]:
    return {process.pid for process in processes}


def test_only_processes_of_this_folder_are_found(start: Start, tmp_path: Path) -> None:
    ours = start(SLEEPER, "scheduler")
    start(SLEEPER, None)
    start(SLEEPER, "scheduler", owner=tmp_path / "another")
    assert pids(find_marked(tmp_path)) == {ours.pid}


def test_components_are_distinguished(start: Start, tmp_path: Path) -> None:
    scheduler, triggerer = start(SLEEPER, "scheduler"), start(SLEEPER, "triggerer")
    assert pids(find_marked(tmp_path, ["scheduler"])) == {scheduler.pid}
    assert pids(find_marked(tmp_path, ["scheduler", "triggerer"])) == {scheduler.pid, triggerer.pid}


def test_a_child_whose_parent_was_killed_is_found_and_ended(start: Start, tmp_path: Path) -> None:
    parent = start(PARENT, "scheduler")
    assert eventually(lambda: len(find_marked(tmp_path)) == 2)
    parent.kill()
    assert eventually(lambda: len(find_marked(tmp_path)) == 1)
    assert end_marked(tmp_path) == 1
    assert find_marked(tmp_path) == []


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(start: Start) -> None:
    ignoring = start(IGNORING, "scheduler")
    assert eventually(lambda: bool(ignoring.cmdline()) and ignoring.num_ctx_switches().voluntary > 0)
    end([ignoring], grace_seconds=0.2)
    assert not is_alive(ignoring)


def test_other_processes_are_not_ended(start: Start, tmp_path: Path) -> None:
    stranger = start(SLEEPER, None)
    start(SLEEPER, "scheduler")
    end_marked(tmp_path)
    assert is_alive(stranger)


def test_the_process_that_looks_does_not_find_itself(start: Start, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from include.local.processes import end_marked; "
        f"print(end_marked(Path({str(tmp_path)!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=dict(os.environ) | marks(tmp_path, "scheduler") | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr


def test_a_component_ends_the_children_of_its_killed_predecessor_before_it_starts(start: Start, tmp_path: Path) -> None:
    left_over, neighbour = start(SLEEPER, "scheduler"), start(SLEEPER, "triggerer")
    done = subprocess.run(
        [sys.executable, "-m", "include.local.component", sys.executable, "-c", "print('started')"],
        env=dict(os.environ) | marks(tmp_path, "scheduler") | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "started"), done.stderr
    assert not is_alive(left_over)
    assert is_alive(neighbour)
