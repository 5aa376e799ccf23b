"""Compares every pinned package with a database of known vulnerabilities: ``make audit``.

Standard library only: ``python3.11 -I include/local/audit.py`` in the project's folder. pip-audit does the look-ups, in
an environment of its own below ``.local``. pip-audit calls it a success if it could look up no package at all; here
that is said, as is everything else that kept the audit from being made. Only a vulnerability that was found fails.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LOCKS: Final = (
    "requirements.txt",
    "requirements-kubernetes.txt",
    "requirements-evaluate.txt",
    "requirements-dev.txt",
    "requirements-mlflow.txt",
    "requirements-embeddings.txt",
    "requirements-language.txt",
    "requirements-audit.txt",
)
"""Every lock file of the project."""

TOOL_LOCK: Final = "requirements-audit.txt"
TIMEOUT_SECONDS: Final = 600.0

_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", re.MULTILINE)
_LISTED = 5


class NotAuditedError(Exception):
    """No database of vulnerabilities could be asked; the message says why."""


@dataclass(frozen=True)
class Finding:
    """A pinned package with known vulnerabilities: their names, and the versions without them."""

    package: str
    version: str
    advisories: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def describe(self) -> str:
        """One line: the package, the advisories, and which version has none of them."""
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fixed version is known"
        return f"{self.package} {self.version}: {', '.join(self.advisories)}; {fixed}"


@dataclass(frozen=True)
class Report:
    """What was found, how many packages were looked up, and which ones the database does not know."""

    findings: tuple[Finding, ...]
    looked_up: int
    unknown: tuple[str, ...]

    def describe(self) -> str:
        """The result in words, a line for each vulnerable package."""
        lines = [finding.describe() for finding in self.findings]
        count = len(self.findings)
        lines.append(
            f"{count or 'No'} of {self.looked_up} packages {'has' if count <= 1 else 'have'} a known vulnerability."
        )
        if self.unknown:
            names = ", ".join(self.unknown[:_LISTED]) + (", ..." if len(self.unknown) > _LISTED else "")
            lines.append(f"{len(self.unknown)} packages could not be looked up: {names}")
        return "\n".join(lines)


def pinned(project_dir: Path) -> list[str]:
    """Every pin of every lock file as ``name==version``, sorted, once; a file may pin what another pins differently.

    Raises:
        OSError: a lock file cannot be read.
    """
    texts = [(project_dir / name).read_text(encoding="utf-8") for name in LOCKS]
    return sorted({f"{name.lower()}=={version}" for text in texts for name, version in _PIN.findall(text)})


def parse_report(output: str) -> Report:
    """The JSON that pip-audit prints.

    Raises:
        NotAuditedError: it is no such report, or no package could be looked up.
    """
    try:
        packages: list[Mapping[str, Any]] = json.loads(output)["dependencies"]
        known = [each for each in packages if "skip_reason" not in each]
        unknown = tuple(str(each["name"]) for each in packages if "skip_reason" in each)
        findings = tuple(_finding(each) for each in known if each["vulns"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"pip-audit printed no report ({type(error).__name__})"
        raise NotAuditedError(message) from error
    if not known:
        message = f"the database knows none of the {len(unknown)} packages, so it is none, or it cannot be reached"
        raise NotAuditedError(message)
    return Report(findings, len(known), unknown)


def _finding(package: Mapping[str, Any]) -> Finding:
    fixed = {version for each in package["vulns"] for version in each.get("fix_versions", ())}
    names = tuple(str(each["id"]) for each in package["vulns"])
    return Finding(str(package["name"]), str(package["version"]), names, tuple(sorted(fixed)))


def look_up(program: Sequence[str], pins: Sequence[str]) -> Report:
    """The report of pip-audit, called as ``program``, about ``pins``, one version of a package at a time.

    Raises:
        NotAuditedError: it could not be started, did not end in time, or failed without a report.
    """
    with tempfile.TemporaryDirectory() as folder:
        reports = [_run(program, batch, Path(folder)) for batch in _batches(pins)]
    findings = tuple(finding for report in reports for finding in report.findings)
    unknown = tuple(name for report in reports for name in report.unknown)
    return Report(findings, sum(report.looked_up for report in reports), unknown)


def _batches(pins: Sequence[str]) -> list[list[str]]:
    """The pins in lists that have each package once, since pip-audit refuses two versions of one."""
    batches: list[dict[str, str]] = []
    for pin in pins:
        name = re.sub(r"[-_.]+", "-", pin.partition("==")[0])
        free = next((batch for batch in batches if name not in batch), None)
        if free is None:
            free = {}
            batches.append(free)
        free[name] = pin
    return [list(batch.values()) for batch in batches]


def _run(program: Sequence[str], pins: Sequence[str], folder: Path) -> Report:
    requirements = folder / "pins.txt"
    requirements.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
    argv = [*program, "--requirement", str(requirements), "--no-deps", "--disable-pip", "--format", "json"]
    argv += ["--progress-spinner", "off"]
    try:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)  # noqa: S603  # ours
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"pip-audit did not run to its end ({type(error).__name__})"
        raise NotAuditedError(message) from error
    try:
        return parse_report(done.stdout)
    except NotAuditedError as error:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        message = f"{error}; its last line: {last[:300]}"
        raise NotAuditedError(message) from error


def install(project_dir: Path, venv: Path) -> list[str]:
    """Installs pip-audit into ``venv`` where it is not there with these pins; returns how it is called.

    Raises:
        NotAuditedError: the environment could not be made, or the packages not fetched.
    """
    wanted, stamp = (project_dir / TOOL_LOCK).read_bytes(), venv / "audit.stamp"
    if not stamp.exists() or stamp.read_bytes() != wanted:
        shutil.rmtree(venv, ignore_errors=True)
        python = str(venv / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        try:
            for argv in ([sys.executable, "-m", "venv", str(venv)], [*pip, "-r", str(project_dir / TOOL_LOCK)]):
                subprocess.run(argv, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)  # noqa: S603  # ours
        except (OSError, subprocess.SubprocessError) as error:
            message = f"pip-audit could not be installed ({type(error).__name__})"
            raise NotAuditedError(message) from error
        stamp.write_bytes(wanted)
    return [str(venv / "bin" / "pip-audit")]


def main(arguments: Sequence[str], project_dir: Path, program: Sequence[str] | None = None) -> int:
    """Prints the result; returns 1 if a package has a known vulnerability, else 0, also where none could be looked up.

    ``arguments`` go to pip-audit, such as another database; ``program`` replaces the installed pip-audit.
    """
    try:
        tool = program if program is not None else install(project_dir, project_dir / ".local" / "audit")
        report = look_up([*tool, *arguments], pinned(project_dir))
    except NotAuditedError as error:
        sys.stdout.write(f"Not audited: {error}.\n")
        return 0
    sys.stdout.write(f"{report.describe()}\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path()))
