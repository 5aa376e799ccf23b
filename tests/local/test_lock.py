"""One `make run` at a time."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.errors import LaunchError
from include.local.lock import end_holder, hold
from include.local.processes import is_alive
from tests.support.waiting import eventually

# like `python -m include.local run`: its command line names the launcher
HOLDER = """
import sys, time
from pathlib import Path
from include.local.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "run.lock"


def start_holder(lock: Path, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock), "include.local"],
        env=clean | {"PYTHONPATH": str(Path.cwd())} | environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def holder(lock: Path) -> Iterator[subprocess.Popen[str]]:
    process = start_holder(lock)
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_refused_with_the_process_number_of_the_first(
    lock: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(LaunchError, match=f"process {holder.pid}"), hold(lock):
        pass


def test_a_killed_run_holds_nothing(lock: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with hold(lock):
        assert lock.read_text().strip() == str(os.getpid())


def test_down_ends_the_run_that_holds_the_lock(lock: Path, holder: subprocess.Popen[str]) -> None:
    end_holder(lock)
    assert holder.wait(5) != 0


def test_a_run_whose_make_was_killed_is_ended(lock: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = shlex.join([sys.executable, "-c", HOLDER, str(lock), "include.local"])
    environment = dict(os.environ) | {"PYTHONPATH": str(Path.cwd()), "MAKELEVEL": "1"}
    # the shell in between ends at once, like a killed make
    subprocess.run(["/bin/sh", "-c", f"{command} > {said} &"], env=environment, check=True)
    assert eventually(lambda: said.exists() and said.read_text() == "held\n")
    orphan = psutil.Process(int(lock.read_text()))
    with hold(lock):
        assert not is_alive(orphan)


def test_down_without_a_run_ends_no_process(lock: Path) -> None:
    end_holder(lock)
    lock.write_text(f"{os.getpid()}\n")
    end_holder(lock)
