"""Makes ``.venv``, the project's own Python environment, and keeps it true to the lock.

Standard library only, because it runs before anything is installed: ``python3.11 include/local/bootstrap.py run``
(or ``dev``) with the project's folder as working directory. A stamp file, written last, says what the environment
holds; without a stamp (a first run, or one that was killed) it is made from nothing, and with the stamp of another
lock the new lock is installed over it. Where next: the ``Makefile``, which calls it before every target.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCKS = {"run": ("requirements.txt",), "dev": ("requirements.txt", "requirements-evaluate.txt", "requirements-dev.txt")}
_STAMP = "hourcast.stamp"
_TORCH_INDEX = "TORCH_INDEX"


def fingerprint(project_dir: Path, level: str) -> str:
    """Hash of the lock files of ``level`` ("run" or "dev")."""
    digest = hashlib.sha256()
    for name in LOCKS[level]:
        digest.update(name.encode() + b"\0" + (project_dir / name).read_bytes())
    return digest.hexdigest()


def missing_work(venv: Path, project_dir: Path, level: str) -> str:
    """What ``venv`` needs before it serves ``level``: "nothing", "install" (another lock) or "make" (from nothing)."""
    stamp = venv / _STAMP
    if not stamp.exists() or not _is_alive(venv):
        return "make"
    return "nothing" if fingerprint(project_dir, level) in stamp.read_text(encoding="ascii").split() else "install"


def ensure(venv: Path, project_dir: Path, level: str) -> None:
    """Brings ``venv`` to what ``level`` needs, showing pip's progress; one process at a time.

    Raises:
        SystemExit: pip or venv failed; the message says what to do.
    """
    with _exclusive(project_dir):
        work = missing_work(venv, project_dir, level)
        if work == "nothing":
            return
        held = {"run", level} if work == "make" else _held_levels(venv, level)
        _say(f"Preparing {venv} ({'from nothing' if work == 'make' else 'the lock has changed'}) ...")
        (venv / _STAMP).unlink(missing_ok=True)
        if work == "make":
            _make(venv)
        _install(venv, project_dir, "dev" if "dev" in held else "run")
        lines = [fingerprint(project_dir, name) for name in sorted(held)]
        draft = venv / f"{_STAMP}.new"
        draft.write_text("\n".join(lines) + "\n", encoding="ascii")
        draft.replace(venv / _STAMP)
        _say(f"{venv} is ready.")


def _held_levels(venv: Path, level: str) -> set[str]:
    """The levels to keep: an environment that could run the tests goes on being able to."""
    has_tests = any(venv.glob("lib/python*/site-packages/pytest/__init__.py"))
    return {"run", level} | ({"dev"} if has_tests else set())


def _make(venv: Path) -> None:
    if venv.exists():
        shutil.rmtree(venv)
    _run(
        [sys.executable, "-m", "venv", str(venv)],
        f"{sys.executable} could not make a virtual environment. On Debian and Ubuntu its package is "
        f"python3.{sys.version_info.minor}-venv.",
    )


def _install(venv: Path, project_dir: Path, level: str) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    advice = "Installing the packages failed; pip's words are above. Check the network, then run `make` again."
    index = os.environ.get(_TORCH_INDEX)
    if index:  # a wheel for CPUs alone is a tenth of the size of the default one
        lock = (project_dir / "requirements.txt").read_text(encoding="utf-8").split()
        _run([*pip, "--index-url", index, *(pin for pin in lock if pin.startswith("torch=="))], advice)
    _run([*pip, "-r", str(project_dir / LOCKS[level][-1])], advice)


def _run(argv: list[str], advice: str) -> None:
    environment = dict(os.environ, PIP_ROOT_USER_ACTION="ignore")
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV"):
        environment.pop(name, None)  # each would make pip install elsewhere, or not at all
    done = subprocess.run(argv, env=environment, check=False)  # noqa: S603  # our own argv
    if done.returncode != 0:
        message = f"{advice} (exit status {done.returncode})"
        raise SystemExit(message)


def _is_alive(venv: Path) -> bool:
    python = str(venv / "bin" / "python")
    try:
        return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603  # ours
    except OSError:
        return False  # not there, or made by another user with a Python that this one may not run


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Holds a lock on a folder that ends with this process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    ensure(Path(".venv"), Path(), sys.argv[1])
