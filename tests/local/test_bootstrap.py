"""When packages are installed, what is printed meanwhile, and what a failure shows."""

import fcntl
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.bootstrap import (
    LOCKS,
    Installation,
    Pace,
    Progress,
    describe_progress,
    fingerprint,
    installed_count,
    log_file,
    log_tail,
    missing_work,
    pinned_packages,
)

SCRIPT = Path(__file__).parents[2] / "include" / "local" / "bootstrap.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("rich==15.0.0\n")
    (tmp_path / "requirements-evaluate.txt").write_text("scipy==1.17.1\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest==9.2.0  # a comment\n")
    return tmp_path


def make_venv(project: Path, *levels: str) -> Path:
    """The parts of an installed environment that are looked at: a Python that runs, and the stamp."""
    venv = project / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "hourcast.stamp").write_text("".join(f"{fingerprint(project, level)}\n" for level in levels))
    return venv


def test_a_first_run_makes_everything(project: Path) -> None:
    assert missing_work(project / ".venv", project, "run") == "make"


def test_a_complete_environment_is_left_alone(project: Path) -> None:
    venv = make_venv(project, "run")
    assert missing_work(venv, project, "run") == "nothing"


def test_tests_need_more_than_a_run_did(project: Path) -> None:
    venv = make_venv(project, "run")
    assert missing_work(venv, project, "dev") == "install"


def test_a_run_needs_no_more_than_tests_did(project: Path) -> None:
    venv = make_venv(project, "run", "dev")
    assert missing_work(venv, project, "run") == "nothing"


def test_a_changed_lock_is_installed(project: Path) -> None:
    venv = make_venv(project, "run", "dev")
    (project / "requirements.txt").write_text("rich==15.0.1\n")
    assert missing_work(venv, project, "run") == "install"
    assert missing_work(venv, project, "dev") == "install"


def test_a_change_of_the_test_tools_does_not_delay_a_run(project: Path) -> None:
    venv = make_venv(project, "run", "dev")
    (project / "requirements-dev.txt").write_text("-r requirements.txt\n")
    assert missing_work(venv, project, "run") == "nothing"


def test_an_environment_that_was_killed_half_made_is_made_again(project: Path) -> None:
    venv = make_venv(project, "run")
    (venv / "hourcast.stamp").unlink()
    assert missing_work(venv, project, "run") == "make"


def test_an_environment_whose_python_is_gone_is_made_again(project: Path) -> None:
    venv = make_venv(project, "run")
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/nowhere/python")
    assert missing_work(venv, project, "run") == "make"


def test_a_python_that_this_user_may_not_run_is_made_again(project: Path) -> None:
    venv = make_venv(project, "run")
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").write_text("#!/bin/sh\n")  # without the mode bit that lets anybody, root included, run it
    assert missing_work(venv, project, "run") == "make"


def test_the_pins_are_those_of_every_lock_file_of_the_level(project: Path) -> None:
    assert pinned_packages(project, "run") == {"rich": "15.0.0"}
    assert pinned_packages(project, "dev") == {"rich": "15.0.0", "scipy": "1.17.1", "pytest": "9.2.0"}


def test_every_line_of_the_projects_lock_files_is_read_as_a_pin() -> None:
    texts = [(SCRIPT.parents[2] / name).read_text() for name in LOCKS["dev"]]
    lines = [line for text in texts for line in text.splitlines() if line and not line.startswith(("#", "-r "))]
    assert len(pinned_packages(SCRIPT.parents[2], "dev")) == len(lines) > 100


def test_a_package_counts_as_installed_when_pip_has_finished_it(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("Deprecated-1.3.1", "torch-2.13.0+cpu", "markdown_it_py-4.3.0", "rich-14.0.0", "half-1.0"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
        if name != "half-1.0":
            (packages / f"{name}.dist-info" / "INSTALLER").write_text("pip\n")
    pins = {"deprecated": "1.3.1", "torch": "2.13.0", "markdown-it-py": "4.3.0", "rich": "15.0.0", "half": "1.0"}
    assert installed_count(tmp_path, pins) == 3


OLD_PIP = """$ pip install
Collecting rich==15.0.0 (from -r requirements.txt (line 1))
  Downloading rich-15.0.0-py3-none-any.whl (300 kB)
Processing /wheels/idna-3.20-py3-none-any.whl (from requests->-r small.txt (line 2))
"""
NEW_PIP = """$ pip install
Collecting rich==15.0.0 (from -r requirements.txt (line 1))
  Downloading rich-15.0.0-py3-none-any.whl.metadata (18 kB)
Collecting idna==3.20 (from -r requirements.txt (line 2))
  Using cached idna-3.20-py3-none-any.whl.metadata (8 kB)
"""


@pytest.mark.parametrize(
    ("log", "text"),
    [
        ("", "0 of 3 packages looked up"),
        (OLD_PIP, "2 of 3 packages downloaded"),
        (NEW_PIP, "2 of 3 packages looked up"),
        (NEW_PIP + "Downloading rich-15.0.0-py3-none-any.whl (300 kB)\n", "1 of 3 packages downloaded"),
        (NEW_PIP + "Installing collected packages: idna, rich\n", "1 of 3 packages installed"),
        ("Installing collected packages: torch\n\n$ pip install -r\n", "0 of 3 packages looked up"),
        ("".join(f"Processing p{n}.whl\n" for n in range(9)), "3 of 3 packages downloaded"),
    ],
    ids=["nothing", "old pip", "metadata", "files", "installing", "a second command", "never more than all"],
)
def test_progress_is_read_from_what_pip_prints(log: str, text: str) -> None:
    assert describe_progress(log, 1, 3) == text


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_soon_at_first_and_seldom_later() -> None:
    clock = Clock()
    pace = Pace(clock)
    due = []
    for second in range(1, 300):
        clock.now = second
        if pace.is_due():
            due.append(second)
    assert due == [8, 24, 56, 116, 176, 236, 296]


def test_other_work_begins_with_the_short_wait_again() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now = 100.0
    assert pace.is_due()
    pace.restart()
    clock.now = 107.0
    assert not pace.is_due()
    clock.now = 108.0
    assert pace.is_due()


class Terminal(io.StringIO):
    """Text that a terminal received."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, Pace(clock))
    for second, text in [(0.0, "1 of 3"), (0.2, "1 of 3"), (1.0, "1 of 3"), (1.2, "2 of 3")]:
        clock.now = second
        progress.show(text)
    progress.say("done")
    assert terminal.getvalue().split("\r\x1b[2K") == [
        "",
        "  1 of 3 (0 s)",
        "  1 of 3 (1 s)",
        "  2 of 3 (1 s)",
        "done\n",
    ]


def test_elsewhere_progress_is_printed_when_a_line_is_due() -> None:
    output, clock = io.StringIO(), Clock()
    progress = Progress(output, Pace(clock))
    for second in (0.0, 8.0, 9.0):
        clock.now = second
        progress.show("1 of 3")
    assert output.getvalue() == "  1 of 3 (8 s)\n"


def test_a_failure_names_the_log_shows_its_end_and_says_what_to_do(project: Path) -> None:
    log = project / "logs" / "install.log"
    make_venv(project)
    (project / ".venv" / "bin" / "python").unlink()
    stub = project / ".venv" / "bin" / "python"
    stub.write_text(
        "#!/bin/sh\nfor n in $(seq 100); do echo Collecting package $n; done\necho ERROR: no route\nexit 7\n"
    )
    stub.chmod(0o755)
    output = io.StringIO()
    with pytest.raises(SystemExit) as stopped:
        Installation(project / ".venv", project, "run", log, Progress(output)).run(is_new=False)
    message = str(stopped.value.code)
    assert f"exit status 7). The log is {log}; its last lines:\n" in message
    assert "  Collecting package 100\n  ERROR: no route\nCheck the network" in message
    assert "Collecting package 80\n" not in message
    assert "Collecting package 80\n" in log.read_text()
    assert len(output.getvalue().splitlines()) == 1


def test_the_end_of_a_log_has_no_empty_and_no_endless_lines() -> None:
    assert log_tail("first\n" * 20 + "\n\n" + "x" * 5000 + "\n")[-2:] == ["first", "x" * 300 + " ..."]
    assert len(log_tail("first\n" * 20)) == 12


def test_the_log_lies_with_the_other_logs(tmp_path: Path) -> None:
    assert log_file({}) == Path(".local/logs/install.log")
    assert log_file({"HOURCAST_LOCAL_DIR": ""}) == Path(".local/logs/install.log")
    assert log_file({"HOURCAST_LOCAL_DIR": str(tmp_path)}) == tmp_path / "logs" / "install.log"


def write_wheel(folder: Path, name: str) -> None:
    """The smallest package that pip installs."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project of two packages, installed by the real venv and the real pip from a folder."""
    project = tmp_path_factory.mktemp("project")
    for name in ("first", "second"):
        write_wheel(project, name)
    (project / "requirements.txt").write_text("first==1.0\nsecond==1.0\n")
    done = bootstrap(project)
    assert done.returncode == 0, done.stderr
    (project / "printed").write_text(done.stderr)
    return project


def bootstrap(project: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "HOURCAST_"))}
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "run"],
        cwd=project,
        env=kept | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project), "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installation_prints_little_and_logs_what_pip_printed(installed: Path) -> None:
    printed = (installed / "printed").read_text().splitlines()
    assert printed[0] == "Installing 2 packages into .venv (some minutes); pip's log is .local/logs/install.log."
    assert printed[-1].startswith("2 packages are installed after ")
    assert len(printed) <= 10, "few lines, also on a busy machine"
    assert "Successfully installed first-1.0 second-1.0" in (installed / ".local/logs/install.log").read_text()
    assert installed_count(installed / ".venv", pinned_packages(installed, "run")) == 2


def test_a_second_time_nothing_is_installed_and_nothing_printed(installed: Path) -> None:
    done = bootstrap(installed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_package_that_cannot_be_had_ends_with_pips_reason_and_without_a_stamp(installed: Path) -> None:
    lock = installed / "requirements.txt"
    lock.write_text("first==1.0\nthird==1.0\n")
    done = bootstrap(installed)
    assert done.returncode == 1
    assert ".local/logs/install.log" in done.stderr
    assert "No matching distribution found for third==1.0" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (installed / ".venv" / "hourcast.stamp").exists()


def test_a_second_make_reports_that_it_waits_for_the_first(project: Path) -> None:
    make_venv(project, "run")
    descriptor = os.open(project, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with subprocess.Popen(
        [sys.executable, "-I", str(SCRIPT), "run"], cwd=project, stderr=subprocess.PIPE, text=True
    ) as second:
        assert second.stderr is not None
        assert second.stderr.readline().startswith("Another `make` is installing")
        assert second.poll() is None
        os.close(descriptor)
        assert second.wait(30) == 0


def test_a_log_that_cannot_be_written_is_reported_in_one_sentence(project: Path) -> None:
    (project / ".local").write_text("a file where the folder should be")
    done = bootstrap(project)
    assert done.returncode == 1
    assert done.stderr.startswith("Hourcast could not be installed: ")
    assert "Traceback" not in done.stderr
