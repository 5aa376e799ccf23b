from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from include.errors import DataContractError, SettingsError
from include.market.calendar_definitions import calendars_file, definition_of, use_calendars_file
from include.market.extended_hours import Night, kinds_of, night_of, refreshes_between

NEW_YORK = ZoneInfo("America/New_York")
ALL = 8
MINUTE = 35

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    def use(text: str) -> Path:
        path = tmp_path / "calendars.toml"
        path.write_text(text, encoding="utf-8")
        return path

    yield use
    use_calendars_file(None)


def local(text: str) -> datetime:
    """The instant of a New York clock."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def night(text: str, limit: int = ALL) -> Night | None:
    return night_of("XNYS", local(text), limit)


def entry(text: str, limit: int = ALL) -> str | None:
    found = night(text, limit)
    return None if found is None else found.entry


def test_an_evening_counts_from_the_close_and_ends_at_the_next_open() -> None:
    assert night("2026-11-19T18:35") == Night(
        calendar="XNYS",
        closed_at=local("2026-11-19T16:00"),
        opens_at=local("2026-11-20T09:30"),
        starts_at=local("2026-11-19T16:00"),
        is_evening=True,
        clock_minutes=18 * 60 + 35,
        entry="18:00",
        calm_at=local("2026-11-19T18:00"),
    )


def test_a_morning_counts_from_the_opening_of_the_extended_hours() -> None:
    assert night("2026-11-20T08:35") == Night(
        calendar="XNYS",
        closed_at=local("2026-11-19T16:00"),
        opens_at=local("2026-11-20T09:30"),
        starts_at=local("2026-11-20T04:00"),
        is_evening=False,
        clock_minutes=8 * 60 + 35,
        entry="08:00",
        calm_at=None,
    )


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("03:59", None),
        ("04:00", "04:00"),
        ("04:35", "04:00"),
        ("04:59", "04:00"),
        ("05:00", "05:00"),
        ("08:59", "08:00"),
        ("09:00", None),
        ("09:24", None),
        ("09:25", "09:25"),
        ("09:29", "09:25"),
        ("09:30", None),
        ("09:35", None),
        ("15:35", None),
        ("16:35", None),
        ("17:35", None),
        ("18:00", "18:00"),
        ("18:59", "18:00"),
        ("19:35", None),
        ("20:35", "20:00"),
        ("21:00", None),
        ("23:35", None),
    ],
)
def test_a_refresh_lasts_until_its_hour_ends_or_the_session_opens(clock: str, expected: str | None) -> None:
    assert entry(f"2026-11-19T{clock}") == expected


def test_fewer_refreshes_are_those_that_gain_most() -> None:
    clocks = ["18:35", "20:35", "04:35", "05:35", "06:35", "07:35", "08:35", "09:25"]
    found = [[clock for clock in clocks if entry(f"2026-11-19T{clock}", limit)] for limit in range(9)]
    assert found[:4] == [[], ["08:35"], ["08:35", "09:25"], ["20:35", "08:35", "09:25"]]
    assert [len(clocks) for clocks in found] == list(range(9))


def test_weekends_and_holidays_have_no_refresh() -> None:
    assert entry("2026-11-20T20:35") == "20:00"  # Friday evening: the session on Monday is next
    found = night("2026-11-20T20:35")
    assert found is not None
    assert found.opens_at == local("2026-11-23T09:30")
    assert entry("2026-11-21T08:35") is None
    assert entry("2026-11-22T18:35") is None
    assert entry("2026-11-26T08:35") is None  # Thanksgiving
    assert entry("2026-11-26T18:35") is None
    monday = night("2026-11-23T06:35")
    assert monday is not None
    assert (monday.closed_at, monday.starts_at) == (local("2026-11-20T16:00"), local("2026-11-23T04:00"))


def test_a_half_day_closes_at_one() -> None:
    evening = night("2026-11-27T18:35")
    assert evening is not None
    assert (evening.closed_at, evening.starts_at) == (local("2026-11-27T13:00"), local("2026-11-27T13:00"))
    assert evening.calm_at == local("2026-11-27T18:00")
    morning = night("2026-11-30T08:35")
    assert morning is not None
    assert morning.closed_at == local("2026-11-27T13:00")


@pytest.mark.parametrize(
    ("as_of", "closed_at", "starts_at"),
    [
        ("2026-03-06T13:35", "2026-03-05T21:00", "2026-03-06T09:00"),  # before the clocks go forward
        ("2026-03-09T12:35", "2026-03-06T21:00", "2026-03-09T08:00"),  # after it
        ("2026-10-30T12:35", "2026-10-29T20:00", "2026-10-30T08:00"),  # before the clocks go back
        ("2026-11-02T13:35", "2026-10-30T20:00", "2026-11-02T09:00"),  # after it
    ],
)
def test_the_clock_is_the_calendars_when_clocks_change(as_of: str, closed_at: str, starts_at: str) -> None:
    found = night_of("XNYS", datetime.fromisoformat(as_of).replace(tzinfo=UTC), ALL)
    assert found is not None
    assert found.entry == "08:00"
    assert found.closed_at == datetime.fromisoformat(closed_at).replace(tzinfo=UTC)
    assert found.starts_at == datetime.fromisoformat(starts_at).replace(tzinfo=UTC)


@pytest.mark.parametrize("calendar", ["XLON", "XTAI", "24/7", "FX", "CMES"])
def test_calendars_without_extended_hours_have_no_night(calendar: str) -> None:
    hours = [local("2026-11-19T00:35") + timedelta(hours=hour) for hour in range(24)]
    assert [night_of(calendar, at, ALL) for at in hours] == [None] * 24
    assert refreshes_between(calendar, hours[0], hours[-1], ALL, MINUTE) == []


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(DataContractError, match="time zone"):
        night_of("XNYS", datetime(2026, 11, 19, 8, 35), ALL)  # noqa: DTZ001  # what is refused


def test_the_ends_of_the_calendar_have_no_night() -> None:
    first = refreshes_between("XNYS", local("2014-12-20T00:00"), local("2015-01-10T00:00"), ALL, MINUTE)
    last = refreshes_between("XNYS", local("2032-12-20T00:00"), local("2033-01-10T00:00"), ALL, MINUTE)
    assert first[0] == local("2015-01-02T18:35")  # no session before the first
    assert last[-1] == local("2032-12-31T09:25")  # no session after the last


def test_past_refreshes_come_in_order_and_with_the_hours_minute() -> None:
    found = refreshes_between("XNYS", local("2026-11-20T12:00"), local("2026-11-23T23:00"), ALL, MINUTE)
    assert [f"{at.astimezone(NEW_YORK):%m-%d %H:%M}" for at in found] == [
        *("11-20 18:35", "11-20 20:35"),
        *("11-23 04:35", "11-23 05:35", "11-23 06:35", "11-23 07:35", "11-23 08:35", "11-23 09:25"),
        *("11-23 18:35", "11-23 20:35"),
    ]
    assert all(at.tzinfo is UTC for at in found)


def test_both_ends_of_the_stretch_count() -> None:
    ends = local("2026-11-20T18:35"), local("2026-11-20T20:35")
    assert refreshes_between("XNYS", *ends, ALL, MINUTE) == list(ends)
    assert refreshes_between("XNYS", *ends, 0, MINUTE) == []
    assert refreshes_between("XNYS", *ends, 3, MINUTE) == [ends[1]]


def test_a_refresh_is_with_the_next_hourly_run_where_clocks_are_half_an_hour_off(write: Write) -> None:
    use_calendars_file(
        write('[XBOM.extended]\nopens = "06:00"\ncloses = "20:00"\nrefreshes = ["08:00", "07:00"]\n')  # UTC+05:30
    )
    day = datetime(2026, 11, 19, tzinfo=UTC)
    found = refreshes_between("XBOM", day, day + timedelta(days=1), ALL, MINUTE)
    assert [f"{at.astimezone(ZoneInfo('Asia/Kolkata')):%H:%M}" for at in found] == ["07:05", "08:05"]


def test_kinds_of_bars_of_a_day_with_half_a_session() -> None:
    clocks = ["03:55", "04:00", "09:25", "09:30", "12:55", "13:00", "16:55", "19:55", "20:00", "12:58"]
    opened_at = pd.Series([pd.Timestamp(local(f"2026-11-27T{clock}")) for clock in clocks])
    assert kinds_of(opened_at, timedelta(minutes=5), "XNYS").tolist() == [
        *("outside", "extended", "extended", "regular", "regular"),
        *("extended", "extended", "extended", "outside", "outside"),
    ]


def test_bars_of_days_without_a_session_are_outside() -> None:
    opened_at = pd.Series([pd.Timestamp(local(f"{day}T08:00")) for day in ("2026-11-21", "2026-11-26", "2050-01-03")])
    assert set(kinds_of(opened_at, timedelta(minutes=5), "XNYS")) == {"outside"}
    assert kinds_of(opened_at, timedelta(minutes=5), "XLON").tolist() == ["outside", "regular", "outside"]


def test_an_operators_refreshes_replace_ours(write: Write) -> None:
    use_calendars_file(write('[XNYS.extended]\nrefreshes = ["07:00", "17:10"]\n'))
    assert entry("2026-11-19T08:35") is None
    assert entry("2026-11-19T07:35") == "07:00"
    assert entry("2026-11-19T17:10") == "17:10"
    extended = definition_of("XNYS", None).extended
    assert extended is not None
    assert (extended.opens, extended.closes, extended.calm_from) == (240, 1200, 1080)
    use_calendars_file(None)
    assert entry("2026-11-19T08:35") == "08:00"


def test_an_operator_can_turn_them_off_for_a_calendar(write: Write) -> None:
    assert entry("2026-11-19T08:35") == "08:00"
    use_calendars_file(write("[XNYS.extended]\nrefreshes = []\n"))
    assert definition_of("XNYS", calendars_file()).extended is None
    assert entry("2026-11-19T08:35") is None


def test_an_operator_can_give_them_to_another_calendar(write: Write) -> None:
    use_calendars_file(
        write('[XSTU]\nlike = "XFRA"\n[XFRA.extended]\nopens = "08:00"\ncloses = "22:00"\nrefreshes = ["19:00"]\n')
    )
    assert night_of("XFRA", datetime(2026, 11, 19, 18, 35, tzinfo=UTC), ALL) is not None
    found = night_of("XSTU", datetime(2026, 11, 19, 18, 35, tzinfo=UTC), ALL)
    assert found is not None
    assert (found.clock_minutes, found.calm_at) == (19 * 60 + 35, None)


@pytest.mark.parametrize(
    "table",
    [
        'opens = "20:00"',
        'opens = "four"',
        'refreshes = ["08:00", "08:00"]',
        'refreshes = ["25:00"]',
        'calm = "18:00"',
    ],
)
def test_extended_hours_that_make_no_sense_are_refused(table: str, write: Write) -> None:
    with pytest.raises(SettingsError, match=r"XNYS .* makes no sense"):
        use_calendars_file(write(f"[XNYS.extended]\n{table}\n"))
