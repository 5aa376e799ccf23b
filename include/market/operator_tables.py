"""The tables of a TOML file: one of ours, or one that an operator lays over it.

Where next: ``calendar_definitions.py`` and ``announcements.py``, which say what the keys mean.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from include.errors import SettingsError


def read_tables(path: Path, keys: Collection[str], content: str) -> dict[str, dict[str, Any]]:
    """The file's tables by name; ``content`` says in words what the file should hold.

    Raises:
        SettingsError: the file cannot be read as TOML, has a value outside a table, or a key that is not one of
            ``keys``.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: {content} cannot be read from it ({error})."
        raise SettingsError(message) from error
    for name, table in tables.items():
        unknown = sorted(set(table) - set(keys)) if isinstance(table, dict) else [str(table)]
        if unknown:
            message = f"{path}: [{name}] has {', '.join(unknown)}; known are {', '.join(sorted(keys))}."
            raise SettingsError(message)
    return tables
