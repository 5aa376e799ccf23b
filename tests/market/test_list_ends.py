"""The ends of lists that people publish: announcements, and holidays of calendars."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from include.market.announcements import use_announcements_file
from include.market.calendar_definitions import use_calendars_file
from include.market.list_ends import ANNOUNCEMENT, CALENDAR, ListEnd, announcement_ends, calendar_ends

OURS = """
[OURS]
timezone = "UTC"
week = "1111111"
since = "2020-01-01"
hours = [{ open = "00:00", close = "23:00" }]
"""


@pytest.fixture(autouse=True)
def shipped_lists() -> Iterator[None]:
    yield
    use_announcements_file(None)
    use_calendars_file(None)


def test_each_list_of_announcements_ends_on_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "more.toml"
    path.write_text('[jobs_report]\ndays = ["2100-01-08", "2099-12-04"]\n')
    use_announcements_file(path)

    found = {end.name: end for end in announcement_ends()}

    assert found["jobs_report"] == ListEnd(ANNOUNCEMENT, "jobs_report", "jobs report", date(2100, 1, 8))
    assert list(found) == sorted(found)


def test_a_calendar_ends_with_its_published_holidays(tmp_path: Path) -> None:
    path = tmp_path / "calendars.toml"
    path.write_text(OURS + 'published = "2026-12-31"\n')
    use_calendars_file(path)

    assert calendar_ends(["OURS", "OURS"]) == [ListEnd(CALENDAR, "OURS", "calendar OURS", date(2026, 12, 31))]


def test_a_calendar_whose_holidays_nobody_publishes_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "calendars.toml"
    path.write_text(OURS)
    use_calendars_file(path)

    assert calendar_ends(["OURS"]) == []


def test_days_are_counted_until_the_last_day_and_beyond_it() -> None:
    end = ListEnd(ANNOUNCEMENT, "jobs_report", "jobs report", date(2026, 12, 4))

    assert [end.days_left(day) for day in (date(2026, 10, 5), date(2026, 12, 4), date(2026, 12, 5))] == [60, 0, -1]
