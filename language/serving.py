"""A tuned or a base model behind an OpenAI-compatible address on this machine: the server of transformers.

Only 127.0.0.1 is served, without a key, and a model in a folder is read without a network. The server is a program of
its own that replaces this process. Where next: ``include/filings/chat.py``, which asks such an address.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from include.errors import InvalidRequestError, SettingsError, UnfinishedRunError
from include.local.ports import HOST, is_free
from language.runs import Home, Run, open_run, promoted, run_names

PORT: Final = 8011
_PORTS: Final = 65_536


@dataclass(frozen=True)
class Plan:
    """What the server is started with: the folder that it runs in, its command, and what its environment has more."""

    folder: Path
    model: str
    port: int
    command: tuple[str, ...]
    more: Mapping[str, str]

    def in_words(self) -> str:
        """The two settings with which Hourcast asks this server."""
        return (
            f"Serving {self.model} on {HOST} until Ctrl-C. For answers from filings set:\n"
            f"export HOURCAST_LANGUAGE_MODEL_URL=http://{HOST}:{self.port}/v1\n"
            f"export HOURCAST_LANGUAGE_MODEL_NAME={self.model}"
        )


def run_to_serve(home: Home, name: str | None) -> Run:
    """The run of this name, or else the promoted one; its merged model is there.

    Raises:
        InvalidRequestError: there is no such run, or none is promoted.
        UnfinishedRunError: its model is not merged, or not on this machine.
    """
    chosen = name or promoted(home)
    if chosen is None:
        message = (
            f"No run is promoted, so name one; there are: {', '.join(run_names(home)) or 'none'}. --base SETTINGS "
            "serves a base model."
        )
        raise InvalidRequestError(message)
    run = open_run(home, chosen)
    if not (run.merged / "config.json").is_file():
        message = f"Run {chosen} has no merged model here; make it with: make tune ARGS='merge {chosen}'"
        raise UnfinishedRunError(message)
    return run


def plan(home: Home, place: str, port: int, device: str, threads: int) -> Plan:
    """How the model in the folder ``place``, or of that name at the hub, is served.

    Its name is its path below the folder of language models, because the server answers to the path alone.

    Raises:
        SettingsError: the port is taken.
    """
    if not 0 < port < _PORTS or not is_free(port):
        message = f"Port {port} of {HOST} is no port, or taken; choose another one with --port."
        raise SettingsError(message)
    path = Path(place)
    is_folder = path.is_dir()
    name = str(path.relative_to(home.folder)) if is_folder and path.is_relative_to(home.folder) else place
    command = (
        sys.executable, "-m", "transformers.cli.transformers", "serve", name,
        "--host", HOST, "--port", str(port), "--device", device,
    )  # fmt: skip
    more = {
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    } | ({"HF_HUB_OFFLINE": "1"} if is_folder else {})
    return Plan(home.folder, name, port, command, more)


def start(wanted: Plan, environment: Mapping[str, str]) -> NoReturn:
    """Becomes the server, with this environment and what the plan adds."""
    os.chdir(wanted.folder)
    os.execve(wanted.command[0], wanted.command, {**environment, **wanted.more})  # noqa: S606  # our own arguments
