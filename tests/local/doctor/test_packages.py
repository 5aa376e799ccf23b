"""Whether the packages are those of the lock file."""

from importlib.metadata import version
from pathlib import Path

from include.local.doctor.packages import check_packages, check_python


def test_the_versions_of_a_lock_are_compared_with_those_installed(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        f"# a lock\npsutil=={version('psutil')}\nrich==0.0.1 ; python_version > '3'\nno-such-package==1.0\n"
    )

    found = list(check_packages(lock))

    assert [problem.code for problem in found] == ["package-missing", "package-version"]
    assert "no-such-package" in found[0].text
    assert f"rich {version('rich')} instead of 0.0.1" in found[1].text
    assert all("psutil" not in problem.text for problem in found)


def test_a_local_part_of_a_version_may_differ(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"psutil=={version('psutil')}+cpu\n")

    assert list(check_packages(lock)) == []


def test_the_project_s_lock_is_installed() -> None:
    from tests.architecture.project import PROJECT_DIR

    assert list(check_packages(PROJECT_DIR / "requirements.txt")) == []


def test_a_python_that_hourcast_does_not_run_on_is_named() -> None:
    assert [problem.code for problem in check_python((3, 14))] == ["python"]
    assert [problem.code for problem in check_python((3, 10))] == ["python"]
    assert list(check_python((3, 11))) == []
