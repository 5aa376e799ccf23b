from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from include.contracts import Announcement
from include.market.announcements import CONSUMER_PRICES, EMPLOYMENT, RATE_DECISIONS, announced
from include.market.grid import HOUR, MINUTE


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


@pytest.mark.parametrize("days", [RATE_DECISIONS, CONSUMER_PRICES, EMPLOYMENT])
def test_the_lists_are_working_days_in_order_at_least_two_weeks_apart(days: str) -> None:
    dates = [date.fromisoformat(day) for day in days.split()]
    assert all((later - earlier).days >= 14 for earlier, later in pairwise(dates))
    assert all(day.weekday() < 5 for day in dates)


@pytest.mark.parametrize(("days", "count"), [(RATE_DECISIONS, 8), (CONSUMER_PRICES, 12), (EMPLOYMENT, 12)])
def test_the_lists_hold_every_announcement_of_a_year_but_those_that_a_closed_government_left_out(
    days: str, count: int
) -> None:
    by_year = pd.Series([day[:4] for day in days.split()]).value_counts()
    left_out = {"2025": 1} if count == 12 else {}
    for year in ("2022", "2023", "2024", "2025", "2026"):
        assert by_year[year] == count - left_out.get(year, 0)
