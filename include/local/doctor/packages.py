"""Whether this Python and the installed packages are those of the lock file. Standard library only.

It runs before any other check, because those need the packages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from include.local.doctor.problem import Problem

OLDEST, NEWEST = (3, 11), (3, 13)
"""The versions of Python that Hourcast runs on."""
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", re.MULTILINE)
_MOST_NAMES = 5


def check_python(running: tuple[int, int] = (sys.version_info[0], sys.version_info[1])) -> Iterator[Problem]:
    """Whether Hourcast runs on this version of Python."""
    if not OLDEST <= running <= NEWEST:
        yield Problem(
            "python",
            f"This is Python {running[0]}.{running[1]}, and Hourcast runs on 3.11, 3.12 and 3.13.",
            "Remove .venv and run `make run`, which looks for a Python of these versions.",
        )


def check_packages(lock: Path) -> Iterator[Problem]:
    """Whether each package that ``lock`` pins is installed in that version; a local part (``+cpu``) may differ."""
    pins = dict(_PIN.findall(lock.read_text(encoding="utf-8")))
    found = {name: _installed(name) for name in pins}
    missing = sorted(name for name, installed in found.items() if installed is None)
    others = [
        f"{name} {installed} instead of {pins[name]}"
        for name, installed in sorted(found.items())
        if installed is not None and installed.partition("+")[0] != pins[name].partition("+")[0]
    ]
    for code, names, verb in (("package-missing", missing, "not installed"), ("package-version", others, "installed")):
        if names:
            text = f"{len(names)} of the packages in {lock.name}: {_listed(names)} {verb}."
            yield Problem(code, text, "Run `make run`, which installs the locked versions.")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _listed(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
