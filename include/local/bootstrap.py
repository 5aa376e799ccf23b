"""Installs the pinned packages into ``.venv``, and does nothing where they are installed already.

Standard library only, because it runs before anything is installed: ``python3.11 -I include/local/bootstrap.py run``
(or ``dev``) with the project's folder as working directory. pip writes into a log file; the screen shows how many
packages are done. The stamp file is written last and holds hashes of the installed lock files. Without a stamp (a
first run, or one that was killed) the environment is made from nothing; with the stamp of other lock files, these are
installed over it. Where next: the ``Makefile``, which calls this before most targets.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

LOCKS = {"run": ("requirements.txt",), "dev": ("requirements.txt", "requirements-evaluate.txt", "requirements-dev.txt")}
LOG_NAME = "install.log"

_STAMP = "hourcast.stamp"
_TORCH_INDEX = "TORCH_INDEX"
_FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")
"""Each of these would make pip install elsewhere, or not at all."""

_POLL_SECONDS = 0.5
_FIRST_WAIT_SECONDS = 8.0
_LONGEST_WAIT_SECONDS = 60.0
_CLEAR = "\r\x1b[2K"
_TAIL_LINES = 12
_LONGEST_TAIL_LINE = 300

# What pip prints about one package: that it looks the package up, and that it fetches a file of it.
_LOOKED_UP = re.compile(r"^(?:Collecting|Processing|Requirement already satisfied:) +(\S+)", re.MULTILINE)
_FETCHED = re.compile(
    r"^(?: *Downloading| *Using cached|Processing|Requirement already satisfied:) +(\S+)", re.MULTILINE
)
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;]+)", re.MULTILINE)


class Pace:
    """When to print a progress line on an output that is no terminal: after 8 s, then after waits that double to 60 s.

    The first lines come soon, and a first `make run` prints less than 40.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Begins again with the short wait, because other work has started."""
        self._started = self._clock()
        self._wait = _FIRST_WAIT_SECONDS
        self._due = self._started + self._wait

    def elapsed(self) -> float:
        """Seconds since the work started."""
        return self._clock() - self._started

    def is_due(self) -> bool:
        """Whether a line is due now; if so, the next one is due after a longer wait."""
        if self._clock() < self._due:
            return False
        self._wait = min(2 * self._wait, _LONGEST_WAIT_SECONDS)
        self._due = self._clock() + self._wait
        return True


class Progress:
    """Shows how far some work is, with its seconds: one moving line on a terminal, else lines at the given pace."""

    def __init__(self, output: TextIO, pace: Pace | None = None) -> None:
        self._output = output
        self._is_terminal = output.isatty() and os.environ.get("TERM") != "dumb"
        self.pace = pace or Pace()
        self._shown = ""

    def show(self, text: str) -> None:
        """Replaces the moving line, or prints a line if one is due."""
        line = f"  {text} ({self.pace.elapsed():.0f} s)"
        if self._is_terminal and line != self._shown:
            self._shown = line
            self._write(f"{_CLEAR}{line}")
        elif not self._is_terminal and self.pace.is_due():
            self._write(f"{line}\n")

    def say(self, text: str) -> None:
        """Prints a line that stays, in the place of the moving one."""
        self.clear()
        self._write(f"{text}\n")

    def clear(self) -> None:
        """Removes the moving line."""
        if self._shown:
            self._shown = ""
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()


@dataclass(frozen=True)
class Installation:
    """One installation into ``venv``: the lock files' level, pip's log file, and where progress is shown."""

    venv: Path
    project_dir: Path
    level: str
    log: Path
    progress: Progress

    def run(self, *, is_new: bool) -> None:
        """Makes the environment if it ``is_new``, then installs every pinned package.

        Raises:
            SystemExit: venv or pip failed; the message names the log, shows its end and says what to do.
        """
        self.progress.pace.restart()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        pins = pinned_packages(self.project_dir, self.level)
        self.progress.say(f"Installing {len(pins)} packages into {self.venv} (some minutes); pip's log is {self.log}.")
        if is_new:
            self._make_environment()
        self._install(pins)
        self.progress.say(f"{len(pins)} packages are installed after {self.progress.pace.elapsed():.0f} s.")

    def _make_environment(self) -> None:
        if self.venv.exists():
            shutil.rmtree(self.venv)
        self._call(
            [sys.executable, "-m", "venv", str(self.venv)],
            lambda: f"creating {self.venv}",
            f"{sys.executable} could not make a virtual environment",
            f"On Debian and Ubuntu, install python3.{sys.version_info.minor}-venv. Then run `make` again.",
        )

    def _install(self, pins: Mapping[str, str]) -> None:
        def describe() -> str:
            return describe_progress(self._read_log(), installed_count(self.venv, pins), len(pins))

        pip = [str(self.venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        pip += ["--progress-bar", "off"]
        failure = "Installing the packages failed"
        advice = "Check the network and the free disk space, then run `make` again."
        index = os.environ.get(_TORCH_INDEX)
        if index:  # a wheel for CPUs alone is a tenth of the size of the default one
            self._call([*pip, "--index-url", index, f"torch=={pins['torch']}"], describe, failure, advice)
        self._call([*pip, "-r", str(self.project_dir / LOCKS[self.level][-1])], describe, failure, advice)

    def _call(self, argv: list[str], describe: Callable[[], str], failure: str, advice: str) -> None:
        """Runs a program whose output goes into the log, and shows progress until it ends."""
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}
        environment |= {"PIP_ROOT_USER_ACTION": "ignore", "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(argv)}\n".encode())
            log.flush()
            process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)  # noqa: S603  # a fixed argv
        try:
            while process.poll() is None:
                self.progress.show(describe())
                time.sleep(_POLL_SECONDS)
        finally:
            process.terminate()  # no effect on a process that has ended; Ctrl-C leaves none behind
            status = process.wait()
        if status != 0:
            tail = "\n".join(f"  {text}" for text in log_tail(self._read_log()))
            message = f"{failure} (exit status {status}). The log is {self.log}; its last lines:\n{tail}\n{advice}"
            self.progress.clear()
            raise SystemExit(message)

    def _read_log(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def fingerprint(project_dir: Path, level: str) -> str:
    """Hash of the lock files of ``level`` ("run" or "dev")."""
    digest = hashlib.sha256()
    for name in LOCKS[level]:
        digest.update(name.encode() + b"\0" + (project_dir / name).read_bytes())
    return digest.hexdigest()


def missing_work(venv: Path, project_dir: Path, level: str) -> str:
    """What ``venv`` needs before it serves ``level``: "nothing", "install" (another lock) or "make" (from nothing)."""
    stamp = venv / _STAMP
    if not stamp.exists() or not _can_run(venv):
        return "make"
    return "nothing" if fingerprint(project_dir, level) in stamp.read_text(encoding="ascii").split() else "install"


def ensure(venv: Path, project_dir: Path, level: str, log: Path, output: TextIO) -> None:
    """Installs into ``venv`` what ``level`` needs, one process at a time.

    Progress goes to ``output``, the text that pip prints to ``log``.

    Raises:
        SystemExit: venv or pip failed; the message names the log, shows its end and says what to do.
        OSError: the folder of the environment or of the log cannot be written.
    """
    progress = Progress(output)
    with _exclusive(project_dir, progress):
        work = missing_work(venv, project_dir, level)
        if work == "nothing":
            return
        levels = {"run", level} if work == "make" else _levels_to_keep(venv, level)
        (venv / _STAMP).unlink(missing_ok=True)
        top = "dev" if "dev" in levels else "run"
        Installation(venv, project_dir, top, log, progress).run(is_new=work == "make")
        draft = venv / f"{_STAMP}.new"
        draft.write_text("".join(f"{fingerprint(project_dir, name)}\n" for name in sorted(levels)), encoding="ascii")
        draft.replace(venv / _STAMP)


def pinned_packages(project_dir: Path, level: str) -> dict[str, str]:
    """Name (lower case, dashes) -> version of every package that the lock files of ``level`` pin."""
    texts = [(project_dir / name).read_text(encoding="utf-8") for name in LOCKS[level]]
    return {_normalise(name): version for text in texts for name, version in _PIN.findall(text)}


def installed_count(venv: Path, pins: Mapping[str, str]) -> int:
    """How many of ``pins`` are completely installed: pip writes the file INSTALLER when all others are there."""
    found = venv.glob("lib/python*/site-packages/*.dist-info/INSTALLER")
    parts = [path.parent.name.removesuffix(".dist-info").rpartition("-") for path in found]
    # a build for CPUs alone is torch 2.13.0+cpu, which the pin 2.13.0 admits
    return sum(pins.get(_normalise(name)) in {version, version.split("+")[0]} for name, _, version in parts)


def describe_progress(log: str, installed: int, total: int) -> str:
    """How far pip is, from its output so far and the number of pinned packages that are installed."""
    output = log.rpartition("\n$ ")[2]  # of the newest command
    if "\nInstalling collected packages" in output:
        return f"{installed} of {total} packages installed"
    fetched = {name for name in _FETCHED.findall(output) if not name.endswith(".metadata")}
    if fetched:
        return f"{min(len(fetched), total)} of {total} packages downloaded"
    return f"{min(len(set(_LOOKED_UP.findall(output))), total)} of {total} packages looked up"


def log_tail(text: str) -> list[str]:
    """The last lines of a log, without empty ones; a line of more than 300 characters is cut, with a mark."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()][-_TAIL_LINES:]
    return [line if len(line) <= _LONGEST_TAIL_LINE else f"{line[:_LONGEST_TAIL_LINE]} ..." for line in lines]


def log_file(environment: Mapping[str, str]) -> Path:
    """Path of pip's log, below the folder that HOURCAST_LOCAL_DIR names, by default ``.local``."""
    return Path(environment.get("HOURCAST_LOCAL_DIR") or ".local").expanduser() / "logs" / LOG_NAME


def _levels_to_keep(venv: Path, level: str) -> set[str]:
    """``level``, "run", and "dev" where the tests' packages are installed: they stay usable."""
    has_tests = any(venv.glob("lib/python*/site-packages/pytest/__init__.py"))
    return {"run", level} | ({"dev"} if has_tests else set())


def _normalise(name: str) -> str:
    """A package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _can_run(venv: Path) -> bool:
    python = str(venv / "bin" / "python")
    try:
        return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603  # fixed
    except OSError:
        return False  # not there, or made by another user with a Python that this one may not run


@contextmanager
def _exclusive(folder: Path, progress: Progress) -> Iterator[None]:
    """Holds a lock on a folder; the kernel releases it when this process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("Another `make` is installing the packages here; waiting until it has finished.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(level: str) -> None:
    """Installs what ``level`` needs into ``.venv`` of the working directory.

    Raises:
        SystemExit: the installation failed or was interrupted.
    """
    try:
        ensure(Path(".venv"), Path(), level, log_file(os.environ), sys.stderr)
    except KeyboardInterrupt:
        message = "\nInstalling was interrupted; `make` starts it again."
        raise SystemExit(message) from None
    except OSError as error:
        message = f"Hourcast could not be installed: {error}."
        raise SystemExit(message) from error


if __name__ == "__main__":
    main(sys.argv[1])
