from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.contracts import Announcement
from include.errors import DataContractError, SettingsError
from include.market import sources
from include.market.announcements import announced, announcements, describe_announcements, use_announcements_file
from include.market.grid import HOUR, MINUTE
from include.settings import MarketSettings


def micros(text: str) -> np.int64:
    """An instant of New York's clocks."""
    return np.int64(pd.Timestamp(text, tz="America/New_York").value // 1000)


def kind(earlier: str, later: str) -> int:
    return int(announced(np.array([micros(earlier)]), np.array([micros(later)]))[0])


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ("2024-12-18 12:30", "2024-12-18 13:30", Announcement.NONE),
        ("2024-12-18 13:30", "2024-12-18 14:30", Announcement.DECISION),
        ("2024-12-18 14:30", "2024-12-18 15:30", Announcement.DECISION),
        ("2024-12-18 15:30", "2024-12-18 16:00", Announcement.AFTERMATH),
        ("2024-12-18 16:00", "2024-12-18 17:00", Announcement.NONE),
        ("2024-12-18 13:00", "2024-12-18 14:00", Announcement.NONE),
        ("2024-12-18 14:00", "2024-12-18 15:00", Announcement.DECISION),
        ("2024-12-18 15:00", "2024-12-18 16:00", Announcement.AFTERMATH),
        ("2024-12-17 16:00", "2024-12-18 10:30", Announcement.NONE),
        ("2024-12-10 16:00", "2024-12-11 10:30", Announcement.FIGURES),
        ("2024-12-11 08:00", "2024-12-11 09:00", Announcement.FIGURES),
        ("2024-12-11 07:30", "2024-12-11 08:30", Announcement.NONE),
        ("2024-12-11 08:30", "2024-12-11 09:30", Announcement.FIGURES),
        ("2024-12-05 16:00", "2024-12-06 10:30", Announcement.FIGURES),
        ("2024-12-18 11:00", "2024-12-19 03:00", Announcement.DECISION),
        ("2024-12-18 15:00", "2024-12-19 03:00", Announcement.NONE),
        ("2031-05-07 13:30", "2031-05-07 14:30", Announcement.NONE),
    ],
    ids=[
        "before",
        "New York's bar with the decision",
        "with the press conference",
        "the rest of its day",
        "after it",
        "up to the decision",
        "the full hour with it",
        "the full hour after it",
        "the night before it",
        "a night with the consumer prices",
        "their hour",
        "up to them",
        "from them on",
        "a night with the employment report",
        "a night that holds the decision",
        "a night that begins after it",
        "beyond the lists",
    ],
)
def test_a_stretch_holds_what_is_announced_from_its_start_up_to_its_end(
    earlier: str, later: str, expected: Announcement
) -> None:
    assert kind(earlier, later) == expected


def test_every_hour_of_a_year_together_holds_each_announcement_once() -> None:
    hours = np.arange(micros("2024-01-01"), micros("2025-01-01"), HOUR)
    kinds = announced(hours, hours + HOUR)
    assert (kinds == Announcement.DECISION).sum() == 8
    assert (kinds == Announcement.AFTERMATH).sum() == 8
    assert (kinds == Announcement.FIGURES).sum() == 24


def test_summer_time_moves_an_announcement_by_an_hour_of_utc() -> None:
    texts = ("2024-01-31 19:00", "2024-07-31 18:00")
    starts = np.array([pd.Timestamp(text, tz="UTC").value // 1000 for text in texts])
    assert announced(starts, starts + MINUTE).tolist() == [Announcement.DECISION] * 2


def test_any_shape_is_answered_in_that_shape() -> None:
    starts = np.full((3, 2), micros("2024-12-18 14:00"))
    assert announced(starts, starts + HOUR).shape == (3, 2)


@pytest.mark.parametrize(
    ("name", "kind", "clock", "count", "digest"),
    [
        ("rate_decision", Announcement.DECISION, time(14), 49, "533e5674bf45a9eb"),
        ("consumer_prices", Announcement.FIGURES, time(8, 30), 59, "ff5552eb98fbde14"),
        ("jobs_report", Announcement.FIGURES, time(8, 30), 59, "9742e329c694a752"),
    ],
)
def test_the_shipped_days_until_2028_are_these_to_the_last(
    name: str, kind: Announcement, clock: time, count: int, digest: str
) -> None:
    series = announcements()[name]
    days = [str(day) for day in series.days if day.year < 2027 or name == "rate_decision"][:count]
    assert (series.kind, series.clock, len(days)) == (kind, clock, count)
    assert hashlib.sha256(" ".join(days).encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("name", list(announcements()))
def test_the_lists_are_working_days_at_least_two_weeks_apart(name: str) -> None:
    days = announcements()[name].days
    assert all((later - earlier).days >= 14 for earlier, later in pairwise(days))
    assert all(day.weekday() < 5 for day in days)


@pytest.mark.parametrize(("name", "count"), [("rate_decision", 8), ("consumer_prices", 12), ("jobs_report", 12)])
def test_the_lists_hold_every_announcement_of_a_year_but_those_that_a_closed_government_left_out(
    name: str, count: int
) -> None:
    by_year = pd.Series([day.year for day in announcements()[name].days]).value_counts()
    left_out = {2025: 1} if count == 12 else {}
    for year in range(2022, 2027):
        assert by_year[year] == count - left_out.get(year, 0)


@pytest.mark.parametrize(
    ("earlier", "later", "texts"),
    [
        ("2024-12-18 13:30", "2024-12-18 14:30", ["rate decision at 14:00"]),
        ("2024-12-18 14:30", "2024-12-18 15:30", []),
        ("2024-12-18 14:00", "2024-12-18 15:00", ["rate decision at 14:00"]),
        ("2024-12-18 13:00", "2024-12-18 14:00", []),
        ("2024-12-10 16:00", "2024-12-11 10:30", ["consumer prices at 08:30"]),
        ("2024-12-05 16:00", "2024-12-06 10:30", ["jobs report at 08:30"]),
        ("2024-06-12 00:00", "2024-06-13 00:00", ["consumer prices at 08:30", "rate decision at 14:00"]),
    ],
    ids=["decision", "its press conference", "from it on", "up to it", "prices", "jobs", "two of a day"],
)
def test_what_is_published_in_a_stretch_is_named_with_new_yorks_time(
    earlier: str, later: str, texts: list[str]
) -> None:
    bounds = [pd.Timestamp(text, tz="America/New_York").to_pydatetime() for text in (earlier, later)]
    assert describe_announcements(bounds[0], bounds[1]) == texts


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(DataContractError, match="time zone"):
        describe_announcements(datetime(2024, 12, 18), datetime(2024, 12, 19, tzinfo=UTC))  # noqa: DTZ001  # the case


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    def file(text: str) -> Path:
        path = tmp_path / "announcements.toml"
        path.write_text(text, encoding="utf-8")
        return path

    yield file
    use_announcements_file(None)


def test_an_operator_adds_and_moves_days_and_names_other_announcements(write: Write) -> None:
    use_announcements_file(
        write(
            '[consumer_prices]\ndays = ["2031-05-13"]\nwithout = ["2024-12-11"]\n'
            '[payrolls]\ntext = "private payrolls"\nkind = "figures"\ntime = "08:15"\ndays = ["2031-05-07"]\n'
        )
    )
    assert kind("2031-05-13 08:00", "2031-05-13 09:00") == Announcement.FIGURES
    assert kind("2031-05-07 08:00", "2031-05-07 09:00") == Announcement.FIGURES
    assert kind("2024-12-11 08:00", "2024-12-11 09:00") == Announcement.NONE
    assert kind("2024-11-13 08:00", "2024-11-13 09:00") == Announcement.FIGURES  # ours
    assert announcements()["payrolls"].text == "private payrolls"
    use_announcements_file(None)
    assert kind("2024-12-11 08:00", "2024-12-11 09:00") == Announcement.FIGURES
    assert kind("2031-05-13 08:00", "2031-05-13 09:00") == Announcement.NONE


def test_opening_the_sources_uses_the_file_of_the_settings(write: Write) -> None:
    sources.open_sources(MarketSettings(announcements_file=write('[jobs_report]\ndays = ["2031-05-02"]\n')))
    assert kind("2031-05-02 08:00", "2031-05-02 09:00") == Announcement.FIGURES
    sources.open_sources(MarketSettings())
    assert kind("2031-05-02 08:00", "2031-05-02 09:00") == Announcement.NONE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[jobs_report", "cannot be read"),
        ('[jobs_report]\ndates = ["2031-05-02"]', "has dates; known are days"),
        ('days = ["2031-05-02"]', "days"),
        ('[jobs_report]\ndays = ["2 May"]', "jobs_report.* makes no sense"),
        ("[jobs_report]\ndays = [2031-05-02]", "jobs_report.* makes no sense"),
        ('[jobs_report]\nkind = "party"', "jobs_report.* makes no sense.*party"),
        ('[payrolls]\ndays = ["2031-05-07"]', "payrolls.* makes no sense"),
    ],
    ids=["no TOML", "an unknown key", "no table", "no date", "a date without quotes", "no kind", "no time"],
)
def test_a_file_that_makes_no_sense_is_refused_and_not_used(text: str, reason: str, write: Write) -> None:
    before = announcements()
    with pytest.raises(SettingsError, match=reason):
        use_announcements_file(write(text))
    assert announcements() is before


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        use_announcements_file(Path("/nowhere/announcements.toml"))
