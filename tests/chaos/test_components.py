"""Which process of an installation a trial kills, found by the titles that Airflow gives its processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.processes import end, is_alive, marks
from tests.chaos.components import TASK, TASK_SUPERVISOR, VICTIMS, find_victim

TITLES = {
    "api-server": ("api-server", "airflow api_server -- host:127.0.0.1 port:8080"),
    "scheduler": ("scheduler", "python -m airflow scheduler"),
    "an idle worker": ("scheduler", "airflow worker -- LocalExecutor: <idle>"),
    TASK_SUPERVISOR: ("scheduler", "airflow worker -- LocalExecutor: 01a2-7621"),
    TASK: ("scheduler", "airflow worker -- 01a2-7621"),
}


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Processes with the titles and the environment of an installation, in the order of their start."""
    found = {}
    for name, (component, title) in TITLES.items():
        argv = [title, "-c", "import sys; sys.stdin.read()"]
        environment = dict(os.environ) | marks(tmp_path, component)
        found[name] = subprocess.Popen(argv, executable=sys.executable, stdin=subprocess.PIPE, env=environment)
    yield found
    for process in found.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("victim", ["api-server", "scheduler", TASK, TASK_SUPERVISOR])
def test_each_victim_is_found_by_its_title(
    processes: dict[str, "subprocess.Popen[bytes]"], tmp_path: Path, victim: str
) -> None:
    found = find_victim(tmp_path, victim)
    assert found is not None
    assert found.pid == processes[victim].pid


def test_what_does_not_run_is_not_found(processes: dict[str, "subprocess.Popen[bytes]"], tmp_path: Path) -> None:
    found = find_victim(tmp_path, TASK)
    assert found is not None
    end([found], 0.0)
    assert not is_alive(found)
    assert find_victim(tmp_path, TASK) is None
    assert find_victim(tmp_path / "elsewhere", "scheduler") is None
    assert len(VICTIMS) == len(set(VICTIMS)) == 6
