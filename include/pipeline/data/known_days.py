"""Measures for how many days the lists that people publish still reach: announcements, and holidays of calendars.

Where next: ``market/list_ends.py`` for the ends, ``bi.metric`` for the measurements of the newest hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from include.market.list_ends import announcement_ends, calendar_ends
from include.pipeline.measures import record

PREFIX: Final = "days_known"
"""First part of the names of these measurements; the kind of the list and its name follow, each after a dot."""


def measure_known_days(calendars: Iterable[str], as_of: datetime) -> None:
    """Records for the stage that runs how many days after ``as_of`` each list ends; below 0 for one that has ended.

    Raises:
        DataContractError: there is no such calendar.
    """
    for end in [*announcement_ends(), *calendar_ends(calendars)]:
        record(f"{PREFIX}.{end.kind}.{end.name}", end.days_left(as_of.date()))
