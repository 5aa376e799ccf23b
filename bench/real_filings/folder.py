"""The filings of a folder in a temporary database: full submissions of the SEC, and reports of DART."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.database import temporary_product
from include.errors import HourcastError, InvalidRequestError
from include.filings import loading
from include.filings.contracts import Filing, RawDocument
from include.filings.files import read_file
from include.store.engine import Engine, execute, transaction

NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""An instant at which every filing is known."""


def read_folder(folder: Path) -> list[tuple[Path, Filing, tuple[RawDocument, ...]]]:
    """The filings in the files of a folder, by name; a file that is none is left out.

    Raises:
        InvalidRequestError: the folder has no filing.
    """
    found = []
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        try:
            found.append((path, *read_file(path)))
        except HourcastError:
            continue
    if not found:
        message = f"{folder} has no filing; put full submissions of the SEC or reports of DART there."
        raise InvalidRequestError(message)
    return found


@contextmanager
def loaded(folder: Path) -> Iterator[Engine]:
    """A database with the filings of a folder, converted and cut; it is removed when the block ends.

    Raises:
        InvalidRequestError: the folder has no filing.
    """
    filings = read_folder(folder)
    with temporary_product() as services:
        for path, filing, _ in filings:
            with transaction(services.engine) as connection:
                loading.keep(connection, filing, path.read_bytes(), filing.accepted_at)
        loading.convert_kept(services.engine)
        with transaction(services.engine) as connection:
            execute(connection, "analyze filings.chunk")
        yield services.engine
