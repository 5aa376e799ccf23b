"""`make mlflow`: shows the experiments in MLflow, mirrors once, or says where MLflow differs from what is stored.

``HOURCAST_MLFLOW_URI`` names an MLflow that runs elsewhere. Without it, one is kept in ``mlflow`` in
``HOURCAST_LOCAL_DIR`` and shown on this machine only.
"""

from __future__ import annotations

import argparse
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlflow.exceptions import MlflowException

from include.errors import HourcastError
from include.settings import Settings, load_settings
from tracking.facts import read_facts
from tracking.mirror import client_of, differences, mirror
from tracking.repeating import run_again

_LOG: Final = logging.getLogger("tracking")
_FAILURES: Final = (HourcastError, MlflowException, OSError)
"""What another attempt may cure, or a person: the database, MLflow or a file cannot be reached."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status: 0, or 1 with the reason, or 1 where MLflow differs."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = load_settings()
    try:
        if chosen.command == "serve":
            return _serve(settings, chosen.host, chosen.port, chosen.every)
        if chosen.command == "check":
            return _check(settings)
        if chosen.every is None:
            return _mirror(settings)
        run_again(lambda: _mirror(settings), chosen.every, _FAILURES, chosen.mark)
    except _FAILURES as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def local_folder(settings: Settings) -> Path:
    """The folder of an MLflow that is kept here."""
    return settings.local.local_dir / "mlflow"


def address(settings: Settings) -> str:
    """The address of MLflow: the setting's, or that of the database in ``local_folder``."""
    return settings.operations.mlflow_uri or f"sqlite:///{local_folder(settings) / 'mlflow.db'}"


def _mirror(settings: Settings) -> int:
    facts = read_facts(settings, datetime.now(UTC))
    is_local = settings.operations.mlflow_uri is None
    if is_local:
        local_folder(settings).mkdir(parents=True, exist_ok=True)
    artefacts = local_folder(settings) / "artefacts" if is_local else None
    done = mirror(client_of(address(settings)), facts, artefacts)
    sys.stdout.write("\n".join([done.note(), *facts.problems]) + "\n")
    return 0


def _check(settings: Settings) -> int:
    found = differences(client_of(address(settings)), read_facts(settings, datetime.now(UTC)))
    sys.stdout.write("\n".join(found or ["MLflow shows what is stored."]) + "\n")
    return int(bool(found))


def _serve(settings: Settings, host: str, port: int, every: float) -> int:
    """Shows the page until it is interrupted, and mirrors every so many seconds. A mirror that fails is tried again."""
    if settings.operations.mlflow_uri:
        sys.stderr.write("HOURCAST_MLFLOW_URI names an MLflow that runs elsewhere; unset it, or use `mirror`.\n")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends with us
    _try_mirror(settings)
    folder = local_folder(settings)
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", address(settings), "--default-artifact-root", str(folder / "artefacts")]
    with subprocess.Popen(command) as server:  # noqa: S603  # our own arguments
        sys.stdout.write(f"MLflow: http://{host}:{port}\n")
        sys.stdout.flush()
        try:
            while _is_running(server, every):
                _try_mirror(settings)
        except KeyboardInterrupt:
            _LOG.info("MLflow ends.")
        finally:
            server.terminate()
    return 0


def _is_running(server: subprocess.Popen[bytes], seconds: float) -> bool:
    """Waits so many seconds; whether the server runs then."""
    until = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < until:
        time.sleep(min(1.0, seconds))
    return server.poll() is None


def _try_mirror(settings: Settings) -> None:
    try:
        _mirror(settings)
    except _FAILURES as error:
        _LOG.warning("The mirror is tried again later: %s", error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mlflow", description="Experiments and backbones in MLflow.")
    commands = parser.add_subparsers(dest="command", required=True)
    once = commands.add_parser("mirror", help="write to MLflow what it lacks, once")
    once.add_argument("--every", type=float, help="again and again, so many seconds apart, until it is stopped")
    once.add_argument("--mark", type=Path, help="with --every: a file that is touched after each mirror that succeeded")
    commands.add_parser("check", help="say where MLflow differs from what is stored; exits with 1 if it does")
    serve = commands.add_parser("serve", help="show MLflow's page on this machine, and mirror again and again")
    serve.add_argument("--host", default="127.0.0.1", help="address that the page listens on")
    serve.add_argument("--port", type=int, default=5001, help="its port")
    serve.add_argument("--every", type=float, default=600.0, help="seconds between two mirrors")
    return parser


if __name__ == "__main__":
    sys.exit(main())
