from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from include.errors import DataContractError
from include.market.calendar_definitions import Definition, Hours
from include.market.calendar_library import NOT_A_TIME, library_sessions
from include.market.calendars import local_instants, sessions_of
from include.market.grid import grid_of
from include.market.sessions import bar_grid, published_until, timezone_of


def hours_of(calendar: str, day: str) -> list[str]:
    """The local opening times of the bars of the session of this day, and the last one's close."""
    zone = ZoneInfo(timezone_of(calendar))
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    bars = bar_grid(calendar, midnight - timedelta(days=1), midnight + timedelta(days=2))
    bars = bars[bars["session_date"] == day]
    instants = [*bars["opened_at"], *bars["closed_at"].iloc[-1:]]
    return [instant.tz_convert(zone).strftime("%H:%M") for instant in instants]


def every_hour(first: int, last: int, close: str) -> list[str]:
    return [*(f"{hour:02}:00" for hour in range(first, last + 1)), close]


@pytest.mark.parametrize("day", ["2021-11-18", "2022-11-17", "2023-11-16", "2024-11-14", "2025-11-13", "2026-11-19"])
def test_seoul_opens_an_hour_later_on_exam_days(day: str) -> None:
    assert hours_of("XKRX", day) == every_hour(10, 14, "15:00")


@pytest.mark.parametrize("day", ["2026-06-03", "2026-07-17"])
def test_seoul_rests_on_the_days_that_the_library_lacks(day: str) -> None:
    assert hours_of("XKRX", day) == []


def test_nothing_else_of_seoul_is_changed() -> None:
    listed, grid = library_sessions("XKRX"), grid_of("XKRX")
    days, firsts = np.unique(grid.session_day, return_index=True)
    is_kept = np.isin(listed.days, days)
    gone = [date(1970, 1, 1) + timedelta(days=int(day)) for day in listed.days[~is_kept]]
    assert gone == [date(2026, 6, 3), date(2026, 7, 17)]
    assert (grid.opened[firsts] != listed.opens[is_kept]).sum() == 6


@pytest.mark.parametrize(
    ("calendar", "day", "hours"),
    [
        ("XMEX", "2026-07-15", ["07:30", "08:30", "09:30", "10:30", "11:30", "12:30", "13:30", "14:00"]),
        ("XMEX", "2026-12-15", ["08:30", "09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:00"]),
        ("XBOM", "2026-02-01", ["09:15", "10:15", "11:15", "12:15", "13:15", "14:15", "15:15", "15:30"]),
        ("XBUE", "2025-07-25", every_hour(11, 16, "17:00")),
        ("XBUE", "2025-07-28", ["10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:30", "17:00"]),
        ("XBUE", "2025-12-24", ["10:30", "11:30", "12:30", "13:00"]),
        ("XBUE-eleven", "2025-07-28", every_hour(11, 16, "17:00")),
        ("XBKK", "2024-03-22", ["10:00", "11:00", "12:00", "14:30", "15:30", "16:30"]),
        ("XBKK", "2024-03-25", ["10:00", "11:00", "12:00", "14:00", "15:00", "16:00", "16:30"]),
        ("XIDX", "2026-10-15", ["09:00", "10:00", "11:00", "13:30", "14:30", "15:30", "15:50"]),
        ("XIDX", "2026-10-16", ["09:00", "10:00", "11:00", "14:00", "15:00", "15:50"]),
        ("XIDX-unbroken", "2026-10-15", ["09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "15:50"]),
        ("XIDX-unbroken", "2026-10-16", ["09:00", "10:00", "11:00", "14:00", "15:00", "15:50"]),
        ("XHKG-unbroken", "2026-10-15", ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00"]),
        ("XHKG-unbroken", "2026-12-24", ["09:30", "10:30", "11:30", "12:00"]),
        ("XTKS-unbroken", "2026-10-15", every_hour(9, 15, "15:30")),
        ("XSHG-unbroken", "2026-10-15", ["09:30", "10:30", "12:30", "13:30", "14:30", "15:00"]),
        ("XKLS", "2026-10-15", ["09:00", "10:00", "11:00", "12:00", "14:30", "15:30", "16:30", "17:00"]),
        ("XKLS-unbroken", "2026-10-15", ["09:00", "10:00", "11:00", "12:00", "14:00", "15:00", "16:00", "17:00"]),
        ("XPHS", "2026-10-15", ["09:30", "10:30", "11:30", "13:00", "14:00", "15:00"]),
        ("XSAU", "2026-10-15", every_hour(10, 14, "15:00")),
        ("XTAE", "2025-12-28", ["09:59", "10:59", "11:59", "12:59", "13:59", "14:59", "15:40"]),  # a Sunday
        ("XTAE", "2026-01-11", []),  # a Sunday
        ("XTAE", "2026-01-16", ["09:59", "10:59", "11:59", "12:59", "13:50"]),  # a Friday
        ("XTAE-ten", "2026-01-15", every_hour(10, 17, "17:15")),
        ("ASEX", "2026-04-10", []),  # Orthodox Good Friday
        ("ASEX", "2026-04-15", every_hour(10, 17, "17:20")),
        ("XBSE", "2026-04-13", []),  # Orthodox Easter Monday
        ("XDFM", "2026-03-19", []),
        ("XCAI", "2026-10-18", every_hour(10, 14, "14:30")),  # a Sunday
        ("XCAI", "2026-10-16", []),  # a Friday
        ("XKUW", "2025-10-09", every_hour(9, 12, "12:40")),
        ("XKUW", "2025-10-12", every_hour(9, 13, "13:10")),
        ("CMES", "2026-10-14", [*every_hour(18, 23, "00:00"), *every_hour(1, 16, "17:00")]),
        ("CMES", "2026-09-07", [*every_hour(18, 23, "00:00"), *every_hour(1, 12, "13:00")]),  # Labor Day
        ("CMES", "2026-12-25", []),
    ],
)
def test_a_calendar_has_the_hours_of_its_exchange(calendar: str, day: str, hours: list[str]) -> None:
    assert hours_of(calendar, day) == hours


def test_the_week_of_futures_goes_from_sunday_evening_to_friday_afternoon() -> None:
    zone = ZoneInfo("America/New_York")
    bars = bar_grid("CMES", datetime(2026, 10, 17, tzinfo=zone), datetime(2026, 10, 24, tzinfo=zone))
    local = bars["opened_at"].dt.tz_convert(zone)
    assert local.iloc[0].strftime("%a %H:%M") == "Sun 18:00"
    assert local.iloc[-1].strftime("%a %H:%M") == "Fri 16:00"
    assert (local.dt.hour != 17).all()
    assert len(bars) == 5 * 23


def test_grains_pause_in_the_morning() -> None:
    hours = hours_of("CMES-grains", "2026-10-14")
    assert hours[:2] == ["19:00", "20:00"]
    assert hours[12:] == ["07:00", "08:30", "09:30", "10:30", "11:30", "12:30", "13:20"]


@pytest.mark.parametrize(
    ("calendar", "until", "days", "hours"),
    [
        ("XSES", date(2026, 12, 31), ["2027-01-01", "2032-12-31"], every_hour(9, 16, "17:00")),
        ("XSAU", date(2029, 12, 31), ["2030-01-06", "2032-12-30"], every_hour(10, 14, "15:00")),
        ("XSHG", date(2026, 12, 31), ["2027-02-08"], ["09:30", "10:30", "13:00", "14:00", "15:00"]),
    ],
)
def test_after_the_last_published_holidays_every_trading_day_is_a_session(
    calendar: str, until: date, days: list[str], hours: list[str]
) -> None:
    assert published_until(calendar) == until
    assert [hours_of(calendar, day) for day in days] == [hours] * len(days)
    assert hours_of(calendar, "2032-12-25") == []  # a Saturday


def test_what_nobody_publishes_is_assumed_from_the_first_day_on() -> None:
    assert published_until("XQAT") < date(2015, 1, 2)
    assert published_until("XDFM") == date(2026, 12, 31)


def rule(opens: int, closes: int | None = None, pause: tuple[int, int] | None = None) -> Hours:
    return Hours(first_day=0, weekday=None, opens=opens, closes=closes, pause=pause, clock=None)


def test_a_calendar_without_hours_is_refused() -> None:
    with pytest.raises(DataContractError, match="do not close after they open"):
        sessions_of(Definition(None, "UTC", "1111100", hours=(rule(600),)))
    with pytest.raises(DataContractError, match="do not close after they open"):
        sessions_of(Definition(None, "UTC", "1111100", hours=(rule(600, 540),)))


def test_a_pause_outside_the_hours_is_none_and_one_within_a_bar_is_not_cut_twice() -> None:
    outside = Definition(None, "UTC", "1111100", hours=(rule(600, 720, (720, 780)),))
    within = Definition(None, "UTC", "1111100", is_unbroken=True, hours=(rule(600, 900, (735, 765)),))
    for definition in (outside, within):
        assert (sessions_of(definition).pauses == NOT_A_TIME).all()


def test_a_clock_that_changes_moves_the_instants_not_the_hours() -> None:
    days = np.array([date(2026, 1, 15).toordinal(), date(2026, 7, 15).toordinal()]) - date(1970, 1, 1).toordinal()
    instants = local_instants(days, 570, "America/New_York") // 60_000_000 % 1440
    assert instants.tolist() == [14 * 60 + 30, 13 * 60 + 30]
