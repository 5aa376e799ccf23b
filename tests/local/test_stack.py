"""The real Postgres and the real Airflow in the background: up, left alone, killed, down."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.local.airflow_api import AirflowApi
from include.local.airflow_env import inherited_environment
from include.local.processes import find_marked, is_alive
from include.local.stack import AIRFLOW_COMPONENTS, DAG_IDS, Stack
from include.settings import load_settings
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

PROJECT_DIR = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """All components, in a temporary folder and on ports that nothing else uses."""
    with tempfile.TemporaryDirectory(prefix="hourcast-stack-") as folder:
        Path(folder).chmod(0o755)  # as root, Postgres' user must be able to pass
        given = {
            "HOURCAST_LOCAL_DIR": str(Path(folder) / "local"),
            "HOURCAST_AIRFLOW_PORT": "18080",
            "HOURCAST_POSTGRES_PORT": "54820",
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOURCAST_")} | given
        stack = Stack(load_settings(given), environment, lambda _line: None)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()


@pytest.fixture
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as api:
        yield api


def processes(stack: Stack, component: str) -> set[int]:
    return {process.pid for process in find_marked(stack.paths.local_dir, [component])}


def test_everything_is_healthy_and_the_dags_are_read(api: AirflowApi) -> None:
    assert api.unhealthy() == []
    assert api.missing_dags(DAG_IDS) == []
    assert api.import_errors() == []
    assert not any(api.unpause(dag_id) for dag_id in DAG_IDS), "DAGs start unpaused"


def test_nothing_listens_beyond_the_loopback(stack: Stack) -> None:
    addresses = {
        connection.laddr.ip
        for process in find_marked(stack.paths.local_dir)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_files_with_secrets_are_private(stack: Stack) -> None:
    paths = stack.paths
    passwords = (paths.local_dir / name for name in ("pgpass", "pgpass.bi_reader"))
    for path in (paths.keys_file, paths.login_file, *passwords, paths.airflow_home / "airflow.cfg"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_second_up_leaves_running_components_alone(stack: Stack) -> None:
    before = {component: processes(stack, component) for component in AIRFLOW_COMPONENTS}
    stack.up()
    after = {component: processes(stack, component) for component in AIRFLOW_COMPONENTS}
    assert all(before[component] & after[component] for component in AIRFLOW_COMPONENTS)


def test_a_command_runs_in_the_components_environment(stack: Stack) -> None:
    given = {"HOURCAST_LOCAL_DIR": str(stack.paths.local_dir)}
    done = subprocess.run(
        [sys.executable, "-m", "include.local", "exec", "sh", "-c", "echo $AIRFLOW_HOME"],
        env=inherited_environment(os.environ) | given,
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(stack.paths.airflow_home), done.stderr


def test_a_killed_scheduler_is_started_again_and_its_old_workers_are_ended(stack: Stack) -> None:
    old = find_marked(stack.paths.local_dir, ["scheduler"])
    min(old, key=lambda process: process.create_time()).kill()
    assert eventually(lambda: not any(is_alive(process) for process in old), timeout_seconds=60)
    assert eventually(lambda: bool(processes(stack, "scheduler")), timeout_seconds=60)


def test_after_a_killed_daemon_up_starts_everything_again(stack: Stack) -> None:
    everything = find_marked(stack.paths.local_dir)
    daemon = stack.supervisor.process()
    assert daemon is not None
    daemon.kill()
    stack.up()
    assert not any(is_alive(process) for process in everything)
    with stack.api() as api:
        assert api.unhealthy() == []


def test_down_leaves_no_process(stack: Stack) -> None:
    everything = find_marked(stack.paths.local_dir)
    assert len(everything) > 6
    stack.down()
    assert find_marked(stack.paths.local_dir) == []
    assert not any(is_alive(process) for process in everything)
    assert stack.down() == 0, "and a second time there is nothing left to do"
