"""The report of `make doctor`, and its exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

from include.local.doctor.__main__ import main
from tests.architecture.project import PROJECT_DIR
from tests.local.doctor.conftest import UNREACHABLE, Patient


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock of the network is asked for."""
    monkeypatch.setenv("HTTPS_PROXY", UNREACHABLE)


@pytest.mark.integration
def test_a_healthy_installation_ends_with_0_and_a_sick_one_with_1_and_what_to_do(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], patient.environment) == 0
    assert "0 problems." in capsys.readouterr().out

    patient.execute("drop view bi.superset_forecast")

    assert main(["--all"], patient.environment) == 1
    printed = capsys.readouterr().out
    assert "PROBLEM      Schema bi lacks superset_forecast. [view-missing]\n" in printed
    assert "             Run `include.cli migrate`, which makes all views again.\n" in printed
    assert printed.endswith("1 problem.\n")


def test_a_setting_that_is_refused_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"HOURCAST_SHEDULE_MINUTE": "5"}) == 1
    assert "HOURCAST_SHEDULE_MINUTE: not a setting." in capsys.readouterr().out


def test_without_its_packages_the_report_names_them(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(PROJECT_DIR)!r}); {_RUN}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)

    assert done.returncode == 1, done.stderr
    assert "[package-missing]" in done.stdout
    assert "not checked  everything else: No module named" in done.stdout


_RUN = "from include.local.doctor.__main__ import main; sys.exit(main([], {'HOME': '/'}))"
