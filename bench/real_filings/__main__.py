"""`python -m bench.real_filings FOLDER`: how well filings of a folder are converted, found and answered from.

The folder has full submissions of the SEC and reports of DART. The questions and sentences are about the filings that
docs/filings.md names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.real_filings import answers, sentences, tables
from bench.real_filings.folder import loaded
from bench.results import Section, table
from include.errors import HourcastError
from include.store.engine import Engine

READ: Final[dict[str, Callable[[Path], Section]]] = {"tables": tables.measure}
"""Measurements on the files."""
STORED: Final[dict[str, Callable[[Engine], Section]]] = {"answers": answers.measure, "sentences": sentences.measure}
"""Measurements on the filings in a database."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints tables; 1 if the folder has no filing."""
    parser = argparse.ArgumentParser(prog="python -m bench.real_filings", description="Measures on real filings.")
    parser.add_argument("folder", type=Path, help="a folder of full submissions of the SEC and reports of DART")
    parser.add_argument(
        "--only", action="append", choices=sorted((*READ, *STORED)), help="one of them; can be repeated"
    )
    chosen = parser.parse_args(arguments)
    names = chosen.only or sorted((*READ, *STORED))
    try:
        for name in (name for name in names if name in READ):
            _print(name, READ[name](chosen.folder))
        stored = [name for name in names if name in STORED]
        if stored:
            with loaded(chosen.folder) as engine:
                for name in stored:
                    _print(name, STORED[name](engine))
    except HourcastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _print(name: str, section: Section) -> None:
    sys.stdout.write("\n".join((name, table(section.rows), *section.notes, "")) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
