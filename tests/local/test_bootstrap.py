"""When the environment is made, when a new lock is installed over it, and when nothing is done."""

import sys
from pathlib import Path

import pytest

from include.local.bootstrap import fingerprint, missing_work


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("rich==15.0.0\n")
    (tmp_path / "requirements-evaluate.txt").write_text("scipy==1.17.1\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\npytest==9.2.0\n")
    return tmp_path


def make_venv(project: Path, *levels: str) -> Path:
    """What ``bootstrap`` leaves behind, as far as it looks at it: a Python that runs, and the stamp."""
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
    (venv / "bin" / "python").write_text("#!/bin/sh\n")  # there, but not to be run by anybody, root included
    assert missing_work(venv, project, "run") == "make"
