"""When lists that people publish end: the days of announcements, and the holidays of calendars.

After its end a list is silent: no announcement is expected, and every trading day has the usual hours. So somebody must
add the next year before. No clock. Where next: ``local/doctor/configuration.py`` and ``bi.metric``, which warn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from include.market.announcements import announcements
from include.market.calendar_definitions import calendars_file, definition_of
from include.market.sessions import published_until

ANNOUNCEMENT = "announcement"
CALENDAR = "calendar"


@dataclass(frozen=True)
class ListEnd:
    """The last day that a list knows. ``kind``: ``ANNOUNCEMENT`` or ``CALENDAR``; ``text`` is the list's for people."""

    kind: str
    name: str
    text: str
    ends_on: date

    def days_left(self, today: date) -> int:
        """Days from ``today`` until the last day that the list knows; below 0 after it."""
        return (self.ends_on - today).days


def announcement_ends() -> list[ListEnd]:
    """The end of each list of announcements that has a day, by name."""
    return [
        ListEnd(ANNOUNCEMENT, name, series.text, series.days[-1])
        for name, series in sorted(announcements().items())
        if series.days
    ]


def calendar_ends(calendars: Iterable[str]) -> list[ListEnd]:
    """The end of the published holidays of these calendars, by name.

    A calendar whose holidays nobody publishes is left out.

    Raises:
        DataContractError: there is no such calendar.
    """
    path = calendars_file()
    found = {name: definition_of(name, path) for name in sorted(set(calendars))}
    return [
        ListEnd(CALENDAR, name, f"calendar {name}", published_until(name))
        for name, definition in found.items()
        if definition.library is not None or definition.published is not None
    ]
