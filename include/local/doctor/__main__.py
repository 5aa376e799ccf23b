"""``python -m include.local.doctor``: the exit status is 0, or 1 if something is wrong.

The packages are checked first and with the standard library alone; without them the other checks cannot be imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from include.errors import SettingsError
from include.local.doctor.packages import check_packages, check_python
from include.local.doctor.problem import Problem

PROJECT_DIR = Path(__file__).resolve().parents[3]
_LABEL_WIDTH = 13


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Prints the report; 0 if nothing is wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python -m include.local.doctor", description="What is wrong here?")
    parser.add_argument("--all", action="store_true", help="compare every artefact with its hash, not a sample")
    chosen = parser.parse_args(arguments)
    lock = PROJECT_DIR / "requirements.txt"  # an image has none: it was made from it
    problems = [*check_python(), *(check_packages(lock) if lock.exists() else [])]
    _print(_lines(problems, "packages"))
    count = len(problems)
    try:
        count += _check_the_rest(environment or os.environ, is_complete=chosen.all)
    except ImportError as error:
        _print([("not checked", f"everything else: {error}")])
    _print([("", ""), ("", f"{count} problems." if count != 1 else "1 problem.")])
    return 1 if count else 0


def _check_the_rest(environment: Mapping[str, str], *, is_complete: bool) -> int:
    """Prints the checks that need the packages; the number of problems."""
    checkup = import_module("include.local.doctor.checkup")
    installation = import_module("include.local.doctor.installation")
    try:
        found = installation.open_installation(environment)
    except SettingsError as error:
        _print(_lines([Problem("settings", str(error), "docs/settings.md describes every setting.")], "settings"))
        return 1
    count = 0
    for result in checkup.look_over(found, is_complete=is_complete):
        count += sum(not problem.is_coming for problem in result.problems)
        _print(checkup.lines_of([result]))
    return count


def _lines(problems: Sequence[Problem], title: str) -> Iterator[tuple[str, str]]:
    if not problems:
        yield "ok", title
    for problem in problems:
        yield "PROBLEM", f"{problem.text} [{problem.code}]"
        yield "", problem.advice


def _print(lines: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> None:
    for label, text in lines:
        sys.stdout.write(f"{label:<{_LABEL_WIDTH}}{text}".rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
