"""Where the weekly reports lie: the folder ``reports`` beside the model artefacts, in the same folder or object store.

A report is named by the last day of its week, so a second run of the week replaces it. Where next:
``pipeline/weekly`` writes them, ``plugins/forecasts/reports.py`` shows them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal

from include.artefacts.opening import open_store
from include.artefacts.store import ArtefactStore
from include.settings import ModelSettings

Kind = Literal["html", "pdf"]

FOLDER: Final = "reports"
_NAME: Final = re.compile(r"weekly-(\d{4}-\d\d-\d\d)\.(html|pdf)")


def report_store(model: ModelSettings) -> ArtefactStore:
    """The store of the reports that the settings describe; nothing is read.

    Raises:
        SettingsError: ``HOURCAST_ARTIFACTS_URI`` is no address that fsspec knows.
    """
    return open_store(model).below(FOLDER)


def report_name(day: date, kind: Kind) -> str:
    """The file of the report whose week ended on this day (UTC)."""
    return f"weekly-{day.isoformat()}.{kind}"


def report_days(store: ArtefactStore) -> dict[date, list[str]]:
    """The days of all reports, newest first, each with the kinds that exist.

    Raises:
        ArtefactStoreUnavailableError: the store cannot be reached now.
    """
    found: dict[date, list[str]] = {}
    for name in store.files("weekly-"):
        match = _NAME.fullmatch(name)
        if match:
            found.setdefault(date.fromisoformat(match[1]), []).append(match[2])
    return {day: sorted(found[day]) for day in sorted(found, reverse=True)}
