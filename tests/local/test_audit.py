"""The audit of dependencies: a vulnerability fails, and where nothing could be looked up, that is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.local.audit import LOCKS, NotAuditedError, install, main, parse_report, pinned

PROJECT_DIR = Path(__file__).parents[2]

CLEAN = {"name": "rich", "version": "15.0.0", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "not found"}
VULNERABLE = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.3"]}, {"id": "GHSA-2", "fix_versions": ["3.1.3", "3.1.6"]}],
}


def fake(folder: Path, packages: list[dict[str, object]] | None, *, status: int = 0) -> list[str]:
    """A program in the place of pip-audit: prints a report about ``packages``, or fails without one."""
    script = folder / "fake.py"
    report = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    script.write_text(
        f"import sys\nprint({report!r})\nprint('Failed to resolve the host', file=sys.stderr)\nsys.exit({status})\n"
    )
    return [sys.executable, str(script)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in LOCKS:
        (tmp_path / name).write_text("rich==15.0.0\n")
    return tmp_path


def test_a_vulnerable_package_fails_with_its_advisories_and_the_fix(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], project, fake(project, [CLEAN, VULNERABLE], status=1)) == 1
    out = capsys.readouterr().out
    assert "jinja2 3.1.2: PYSEC-1, GHSA-2; fixed in 3.1.3, 3.1.6\n" in out
    assert "1 of 2 packages has a known vulnerability." in out


def test_a_clean_report_passes_and_says_how_many_were_looked_up(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], project, fake(project, [CLEAN])) == 0
    assert capsys.readouterr().out == "No of 1 packages has a known vulnerability.\n"


def test_packages_that_the_database_does_not_know_are_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], project, fake(project, [CLEAN, UNKNOWN])) == 0
    assert "1 packages could not be looked up: torch" in capsys.readouterr().out


def test_a_database_that_knows_no_package_is_no_audit(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], project, fake(project, [UNKNOWN])) == 0
    assert capsys.readouterr().out.startswith("Not audited: the database knows none of the 1 packages")


def test_a_database_out_of_reach_is_no_audit_and_no_failure(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], project, fake(project, None, status=1)) == 0
    out = capsys.readouterr().out
    assert out.startswith("Not audited: pip-audit printed no report")
    assert "Failed to resolve the host" in out


def test_a_program_that_is_not_there_is_no_audit(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], project, [str(project / "missing")]) == 0
    assert "pip-audit did not run to its end (FileNotFoundError)" in capsys.readouterr().out


@pytest.mark.parametrize("output", ["", "[]", '{"dependencies": [{"name": "x"}]}', "no JSON"], ids=range(4))
def test_anything_but_a_report_is_refused(output: str) -> None:
    with pytest.raises(NotAuditedError):
        parse_report(output)


def test_pins_that_cannot_be_fetched_are_no_audit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    (project / "requirements-audit.txt").write_text("no-such-package-of-hourcast==1\n")
    with pytest.raises(NotAuditedError, match="could not be installed"):
        install(project, project / "venv")
    assert not (project / "venv" / "audit.stamp").exists()


def test_an_environment_with_the_same_pins_is_kept(project: Path) -> None:
    venv = project / "venv"
    venv.mkdir()
    (venv / "audit.stamp").write_bytes((project / "requirements-audit.txt").read_bytes())
    assert install(project, venv) == [str(venv / "bin" / "pip-audit")]


def test_two_versions_of_a_package_are_looked_up_one_after_the_other(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "requirements-audit.txt").write_text("Rich==14.0.0\n")
    script = project / "echo.py"
    script.write_text(
        "import json, pathlib, sys\n"
        "path = pathlib.Path(sys.argv[sys.argv.index('--requirement') + 1])\n"
        "pins = [line.split('==') for line in path.read_text().split()]\n"
        "assert len({name for name, _ in pins}) == len(pins)\n"
        "print(json.dumps({'dependencies': [{'name': n, 'version': v, 'vulns': []} for n, v in pins]}))\n"
    )
    assert main([], project, [sys.executable, str(script)]) == 0
    assert "No of 2 packages" in capsys.readouterr().out


def test_every_lock_is_audited() -> None:
    assert {path.name for path in PROJECT_DIR.glob("requirements*.txt")} == set(LOCKS)
    pins = pinned(PROJECT_DIR)
    assert "torch==2.13.0" in pins
    assert any(pin.startswith("pip_audit==") for pin in pins)


def test_the_pipelines_audit_and_only_a_finding_fails_there() -> None:
    workflow = (PROJECT_DIR / ".github" / "workflows" / "ci.yml").read_text()
    assert "- run: make audit" in workflow
    script = (PROJECT_DIR / ".ci" / "run").read_text()
    assert "make audit" in script
    assert subprocess.run(["bash", "-n", str(PROJECT_DIR / ".ci" / "run")], check=False).returncode == 0
