"""What a run is to do, before anything heavy is loaded: its folder, its settings, its questions.

Where next: ``steps.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from include.errors import InvalidRequestError
from include.filings.database import open_engine
from include.pipeline.language_models import language_dir
from include.settings import Settings
from language.data_sets import save_data_set
from language.examples import Example
from language.material import from_files, from_filings
from language.run_settings import DataSettings, RunSettings, read_run_settings
from language.runs import Home
from language.splitting import split


def home_of(settings: Settings) -> Home:
    """The folder of language models that the settings name."""
    return Home(language_dir(settings))


def read_wanted(home: Home, name: str) -> RunSettings:
    """The settings of a run in the file of this name.

    Raises:
        InvalidRequestError: there is no such file.
        SettingsError: a value is wrong.
    """
    path = home.settings / name
    if Path(name).name != name or not path.is_file():
        there = sorted(each.name for each in home.settings.glob("*.yaml"))
        message = (
            f"There are no settings {name!r} in {home.settings}; there are: {', '.join(there) or 'none'}. Copy "
            "examples/language.yaml there."
        )
        raise InvalidRequestError(message)
    return read_run_settings(path.read_text(encoding="utf-8"), name)


def make_data_set(settings: Settings, home: Home, wanted: DataSettings, as_of: datetime) -> str:
    """Makes a version of questions from the stored filings and the files; its name.

    Raises:
        InvalidRequestError: a file cannot be read, or there are too few questions.
        DataContractError: a file has another form.
    """
    examples, origins = from_files(wanted.files, home.files)
    with open_engine(settings) as engine:
        more, filed = from_filings(engine, wanted, as_of)
    made = asdict(wanted)
    return save_data_set(home.data, split([*more, *examples], wanted.test_ratio), [*filed, *origins], made, as_of)


def choose(test: Sequence[Example], count: int) -> list[Example]:
    """So many judging questions, of each kind as evenly as there are, chosen by their hashes."""
    by_kind: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(test, key=lambda each: each.key):
        by_kind[str(example.kind)].append(example)
    chosen: list[Example] = []
    place = 0
    while len(chosen) < min(count, len(test)):
        chosen += [of_kind[place] for of_kind in by_kind.values() if place < len(of_kind)]
        place += 1
    return sorted(chosen[:count], key=lambda each: each.key)
