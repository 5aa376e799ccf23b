"""The background daemon: its configuration, and the real supervisord with small programs."""

import configparser
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.errors import LaunchError
from include.local.paths import LocalPaths
from include.local.processes import end_marked, find_marked, is_alive
from include.local.supervisor import Program, Supervisor, config_text, log_of
from tests.support.waiting import eventually

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"


def program(name: str, code: str = SLEEPER, *, is_airflow: bool = True) -> Program:
    return Program(name, (sys.executable, "-c", code), is_airflow=is_airflow, stop_seconds=2)


DATABASE = program("database", "import time; time.sleep(60)", is_airflow=False)  # silent: its log ends with the daemon
WORKER = program("worker")


@pytest.fixture
def paths(tmp_path: Path) -> LocalPaths:
    return LocalPaths(tmp_path / ".local")


@pytest.fixture
def supervisor(paths: LocalPaths) -> Iterator[Supervisor]:
    paths.local_dir.mkdir()
    supervisor = Supervisor(paths)
    yield supervisor
    supervisor.stop()
    end_marked(paths.local_dir, grace_seconds=0)


def states(supervisor: Supervisor) -> dict[str, str]:
    return {state.name: state.state for state in supervisor.states()}


def read(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


def test_only_the_database_starts_with_the_daemon(paths: LocalPaths) -> None:
    config = read(config_text(paths, [DATABASE, WORKER], account=None))
    assert config["program:database"]["autostart"] == "true"
    assert config["program:worker"]["autostart"] == "false"
    assert config["group:airflow"]["programs"] == "worker"


def test_the_database_is_stopped_last_and_without_its_children(paths: LocalPaths) -> None:
    config = read(config_text(paths, [DATABASE, WORKER], account=None))
    assert int(config["program:database"]["priority"]) < int(config["group:airflow"]["priority"])
    assert config["program:database"]["stopasgroup"] == "false"
    assert config["program:worker"]["stopasgroup"] == config["program:worker"]["killasgroup"] == "true"


def test_logs_are_rotated_and_the_socket_is_private(paths: LocalPaths) -> None:
    config = read(config_text(paths, [WORKER], account=None))
    assert config["program:worker"]["stdout_logfile_maxbytes"] == "10MB"
    assert int(config["program:worker"]["stdout_logfile_backups"]) > 0
    assert config["unix_http_server"]["chmod"] == "0700"


def test_odd_folder_names_survive_the_configuration(tmp_path: Path) -> None:
    paths = LocalPaths(tmp_path / "100 % mine; really")
    odd = Program("odd", (str(paths.local_dir / "a program"), "it's"), is_airflow=True)
    config = read(config_text(paths, [odd], account=None))
    assert shlex.split(config["program:odd"]["command"].replace("%%", "%")) == list(odd.argv)


def test_a_folder_name_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="rename the folder"):
        config_text(LocalPaths(tmp_path / "a ;b"), [WORKER], account=None)


def test_the_daemon_keeps_a_killed_program_running(supervisor: Supervisor, paths: LocalPaths) -> None:
    supervisor.start([DATABASE, WORKER], os.environ)
    assert states(supervisor)["worker"] == "STOPPED"
    supervisor.start_airflow()
    assert eventually(lambda: log_of(paths, "worker").exists() and "up" in log_of(paths, "worker").read_text())
    (worker,) = find_marked(paths.local_dir, ["worker"])
    worker.kill()
    assert eventually(lambda: [p.pid for p in find_marked(paths.local_dir, ["worker"])] not in ([], [worker.pid]))


def test_stopping_leaves_no_process_and_starting_again_works(supervisor: Supervisor, paths: LocalPaths) -> None:
    for _ in range(2):
        supervisor.start([DATABASE, WORKER], os.environ)
        supervisor.start_airflow()
        assert eventually(lambda: len(find_marked(paths.local_dir)) == 3)
        supervisor.stop()
        assert find_marked(paths.local_dir) == []
        assert supervisor.states() == []


def test_a_killed_daemons_programs_are_ended_and_it_starts_again(supervisor: Supervisor, paths: LocalPaths) -> None:
    supervisor.start([DATABASE], os.environ)
    assert eventually(lambda: len(find_marked(paths.local_dir, ["database"])) == 1)
    daemon = supervisor.process()
    assert daemon is not None
    daemon.kill()
    assert eventually(lambda: not is_alive(daemon))
    assert supervisor.states() == []
    assert end_marked(paths.local_dir) == 1
    supervisor.stop()
    supervisor.start([DATABASE], os.environ)
    assert states(supervisor)["database"] in {"STARTING", "RUNNING"}


def test_the_daemon_is_found_though_its_children_inherit_its_environment(supervisor: Supervisor) -> None:
    supervisor.start([DATABASE], os.environ)
    daemon = supervisor.process()
    assert daemon is not None
    assert "supervisor.supervisord" in daemon.cmdline()


def test_a_deep_folder_gets_a_short_private_socket(tmp_path: Path) -> None:
    deep = LocalPaths(tmp_path.joinpath(*["a-rather-long-folder-name"] * 6) / ".local")
    deep.local_dir.mkdir(parents=True)
    supervisor = Supervisor(deep)
    supervisor.start([DATABASE], os.environ)
    try:
        assert len(os.fsencode(deep.socket)) < 100
        assert deep.socket.parent.stat().st_mode & 0o077 == 0
        assert psutil.pid_exists(supervisor.process().pid)
    finally:
        supervisor.stop()
        deep.socket.parent.rmdir()


def test_a_socket_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    deep = LocalPaths(tmp_path.joinpath(*["another-rather-long-name"] * 6) / ".local")
    deep.local_dir.mkdir(parents=True)
    deep.socket.parent.mkdir(mode=0o755)
    try:
        with pytest.raises(LaunchError, match="not private"):
            Supervisor(deep).start([DATABASE], os.environ)
    finally:
        deep.socket.parent.rmdir()
