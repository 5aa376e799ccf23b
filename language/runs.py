"""Runs: a folder each, with its settings, its checkpoints, the adapter, the merged model and its scores.

A run is named by a hash of its settings and its questions, so the same request continues the same run. Where next:
``steps.py`` for the order of the steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # ships no types

from include.errors import InvalidRequestError
from language.folders import read_json, write_json
from language.run_settings import RunSettings, read_run_settings


@dataclass(frozen=True)
class Home:
    """The folder of everything about language models."""

    folder: Path

    @property
    def data(self) -> Path:
        """The versions of question sets."""
        return self.folder / "data"

    @property
    def files(self) -> Path:
        """Files that people bring."""
        return self.folder / "files"

    @property
    def settings(self) -> Path:
        """The settings of runs, as YAML."""
        return self.folder / "settings"

    @property
    def base(self) -> Path:
        """Base models that people put there."""
        return self.folder / "base"

    @property
    def converted(self) -> Path:
        """Base models that were GGUF files."""
        return self.folder / "converted"

    @property
    def answers(self) -> Path:
        """Answers of models to judging questions."""
        return self.folder / "answers"

    @property
    def runs(self) -> Path:
        """A folder for each run, by its name."""
        return self.folder / "runs"

    @property
    def champion(self) -> Path:
        """The file that names the run whose model is promoted."""
        return self.folder / "champion.json"


@dataclass(frozen=True)
class Run:
    """A run: its name, its folder, its settings and the version of its questions."""

    name: str
    folder: Path
    settings: RunSettings
    data_version: str

    @property
    def checkpoints(self) -> Path:
        """What a training continues from."""
        return self.folder / "checkpoints"

    @property
    def adapter(self) -> Path:
        """The trained adapter."""
        return self.folder / "adapter"

    @property
    def merged(self) -> Path:
        """The base model with the adapter in its weights."""
        return self.folder / "merged"

    @property
    def training(self) -> Path:
        """What the training measured."""
        return self.folder / "training.json"

    @property
    def merging(self) -> Path:
        """What the merging measured."""
        return self.folder / "merging.json"

    @property
    def evaluation(self) -> Path:
        """The scores of the base, of the promoted model and of this one."""
        return self.folder / "evaluation.json"

    @property
    def verdict(self) -> Path:
        """Whether it was promoted, and why."""
        return self.folder / "verdict.json"


_KEPT: Final = "run.json"


def open_new(home: Home, settings: RunSettings, data_version: str, data_sha256: str, as_of: str) -> Run:
    """The run of these settings and questions; it is made if there is none.

    Raises:
        OSError: the folder cannot be written.
    """
    values = asdict(settings)
    said = json.dumps([values | {"data": data_sha256}], sort_keys=True)
    name = f"{settings.name}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    folder = home.runs / name
    if not (folder / _KEPT).exists():
        write_json(folder / _KEPT, {"settings": values, "data_version": data_version, "as_of": as_of})
    return Run(name, folder, settings, data_version)


def open_run(home: Home, name: str) -> Run:
    """A run by its name.

    Raises:
        InvalidRequestError: there is none.
        CheckpointError: its file is damaged.
    """
    folder = home.runs / name
    if Path(name).name != name or not (folder / _KEPT).is_file():
        message = f"There is no run {name!r} in {home.runs}; there are: {', '.join(run_names(home)) or 'none'}."
        raise InvalidRequestError(message)
    kept = read_json(folder / _KEPT)
    settings = read_run_settings(yaml.safe_dump(_plain(kept["settings"])), str(folder / _KEPT))
    return Run(name, folder, settings, kept["data_version"])


def run_names(home: Home) -> list[str]:
    """The names of all runs."""
    return sorted(path.parent.name for path in home.runs.glob(f"*/{_KEPT}")) if home.runs.exists() else []


def promoted(home: Home) -> str | None:
    """The name of the run whose model is promoted; None: none was, and the base models answer.

    Raises:
        CheckpointError: the file that says so is damaged.
    """
    return str(read_json(home.champion)["run"]) if home.champion.exists() else None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without empty texts, which a file of a person would leave out."""
    return {
        name: _plain(value) if isinstance(value, Mapping) else value for name, value in values.items() if value != ""
    }
