"""The questions of a run: from the filings in the database, and from the files that its settings name.

Where next: ``questions.py`` and ``brought.py`` make the questions, ``data_sets.py`` keeps them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from include.errors import InvalidRequestError
from include.store.engine import Engine, transaction
from include.store.filings_passages import load_known_filings, load_passages
from language.brought import read_questions
from language.data_sets import Origin
from language.examples import Example
from language.questions import Limits, make_examples
from language.run_settings import BroughtFile, DataSettings

_LICENCES = {
    "edgar": "public disclosure, filed with the SEC",
    "dart": "public disclosure, filed with DART",
}


def from_filings(engine: Engine, settings: DataSettings, as_of: datetime) -> tuple[list[Example], list[Origin]]:
    """The questions about all filings that were known at ``as_of`` (UTC), and where they are from.

    Raises:
        StoreUnavailableError: the database cannot be reached.
    """
    limits = Limits(settings.per_kind, settings.passages)
    examples: list[Example] = []
    origins: list[Origin] = []
    with transaction(engine) as connection:
        for filing in load_known_filings(connection, as_of, settings.companies or None):
            made = make_examples(filing, load_passages(connection, filing.version_id), limits)
            examples += made
            if made:
                origins.append(Origin(filing.receipt, filing.source, _LICENCES[filing.source], filing.sha256))
    return examples, origins


def from_files(files: Sequence[BroughtFile], folder: Path) -> tuple[list[Example], list[Origin]]:
    """The questions of the files, which are in ``folder`` or have an absolute path, and where they are from.

    Raises:
        InvalidRequestError: a file cannot be read.
        DataContractError: a file has another form than the settings say.
    """
    examples: list[Example] = []
    origins: list[Origin] = []
    for file in files:
        path = folder / file.path
        try:
            content = path.read_bytes()
        except OSError as error:
            message = f"The file of questions {path} cannot be read: {error.strerror}. Put it there, or correct 'path'."
            raise InvalidRequestError(message) from error
        examples += read_questions(content, file.form, path.name)
        origins.append(Origin(path.name, file.source, file.licence, hashlib.sha256(content).hexdigest()))
    return examples, origins
